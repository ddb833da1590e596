/// Why reference data cannot be used: which file, where, and what is wrong.
public struct ReferenceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file.
    public var path: String
    /// The line, from 1, when it is known.
    public var line: Int?
    /// What is wrong and what to do.
    public var reason: String

    init(_ path: String, line: Int? = nil, _ reason: String) {
        self.path = path
        self.line = line
        self.reason = reason
    }

    /// For people.
    public var description: String { line.map { "\(path):\($0): \(reason)" } ?? "\(path): \(reason)" }
}
