/// What is wrong with an expression, and where.
public struct ExpressionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, and what to do about it.
    public var reason: String
    /// The line, from 1.
    public var line: Int
    /// The column in Unicode scalars, from 1.
    public var column: Int
    /// The line's text.
    public var text: String

    /// Finds line and column of an offset, in scalars.
    init(_ reason: String, source: String, at offset: Int) {
        self.reason = reason
        var (line, start) = (1, 0)
        let scalars = Array(source.unicodeScalars)
        let offset = min(offset, scalars.count)
        for (index, scalar) in scalars[..<offset].enumerated() where scalar == "\n" {
            line += 1
            start = index + 1
        }
        let end = scalars[start...].firstIndex(of: "\n") ?? scalars.count
        self.line = line
        column = offset - start + 1
        var view = String.UnicodeScalarView()
        // A tab would move the caret.
        view.append(contentsOf: scalars[start..<end].map { $0 == "\t" ? " " : $0 })
        text = String(view)
    }

    /// Place, reason, the line, and a caret below the place.
    public var description: String {
        "\(line):\(column): \(reason)\n  \(text)\n  \(String(repeating: " ", count: column - 1))^"
    }
}
