import EventJSON
import Expression

/// An expression, and behind a NUL the event that it is about.
enum ExpressionBody {
    static func run(_ input: UnsafeRawBufferPointer) throws {
        let end = input.firstIndex(of: 0) ?? input.count
        let source = String(decoding: input[..<end], as: UTF8.self)
        let line = UnsafeRawBufferPointer(rebasing: input[min(end + 1, input.count)...])
        let expression: Expression
        do throws(ExpressionError) { expression = try Expression(source, names: EventCondition.names) } catch {
            return try check(error)
        }
        let names = EventCondition.values((try? JSONValue.parse(line)) ?? .null)
        let value: ExpressionValue
        do throws(ExpressionError) { value = try expression.evaluate(names) } catch {
            try check(error)
            return try expect((try? expression.evaluate(names)) == nil, "an error once, a value then: \(source)")
        }
        try checkCondition(source, value, line)
        let again = try expression.evaluate(names)
        let text = JSONValue(value)?.text
        try expect(JSONValue(again)?.text == text, "two values of \(source)")
        if let text { try expect((try? JSONValue.parse(text)) != nil, "no JSON: \(text)") }
        try checkText(value)
    }

    /// A condition that reads only the fields that it asks for holds of the same events.
    private static func checkCondition(
        _ source: String,
        _ value: ExpressionValue,
        _ line: UnsafeRawBufferPointer
    ) throws {
        guard case .bool(let wanted) = value, case .object(let members)? = try? JSONValue.parse(line),
            Set(members.map(\.name)).count == members.count
        else { return }
        let found = try? EventCondition(source).holds(line)
        try expect(found == wanted, "\(wanted), but not as a condition: \(source)")
    }

    private static func check(_ error: ExpressionError) throws {
        try expect(!error.reason.isEmpty && error.line >= 1, "no reason: \(error)")
        try expect((1...error.text.unicodeScalars.count + 1).contains(error.column), "the caret is off: \(error)")
    }

    /// What `string()` makes of a time or a number, its own conversion reads as the same.
    private static func checkText(_ value: ExpressionValue) throws {
        let function: String
        switch value {
        case .timestamp: function = "timestamp"
        case .duration: function = "duration"
        case .int: function = "int"
        case .uint: function = "uint"
        case .double(let number) where !number.isNaN: function = "double"
        default: return
        }
        let isSame = try Expression("\(function)(string(v)) == v", names: ["v"]).holds(["v": value])
        try expect(isSame, "\(function) of a string is not what it was: \(value)")
    }
}
