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
        let event = (reject.event.flatMap { try? JSONValue.parse($0) }).map { ExpressionValue($0) } ?? .null
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
}
