/// A recursive reader of JSON (RFC 8259) whose depth is bounded.
struct JSONValueParser {
    private let bytes: UnsafeRawBufferPointer
    private var at = 0
    private static let maximumDepth = 64

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func document() throws(JSONSyntaxError) -> JSONValue {
        let result = try value(depth: 0)
        skipSpace()
        guard at == bytes.count else { throw mistake }
        return result
    }

    private var mistake: JSONSyntaxError { JSONSyntaxError(offset: min(at, bytes.count)) }
    private var byte: UInt8 { at < bytes.count ? bytes[at] : 0 }

    private mutating func skipSpace() {
        while at < bytes.count {
            switch bytes[at] {
            case 0x20, 0x0A, 0x0D, 0x09: at += 1
            default: return
            }
        }
    }

    private mutating func take(_ wanted: Unicode.Scalar) -> Bool {
        guard byte == UInt8(ascii: wanted) else { return false }
        at += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSONSyntaxError) -> JSONValue {
        guard depth < Self.maximumDepth else { throw mistake }
        skipSpace()
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: return try number()
        }
    }

    private mutating func literal(_ text: String, _ value: JSONValue) throws(JSONSyntaxError) -> JSONValue {
        for wanted in text.utf8 {
            guard byte == wanted else { throw mistake }
            at += 1
        }
        return value
    }

    private mutating func object(depth: Int) throws(JSONSyntaxError) -> JSONValue {
        at += 1
        var members: [JSONValue.Member] = []
        skipSpace()
        if take("}") { return .object(members) }
        while true {
            skipSpace()
            guard byte == UInt8(ascii: "\"") else { throw mistake }
            let name = try string()
            skipSpace()
            guard take(":") else { throw mistake }
            members.append(JSONValue.Member(name: name, value: try value(depth: depth + 1)))
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { throw mistake }
        }
    }

    private mutating func array(depth: Int) throws(JSONSyntaxError) -> JSONValue {
        at += 1
        var elements: [JSONValue] = []
        skipSpace()
        if take("]") { return .array(elements) }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if take("]") { return .array(elements) }
            guard take(",") else { throw mistake }
        }
    }

    private mutating func digits() throws(JSONSyntaxError) {
        guard (48...57).contains(byte) else { throw mistake }
        while (48...57).contains(byte) { at += 1 }
    }

    private mutating func number() throws(JSONSyntaxError) -> JSONValue {
        let start = at
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if byte | 32 == UInt8(ascii: "e") {
            at += 1
            if !take("+") { _ = take("-") }
            try digits()
        }
        return .number(String(decoding: bytes[start..<at], as: UTF8.self))
    }

    private mutating func string() throws(JSONSyntaxError) -> String {
        at += 1
        let start = at
        skipPlain()
        // Nearly every string is written without escapes, and can be taken as it is.
        if byte == UInt8(ascii: "\"") {
            defer { at += 1 }
            guard let string = String(validating: bytes[start..<at], as: UTF8.self) else { throw mistake }
            return string
        }
        var text = Array(bytes[start..<at])
        while at < bytes.count {
            let next = bytes[at]
            if next < 0x20 { throw mistake }
            at += 1
            if next == UInt8(ascii: "\"") {
                guard let string = String(validating: text, as: UTF8.self) else { throw mistake }
                return string
            }
            if next == UInt8(ascii: "\\") { try escape(&text) } else { text.append(next) }
        }
        throw mistake
    }

    /// To the next quote, backslash or control character.
    private mutating func skipPlain() {
        while at < bytes.count, bytes[at] >= 0x20, bytes[at] != UInt8(ascii: "\""), bytes[at] != UInt8(ascii: "\\") {
            at += 1
        }
    }

    private mutating func escape(_ text: inout [UInt8]) throws(JSONSyntaxError) {
        let code = byte
        at += 1
        switch code {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(code)
        case UInt8(ascii: "b"): text.append(8)
        case UInt8(ascii: "f"): text.append(12)
        case UInt8(ascii: "n"): text.append(10)
        case UInt8(ascii: "r"): text.append(13)
        case UInt8(ascii: "t"): text.append(9)
        case UInt8(ascii: "u"):
            var scalar = try hexadecimal()
            if (0xD800..<0xDC00).contains(scalar) {
                guard take("\\"), take("u") else { throw mistake }
                let low = try hexadecimal()
                guard (0xDC00..<0xE000).contains(low) else { throw mistake }
                scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let unicode = Unicode.Scalar(scalar) else { throw mistake }
            text.append(contentsOf: String(Character(unicode)).utf8)
        default: throw mistake
        }
    }

    private mutating func hexadecimal() throws(JSONSyntaxError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw mistake }
            value = value << 4 | UInt32(digit)
            at += 1
        }
        return value
    }
}
