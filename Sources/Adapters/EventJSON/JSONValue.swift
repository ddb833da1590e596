import Bytes

/// Why a text is not JSON.
public struct JSONSyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Bytes before the mistake.
    public var offset: Int
    /// For people.
    public var description: String { "is not JSON: something is wrong at byte \(offset)" }
}

/// A JSON value for messages, settings and status files; never for events on the hot path.
public indirect enum JSONValue: Hashable, Sendable {
    /// One member of an object.
    public struct Member: Hashable, Sendable {
        /// The key.
        public var name: String
        /// What it holds.
        public var value: JSONValue

        /// Joins the two.
        public init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// Members in the order written.
    case object([Member])
    /// Elements.
    case array([JSONValue])
    /// Decoded text.
    case string(String)
    /// A number as written.
    case number(String)
    /// True or false.
    case bool(Bool)
    /// Nothing.
    case null

    /// The member `name` of an object; the first when there are several.
    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// The text of a string.
    public var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// A number that is whole and fits.
    public var integer: Int64? {
        guard case .number(let text) = self else { return nil }
        return Int64(text)
    }

    /// A number that is whole, not negative and fits.
    public var unsigned: UInt64? {
        guard case .number(let text) = self else { return nil }
        return UInt64(text)
    }

    /// A number.
    public var double: Double? {
        guard case .number(let text) = self else { return nil }
        return Double(text)
    }

    /// True or false.
    public var boolean: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// The elements of an array.
    public var array: [JSONValue]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    /// Appends the value without white space.
    public func write(to writer: inout ByteWriter) {
        switch self {
        case .object(let members):
            writer.append("{")
            for (index, member) in members.enumerated() {
                if index > 0 { writer.append(",") }
                writer.append(jsonString: member.name)
                writer.append(":")
                member.value.write(to: &writer)
            }
            writer.append("}")
        case .array(let elements):
            writer.append("[")
            for (index, element) in elements.enumerated() {
                if index > 0 { writer.append(",") }
                element.write(to: &writer)
            }
            writer.append("]")
        case .string(let text): writer.append(jsonString: text)
        case .number(let text): writer.append(string: text)
        case .bool(let value): writer.append(value ? "true" : "false")
        case .null: writer.append("null")
        }
    }

    /// The value as JSON text.
    public var text: String {
        var writer = ByteWriter()
        write(to: &writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// Reads one value with nothing but white space around it; at most 64 levels deep.
    public static func parse(_ bytes: UnsafeRawBufferPointer) throws(JSONSyntaxError) -> JSONValue {
        var parser = JSONValueParser(bytes)
        return try parser.document()
    }

    /// Reads one value.
    public static func parse(_ bytes: [UInt8]) throws(JSONSyntaxError) -> JSONValue {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(JSONSyntaxError) in try parse(buffer) }
        }
        return try result.get()
    }

    /// Reads one value.
    public static func parse(_ text: String) throws(JSONSyntaxError) -> JSONValue { try parse(Array(text.utf8)) }
}
