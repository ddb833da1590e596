// Strings and bytes: one quote or three, raw or with escapes.
extension Lexer {
    /// A string or bytes: `"…"`, `r"…"`, `b"…"`, `br"…"`; nil when none begins here.
    mutating func quoted() throws(ExpressionError) -> Token.Kind? {
        var ahead = 0
        let isBytes = peek() == "b" || peek() == "B"
        if isBytes { ahead += 1 }
        let isRaw = peek(ahead) == "r" || peek(ahead) == "R"
        if isRaw { ahead += 1 }
        guard peek(ahead) == "\"" || peek(ahead) == "'" else { return nil }
        at += ahead
        let content = try content(isRaw: isRaw, isBytes: isBytes)
        return isBytes ? .bytes(content) : .string(String(decoding: content, as: UTF8.self))
    }

    private mutating func content(isRaw: Bool, isBytes: Bool) throws(ExpressionError) -> [UInt8] {
        let start = at
        let quote = scalars[at]
        let isLong = peek(1) == quote && peek(2) == quote
        at += isLong ? 3 : 1
        var result: [UInt8] = []
        while let scalar = peek() {
            if scalar == quote, !isLong || peek(1) == quote && peek(2) == quote {
                at += isLong ? 3 : 1
                return result
            }
            if !isLong, scalar == "\n" || scalar == "\r" { break }
            if scalar == "\\", !isRaw {
                result += try escape(isBytes: isBytes)
            } else {
                result += Self.utf8(scalar)
                at += 1
            }
        }
        throw fail("this string does not end", at: start)
    }

    private static func utf8(_ scalar: Unicode.Scalar) -> [UInt8] { Array(String(scalar).utf8) }

    private mutating func escape(isBytes: Bool) throws(ExpressionError) -> [UInt8] {
        let start = at
        at += 1
        let letter = peek()
        at += 1
        switch letter {
        case "n": return [0x0A]
        case "t": return [0x09]
        case "r": return [0x0D]
        case "a": return [0x07]
        case "b": return [0x08]
        case "f": return [0x0C]
        case "v": return [0x0B]
        case "\\", "\"", "'", "`", "?": return Self.utf8(letter ?? "?")
        case "x", "X": return try coded(2, radix: 16, from: at, start, isByte: isBytes)
        case "u" where isBytes, "U" where isBytes:
            throw fail("bytes have no \\u and \\U; write the character itself, or \\x for each byte", at: start)
        case "u": return try coded(4, radix: 16, from: at, start)
        case "U": return try coded(8, radix: 16, from: at, start)
        case "0", "1", "2", "3": return try coded(3, radix: 8, from: at - 1, start, isByte: isBytes)
        default: throw fail("no such escape; a backslash is written \\\\", at: start)
        }
    }

    /// In bytes, `\x` and octal digits are one byte, and a code point elsewhere.
    private mutating func coded(
        _ count: Int,
        radix: Int,
        from: Int,
        _ start: Int,
        isByte: Bool = false
    ) throws(ExpressionError) -> [UInt8] {
        guard from + count <= scalars.count, scalars[from] != "+",
            let code = UInt32(text(from..<from + count), radix: radix), let scalar = Unicode.Scalar(code)
        else { throw fail("this escape needs \(count) digits of a Unicode scalar", at: start) }
        at = from + count
        return isByte ? [UInt8(truncatingIfNeeded: code)] : Self.utf8(scalar)
    }

    /// A field's name that is no name otherwise: `` `content-type` ``.
    mutating func quotedName() throws(ExpressionError) -> String {
        let start = at
        at += 1
        while let scalar = peek(),
            Self.isLetter(scalar) || Self.isDigit(scalar) || "-./ ".unicodeScalars.contains(scalar)
        {
            at += 1
        }
        guard peek() == "`", at > start + 1 else {
            throw fail(
                "a name in backquotes has letters, digits, _, -, ., / and spaces; others go into [\"…\"]",
                at: start
            )
        }
        at += 1
        return text(start + 1..<at - 1)
    }
}
