/// A value that an expression works on.
public enum ExpressionValue: Sendable {
    /// A member of a map.
    public struct Member: Sendable {
        /// The key: a string, a whole number or a bool.
        public var key: ExpressionValue
        /// What it holds.
        public var value: ExpressionValue

        /// A member as JSON has them.
        public init(_ name: String, _ value: ExpressionValue) {
            key = .string(name)
            self.value = value
        }

        init(key: ExpressionValue, value: ExpressionValue) {
            self.key = key
            self.value = value
        }
    }

    /// Nothing.
    case null
    /// True or false.
    case bool(Bool)
    /// A whole number.
    case int(Int64)
    /// A whole number that is not negative.
    case uint(UInt64)
    /// A floating number.
    case double(Double)
    /// A text.
    case string(String)
    /// Any bytes.
    case bytes([UInt8])
    /// A moment.
    case timestamp(ExpressionTime)
    /// A span of time, in nanoseconds.
    case duration(Int64)
    /// A type, by its name.
    case type(String)
    /// Elements.
    case list([ExpressionValue])
    /// Members; of several with one key the first counts.
    case map([Member])

    /// The type's name in CEL.
    public var typeName: String {
        switch self {
        case .null: "null_type"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .timestamp: "google.protobuf.Timestamp"
        case .duration: "google.protobuf.Duration"
        case .type: "type"
        case .list: "list"
        case .map: "map"
        }
    }

    /// The names that stand for types.
    static let typeNames = ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"]

    /// The type's name, for messages.
    public var kind: String {
        switch self {
        case .null: "null"
        case .int: "an int"
        case .bytes: "bytes"
        case .timestamp: "a timestamp"
        case .duration: "a duration"
        default: "a \(typeName)"
        }
    }

    /// What `string()` makes of a number, a text, a time or a type; nil for the others.
    public var text: String? {
        switch self {
        case .bool(let value): value ? "true" : "false"
        case .int(let number): "\(number)"
        case .uint(let number): "\(number)"
        case .double(let number): Self.text(number)
        case .string(let text): text
        case .timestamp(let time): time.description
        case .duration(let nanoseconds): DurationText.write(nanoseconds)
        case .type(let name): name
        case .null, .bytes, .list, .map: nil
        }
    }

    private static func text(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
        let text = "\(number)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// A number as it is written in JSON: whole when it has neither a fraction nor an exponent and fits.
    public static func number(_ text: String) -> ExpressionValue? {
        if let whole = Int64(text) { return .int(whole) }
        if let whole = UInt64(text) { return .uint(whole) }
        return Double(text).map { .double($0) }
    }

    /// A map's member with a name.
    public func member(_ name: String) -> ExpressionValue? { member(key: .string(name)) }

    /// A map's member; numbers of any types are one key when they are equal.
    func member(key: ExpressionValue) -> ExpressionValue? {
        guard case .map(let members) = self else { return nil }
        guard case .string(let name) = key else {
            return members.first { ExpressionValue.order($0.key, key) == .equal }?.value
        }
        // Nearly every key is a name, and nearly every name has another length or another beginning.
        let wanted = name.utf8
        for member in members {
            guard case .string(let other) = member.key, other.utf8.count == wanted.count else { continue }
            if other.utf8.elementsEqual(wanted) { return member.value }
        }
        return nil
    }

    /// Whether it is a number.
    var isNumber: Bool {
        switch self {
        case .int, .uint, .double: true
        default: false
        }
    }
}
