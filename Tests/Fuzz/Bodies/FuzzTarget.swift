/// A parser of bytes from outside, and what must hold of it whatever the bytes are.
///
/// `scripts/fuzz` runs each under libFuzzer; `swift test` runs each over its inputs in `seeds/fuzz/NAME/`.
public enum FuzzTarget: String, CaseIterable, Sendable {
    /// An archive's files after patches: start, reading, verification.
    case archive
    /// A batch: header, checksums, slices.
    case batch
    /// An event in a CloudEvent's envelope.
    case cloudevent
    /// `enlace.yaml`.
    case configuration
    /// Tags of an accepted event, or of a narrative.
    case enrichment
    /// An event as a gateway or a file brings it.
    case event
    /// An expression, and the event that it is about.
    case expression
    /// The frames of a gateway's request.
    case gateway
    /// The record of how far a file is read.
    case inputRecord = "input-record"
    /// JSON of requests, answers and status files.
    case json
    /// A request to the sink's replay endpoint.
    case replay
    /// RFC 3339 in, RFC 3339 out.
    case timestamp
    /// The first frames that our own processes send each other.
    case wire

    /// Runs one input; throws what does not hold.
    public func run(_ input: UnsafeRawBufferPointer) throws {
        switch self {
        case .archive: try ArchiveBody.run(input)
        case .batch: try BatchBody.run(input)
        case .cloudevent: try EventBody.runWrapped(input)
        case .configuration: try ConfigurationBody.runBlocking(input)
        case .enrichment: try EnrichmentBody.run(input)
        case .event: try EventBody.run(input)
        case .expression: try ExpressionBody.run(input)
        case .gateway: try GatewayBody.run(input)
        case .inputRecord: try GatewayBody.runInputRecord(input)
        case .json: try JSONBody.run(input)
        case .replay: try GatewayBody.runReplay(input)
        case .timestamp: try TimestampBody.run(input)
        case .wire: try WireBody.run(input)
        }
    }
}

/// Something that must hold and does not.
public struct Finding: Error, CustomStringConvertible {
    /// What, for people.
    public let description: String
    /// Says what does not hold.
    public init(_ description: String) { self.description = description }
}

/// Throws a finding unless the condition holds.
func expect(_ holds: Bool, _ what: @autoclosure () -> String) throws {
    if !holds { throw Finding(what()) }
}

/// Takes an input apart, front to back; behind its end everything is zero.
struct InputReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var at = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { at >= bytes.count }

    mutating func byte() -> UInt8 {
        defer { at += 1 }
        return at < bytes.count ? bytes[at] : 0
    }

    mutating func short() -> Int { Int(byte()) | Int(byte()) << 8 }

    mutating func take(_ count: Int) -> [UInt8] {
        let start = min(at, bytes.count)
        let end = min(start + count, bytes.count)
        at = end
        return Array(bytes[start..<end])
    }
}
