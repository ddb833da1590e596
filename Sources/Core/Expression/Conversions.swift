// From one type to another: what does not fit, or cannot be read, is an error.
extension Function {
    static let conversions: [Function] = [
        conversion("int", toInt), conversion("uint", toUInt), conversion("double", toDouble),
        conversion("string", toString), conversion("bytes", toBytes), conversion("bool", toBool),
        conversion("timestamp", toTimestamp), conversion("duration", toDuration),
        conversion("dyn") { (value) throws(FunctionFailure) in value },
        conversion("type") { (value) throws(FunctionFailure) in .type(value.typeName) },
    ]

    private static func conversion(
        _ name: String,
        _ convert: @escaping @Sendable (ExpressionValue) throws(FunctionFailure) -> ExpressionValue?
    ) -> Function {
        Function(name: name, style: .function, arguments: 1...1) { (values) throws(FunctionFailure) in
            try convert(values[0])
        }
    }

    private static func unreadable(_ text: String, _ what: String) -> FunctionFailure {
        FunctionFailure("\"\(text.excerpt)\" \(what)")
    }

    private static func toInt(_ value: ExpressionValue) throws(FunctionFailure) -> ExpressionValue? {
        switch value {
        case .int: return value
        case .uint(let number):
            guard let whole = Int64(exactly: number) else {
                throw FunctionFailure("\(number) is out of range of an int")
            }
            return .int(whole)
        case .double(let number):
            // The lowest int is left out as well: a double there may have been rounded from what does not fit.
            guard number > -0x1p63, number < 0x1p63 else {
                throw FunctionFailure("\(value.text ?? "") is out of range of an int")
            }
            return .int(Int64(number))
        case .string(let text):
            guard text.utf8.count <= 64, let whole = Int64(text) else {
                throw unreadable(text, "is not a whole number in the range of an int")
            }
            return .int(whole)
        case .timestamp(let time): return .int(time.seconds)
        default: return nil
        }
    }

    private static func toUInt(_ value: ExpressionValue) throws(FunctionFailure) -> ExpressionValue? {
        switch value {
        case .uint: return value
        case .int(let number):
            guard let whole = UInt64(exactly: number) else {
                throw FunctionFailure("\(number) is out of range of a uint")
            }
            return .uint(whole)
        case .double(let number):
            guard number >= 0, number < 0x1p64 else {
                throw FunctionFailure("\(value.text ?? "") is out of range of a uint")
            }
            return .uint(UInt64(number))
        case .string(let text):
            guard text.utf8.count <= 64, text.utf8.first != UInt8(ascii: "-"), let whole = UInt64(text) else {
                throw unreadable(text, "is not a whole number in the range of a uint")
            }
            return .uint(whole)
        default: return nil
        }
    }

    private static func toDouble(_ value: ExpressionValue) throws(FunctionFailure) -> ExpressionValue? {
        switch value {
        case .double: return value
        case .int(let number): return .double(Double(number))
        case .uint(let number): return .double(Double(number))
        case .string(let text):
            guard text.utf8.count <= 1024, let number = Double(text) else { throw unreadable(text, "is not a number") }
            return .double(number)
        default: return nil
        }
    }

    private static func toString(_ value: ExpressionValue) throws(FunctionFailure) -> ExpressionValue? {
        if case .type = value { return nil }
        if case .bytes(let bytes) = value {
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw FunctionFailure("these bytes are invalid UTF-8, so they are no string")
            }
            return .string(text)
        }
        return value.text.map { .string($0) }
    }

    private static func toBytes(_ value: ExpressionValue) throws(FunctionFailure) -> ExpressionValue? {
        switch value {
        case .bytes: value
        case .string(let text): .bytes(Array(text.utf8))
        default: nil
        }
    }

    private static func toBool(_ value: ExpressionValue) throws(FunctionFailure) -> ExpressionValue? {
        switch value {
        case .bool: return value
        case .string(let text):
            switch text {
            case "true", "True", "TRUE", "t", "1": return .bool(true)
            case "false", "False", "FALSE", "f", "0": return .bool(false)
            default: throw unreadable(text, "is neither true nor false")
            }
        default: return nil
        }
    }

    private static func toTimestamp(_ value: ExpressionValue) throws(FunctionFailure) -> ExpressionValue? {
        switch value {
        case .timestamp: return value
        case .int(let seconds):
            guard let time = ExpressionTime(seconds: seconds) else {
                throw FunctionFailure("\(seconds) s is out of range: a timestamp lies in the years 1 to 9999")
            }
            return .timestamp(time)
        case .string(let text):
            do throws(ExpressionTime.ParseError) { return .timestamp(try ExpressionTime.parse(text)) } catch {
                throw unreadable(text, error.rawValue)
            }
        default: return nil
        }
    }

    private static func toDuration(_ value: ExpressionValue) throws(FunctionFailure) -> ExpressionValue? {
        switch value {
        case .duration: return value
        case .string(let text):
            do throws(DurationText.ParseError) { return .duration(try DurationText.parse(text)) } catch {
                throw unreadable(text, error.rawValue)
            }
        default: return nil
        }
    }
}
