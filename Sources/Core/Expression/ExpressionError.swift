/// What is wrong with an expression, and where.
public struct ExpressionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, and what to do about it.
    public var reason: String
    private let source: String
    /// Scalars before the place.
    private let offset: Int

    /// The place is an offset in scalars. Line and column are only counted when somebody asks: most errors of an
    /// evaluation are made good by another operand, or are one of many.
    init(_ reason: String, source: String, at offset: Int) {
        self.reason = reason
        self.source = source
        self.offset = offset
    }

    /// The line, from 1.
    public var line: Int { before.reduce(1) { $1 == "\n" ? $0 + 1 : $0 } }

    /// The column in Unicode scalars, from 1.
    public var column: Int { before.reversed().prefix { $0 != "\n" }.count + 1 }

    /// The line's text.
    public var text: String {
        let start = before.count - column + 1
        let line = source.unicodeScalars.dropFirst(start).prefix { $0 != "\n" }
        var view = String.UnicodeScalarView()
        // A tab would move the caret, and so would others.
        view.append(contentsOf: line.map { $0.isPlain ? $0 : " " })
        return String(view)
    }

    private var before: Substring.UnicodeScalarView { source.unicodeScalars.prefix(offset) }

    /// Place, reason, the line, and a caret below the place.
    public var description: String {
        "\(line):\(column): \(reason)\n  \(text)\n  \(String(repeating: " ", count: column - 1))^"
    }
}
