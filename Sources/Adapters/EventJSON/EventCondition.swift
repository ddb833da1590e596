import Expression
import Incident

/// A condition on events: `--where`.
public struct EventCondition: Sendable {
    /// What a condition may name: the top-level fields, and the whole event as `event`.
    public static let names = Incident.fieldNames + ["event"]

    private let expression: Expression
    /// The fields that it asks for; nil when it asks for the whole event.
    private let fields: [String]?

    /// Reads a condition.
    public init(_ source: String) throws(ExpressionError) {
        expression = try Expression(source, names: Self.names)
        fields = expression.namesUsed.contains("event") ? nil : expression.namesUsed.sorted()
    }

    /// Whether an event's line meets it; throws when that cannot be said, as when a field is not there. The line was
    /// checked before it was archived: of a condition that names fields, only those are read.
    public func holds(_ line: UnsafeRawBufferPointer) throws(ExpressionError) -> Bool {
        try expression.holds(values(line))
    }

    private func values(_ line: UnsafeRawBufferPointer) -> [String: ExpressionValue] {
        func whole() -> [String: ExpressionValue] { Self.values((try? JSONValue.parse(line)) ?? .null) }
        guard let fields else { return whole() }
        // An error then says that has(event.field) tells beforehand.
        var values: [String: ExpressionValue] = ["event": .null]
        for field in fields {
            if let raw = TopLevelReader.value(of: field, in: line) {
                guard let value = try? JSONValue.parse(raw) else { return whole() }
                values[field] = ExpressionValue(value)
            } else if TopLevelReader.hasEscapedName(line) {
                return whole()
            }
        }
        return values
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
