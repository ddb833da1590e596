import Expression

extension ExpressionValue {
    /// A value of JSON: a number is whole when it is written so and fits.
    public init(_ json: JSONValue) {
        switch json {
        case .object(let members):
            self = .map(members.map { Member($0.name, ExpressionValue($0.value)) })
        case .array(let elements): self = .list(elements.map { ExpressionValue($0) })
        case .string(let text): self = .string(text)
        case .number(let text): self = ExpressionValue.number(text) ?? .null
        case .bool(let value): self = .bool(value)
        case .null: self = .null
        }
    }
}

extension JSONValue {
    /// The most values, and pieces of 64 bytes of text, that are written out. A list may hold one list many times, so
    /// that a value that took few steps to make can be larger than any memory once written.
    public static let largestExpressionValue = 1_000_000

    /// An expression's value: times, durations, bytes (base64), types and numbers that JSON does not have are strings.
    /// Nil when it is too large.
    public init?(_ value: ExpressionValue) {
        var left = Self.largestExpressionValue
        guard let made = Self.make(value, &left) else { return nil }
        self = made
    }

    private static func make(_ value: ExpressionValue, _ left: inout Int) -> JSONValue? {
        left -= 1
        guard left >= 0 else { return nil }
        switch value {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .int(let number): return .number("\(number)")
        case .uint(let number): return .number("\(number)")
        case .double(let number): return number.isFinite ? .number("\(number)") : .string(value.text ?? "")
        case .list(let elements):
            var made: [JSONValue] = []
            for element in elements {
                guard let element = make(element, &left) else { return nil }
                made.append(element)
            }
            return .array(made)
        case .map(let members):
            var made: [Member] = []
            for member in members {
                guard let value = make(member.value, &left) else { return nil }
                made.append(Member(name: member.key.text ?? "", value: value))
            }
            return .object(made)
        case .bytes(let bytes):
            left -= bytes.count / 64
            return left < 0 ? nil : .string(base64(bytes))
        case .string, .timestamp, .duration, .type:
            let text = value.text ?? ""
            left -= text.utf8.count / 64
            return left < 0 ? nil : .string(text)
        }
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                text.append(place <= group.count ? letters[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
