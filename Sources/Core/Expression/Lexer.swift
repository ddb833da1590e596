/// A piece of an expression's text.
struct Token {
    enum Kind: Equatable {
        case name(String)
        case int(UInt64)
        case uint(UInt64)
        case double(Double)
        case string(String)
        /// An operator or a bracket.
        case sign(String)
        case end
    }

    var kind: Kind
    /// Scalars before it.
    var position: Int
}

/// Cuts a text into tokens.
struct Lexer {
    private let source: String
    private let scalars: [Unicode.Scalar]
    private var at = 0

    init(_ source: String) {
        self.source = source
        scalars = Array(source.unicodeScalars)
    }

    static func tokens(_ source: String) throws(ExpressionError) -> [Token] {
        var lexer = Lexer(source)
        var tokens: [Token] = []
        while true {
            let token = try lexer.next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
        at + ahead < scalars.count ? scalars[at + ahead] : nil
    }

    private func fail(_ reason: String, at offset: Int) -> ExpressionError {
        ExpressionError(reason, source: source, at: offset)
    }

    private mutating func next() throws(ExpressionError) -> Token {
        skipSpace()
        let start = at
        guard let scalar = peek() else { return Token(kind: .end, position: start) }
        if let raw = try prefixedString() { return Token(kind: raw, position: start) }
        if Self.isLetter(scalar) {
            while let scalar = peek(), Self.isLetter(scalar) || Self.isDigit(scalar) { at += 1 }
            return Token(kind: .name(text(start..<at)), position: start)
        }
        if Self.isDigit(scalar) || scalar == "." && peek(1).map(Self.isDigit) ?? false {
            return Token(kind: try number(), position: start)
        }
        if scalar == "\"" || scalar == "'" { return Token(kind: .string(try string(isRaw: false)), position: start) }
        for sign in ["==", "!=", "<=", ">=", "&&", "||"] where matches(sign) {
            at += 2
            return Token(kind: .sign(sign), position: start)
        }
        if "<>!+-*/%?:,.()[]{}".unicodeScalars.contains(scalar) {
            at += 1
            return Token(kind: .sign(String(scalar)), position: start)
        }
        let hint = scalar == "=" ? "; equality is ==" : scalar == "&" || scalar == "|" ? "; write it twice" : ""
        throw fail("\"\(scalar)\" means nothing here\(hint)", at: start)
    }

    private mutating func skipSpace() {
        while let scalar = peek() {
            if scalar == "/", peek(1) == "/" {
                while let scalar = peek(), scalar != "\n" { at += 1 }
            } else if scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r" || scalar == "\u{0C}" {
                at += 1
            } else {
                return
            }
        }
    }

    private func matches(_ sign: String) -> Bool {
        for (index, scalar) in sign.unicodeScalars.enumerated() where peek(index) != scalar { return false }
        return true
    }

    private func text(_ range: Range<Int>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars[range])
        return String(view)
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
    }
    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    // MARK: - Numbers

    private mutating func number() throws(ExpressionError) -> Token.Kind {
        let start = at
        if peek() == "0", peek(1) == "x" || peek(1) == "X" {
            at += 2
            let digits = at
            while let scalar = peek(), Self.isDigit(scalar) || Self.isLetter(scalar) && scalar != "u" && scalar != "U" {
                at += 1
            }
            guard let value = UInt64(text(digits..<at), radix: 16) else {
                throw fail("not a hexadecimal number of at most 64 bits", at: start)
            }
            return whole(value)
        }
        var isWhole = true
        while let scalar = peek(), Self.isDigit(scalar) { at += 1 }
        if peek() == ".", peek(1).map(Self.isDigit) ?? false {
            isWhole = false
            at += 1
            while let scalar = peek(), Self.isDigit(scalar) { at += 1 }
        }
        if peek() == "e" || peek() == "E" {
            let sign = peek(1) == "+" || peek(1) == "-" ? 2 : 1
            guard peek(sign).map(Self.isDigit) ?? false else { throw fail("an exponent needs digits", at: at) }
            isWhole = false
            at += sign
            while let scalar = peek(), Self.isDigit(scalar) { at += 1 }
        }
        let digits = text(start..<at)
        guard isWhole else {
            guard let value = Double(digits) else { throw fail("not a number", at: start) }
            return .double(value)
        }
        guard let value = UInt64(digits) else { throw fail("a whole number of more than 64 bits", at: start) }
        return whole(value)
    }

    private mutating func whole(_ value: UInt64) -> Token.Kind {
        guard peek() == "u" || peek() == "U" else { return .int(value) }
        at += 1
        return .uint(value)
    }

    // MARK: - Strings

    /// A string with `r` before it; bytes are not there yet.
    private mutating func prefixedString() throws(ExpressionError) -> Token.Kind? {
        guard let first = peek(), let second = peek(1) else { return nil }
        let isQuoted = second == "\"" || second == "'"
        if isQuoted, first == "b" || first == "B" { throw fail("bytes are not supported; use a string", at: at) }
        guard isQuoted, first == "r" || first == "R" else { return nil }
        at += 1
        return .string(try string(isRaw: true))
    }

    private mutating func string(isRaw: Bool) throws(ExpressionError) -> String {
        let start = at
        let quote = scalars[at]
        let isLong = peek(1) == quote && peek(2) == quote
        at += isLong ? 3 : 1
        var result = String.UnicodeScalarView()
        while let scalar = peek() {
            if scalar == quote, !isLong || peek(1) == quote && peek(2) == quote {
                at += isLong ? 3 : 1
                return String(result)
            }
            if !isLong, scalar == "\n" || scalar == "\r" { break }
            if scalar == "\\", !isRaw {
                result.append(try escape())
            } else {
                result.append(scalar)
                at += 1
            }
        }
        throw fail("this string does not end", at: start)
    }

    private mutating func escape() throws(ExpressionError) -> Unicode.Scalar {
        let start = at
        at += 1
        let letter = peek()
        at += 1
        switch letter {
        case "n": return "\n"
        case "t": return "\t"
        case "r": return "\r"
        case "a": return "\u{07}"
        case "b": return "\u{08}"
        case "f": return "\u{0C}"
        case "v": return "\u{0B}"
        case "\\", "\"", "'", "`", "?": return letter ?? "?"
        case "x", "X": return try coded(2, radix: 16, from: at, start)
        case "u": return try coded(4, radix: 16, from: at, start)
        case "U": return try coded(8, radix: 16, from: at, start)
        case "0", "1", "2", "3": return try coded(3, radix: 8, from: at - 1, start)
        default: throw fail("no such escape; a backslash is written \\\\", at: start)
        }
    }

    private mutating func coded(
        _ count: Int,
        radix: Int,
        from: Int,
        _ start: Int
    ) throws(ExpressionError) -> Unicode.Scalar {
        guard from + count <= scalars.count, let code = UInt32(text(from..<from + count), radix: radix),
            let scalar = Unicode.Scalar(code)
        else { throw fail("this escape needs \(count) digits of a Unicode scalar", at: start) }
        at = from + count
        return scalar
    }
}
