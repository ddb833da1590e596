import EventJSON
import Expression

/// A condition on refused events: `--where`.
public struct RejectCondition: Sendable {
    /// What a condition may name.
    public static let names = [
        "station", "source", "field", "reason", "line", "bytes", "at", "number", "producer", "put_back", "event",
    ]

    private let expression: Expression

    /// Reads a condition.
    public init(_ source: String) throws(ExpressionError) { expression = try Expression(source, names: Self.names) }

    /// Whether a record meets it.
    public func holds(_ reject: StoredReject, isPutBack: Bool) throws(ExpressionError) -> Bool {
        let event = (reject.event.flatMap { try? JSONValue.parse($0) }).map { Self.value($0) } ?? .null
        return try expression.holds([
            "station": .string(reject.station),
            "source": .string(reject.source),
            "field": reject.field.map { .string($0) } ?? .null,
            "reason": .string(reject.reason),
            "line": Self.whole(reject.line),
            "bytes": Self.whole(reject.value["bytes"]?.unsigned ?? 0),
            "at": .string(reject.at),
            "number": Self.whole(reject.number),
            "producer": .string(reject.producer),
            "put_back": .bool(isPutBack),
            "event": event,
        ])
    }

    private static func whole(_ number: UInt64) -> ExpressionValue { .int(Int64(clamping: number)) }

    private static func value(_ json: JSONValue) -> ExpressionValue {
        switch json {
        case .object(let members): .map(members.map { ExpressionValue.Member($0.name, value($0.value)) })
        case .array(let elements): .list(elements.map { value($0) })
        case .string(let text): .string(text)
        case .number(let text): ExpressionValue.number(text) ?? .null
        case .bool(let value): .bool(value)
        case .null: .null
        }
    }
}
