import Expression
import Incident

/// A condition on events: `--where`.
public struct EventCondition: Sendable {
    /// What a condition may name: the top-level fields, and the whole event as `event`.
    public static let names = Incident.fieldNames + ["event"]

    private let expression: Expression

    /// Reads a condition.
    public init(_ source: String) throws(ExpressionError) { expression = try Expression(source, names: Self.names) }

    /// Whether an event's line meets it; throws when that cannot be said, as when a field is not there.
    public func holds(_ line: UnsafeRawBufferPointer) throws(ExpressionError) -> Bool {
        try expression.holds(Self.values((try? JSONValue.parse(line)) ?? .null))
    }

    /// What the names stand for in an event.
    public static func values(_ event: JSONValue) -> [String: ExpressionValue] {
        let whole = ExpressionValue(event)
        var values: [String: ExpressionValue] = [:]
        if case .map(let members) = whole {
            for member in members {
                guard case .string(let name) = member.key, values[name] == nil else { continue }
                values[name] = member.value
            }
        }
        values["event"] = whole
        return values
    }
}
