/// What is wrong with a configuration file, an environment variable or a flag.
public struct SettingsError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file, variable or flag.
    public var source: String
    /// The line of a file, from 1.
    public var line: Int?
    /// What is wrong, and what to do about it.
    public var reason: String

    /// Joins the parts.
    public init(source: String, line: Int? = nil, reason: String) {
        self.source = source
        self.line = line
        self.reason = reason
    }

    /// `file:line: reason`.
    public var description: String { line.map { "\(source):\($0): \(reason)" } ?? "\(source): \(reason)" }
}
