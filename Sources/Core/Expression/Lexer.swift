/// A piece of an expression's text.
struct Token {
    enum Kind: Equatable {
        case name(String)
        /// A field's name in backquotes.
        case quotedName(String)
        case int(UInt64)
        case uint(UInt64)
        case double(Double)
        case string(String)
        case bytes([UInt8])
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
    let scalars: [Unicode.Scalar]
    var at = 0

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

    func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
        at + ahead < scalars.count ? scalars[at + ahead] : nil
    }

    func fail(_ reason: String, at offset: Int) -> ExpressionError {
        ExpressionError(reason, source: source, at: offset)
    }

    private mutating func next() throws(ExpressionError) -> Token {
        skipSpace()
        let start = at
        guard let scalar = peek() else { return Token(kind: .end, position: start) }
        if let quoted = try quoted() { return Token(kind: quoted, position: start) }
        if scalar == "`" { return Token(kind: .quotedName(try quotedName()), position: start) }
        if Self.isLetter(scalar) {
            while let scalar = peek(), Self.isLetter(scalar) || Self.isDigit(scalar) { at += 1 }
            return Token(kind: .name(text(start..<at)), position: start)
        }
        if Self.isDigit(scalar) || scalar == "." && peek(1).map(Self.isDigit) ?? false {
            return Token(kind: try number(), position: start)
        }
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

    func text(_ range: Range<Int>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars[range])
        return String(view)
    }

    static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
    }
    static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

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
}
