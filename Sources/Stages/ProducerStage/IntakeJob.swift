import Bytes
import EventJSON
import Incident
import Wire

/// What one outbox commit is to make safe together: events, the answers that tell of them, rejects, an input offset.
///
/// Safe to pass between threads: it belongs to the intake until it is queued, then to the writer, then to the intake
/// again; never to two at a time.
final class IntakeJob: @unchecked Sendable {
    /// A batch within the payload.
    struct Slice {
        var start: Int
        var end: Int
        var count: Int
    }

    /// A request whose answer goes out when the events are safe.
    struct PendingAnswer {
        var envelope: [[UInt8]]
        var gateway: String
        var request: UInt64
        var lowest: UInt64
        /// How many events of the job come before the request's.
        var firstIndex: Int
        var accepted: Int
        var refused: [GatewayAnswer.Refused]
    }

    /// Where the reading of an input stands.
    struct InputOffset {
        var source: [UInt8]
        var record: [UInt8]
        var offset: UInt64
    }

    var payload = ByteWriter(capacity: Limits.batchPayloadBytes + Limits.eventBytes)
    private(set) var slices: [Slice] = []
    private(set) var eventCount = 0
    var answers: [PendingAnswer] = []
    var rejects: [[UInt8]] = []
    var input: InputOffset?
    /// Whether the writer waits for room rather than give the job back.
    let isPatient: Bool

    init(isPatient: Bool) { self.isPatient = isPatient }

    var isEmpty: Bool { eventCount == 0 && answers.isEmpty && rejects.isEmpty && input == nil }
    var isFull: Bool { payload.count >= Limits.batchPayloadBytes || eventCount >= Limits.batchEvents }

    /// Checks and appends an event; throws, and appends nothing, when it is refused.
    func append(
        _ event: UnsafeRawBufferPointer,
        reader: EventReader,
        station: StationPolicy
    ) throws(Refusal) {
        let start = payload.count
        _ = try reader.normalise(event, into: &payload, station: station)
        payload.append(0x0A)
        let size = payload.count - start
        if let last = slices.last, last.count < Limits.batchEvents,
            last.end - last.start + size <= Limits.batchPayloadBytes
        {
            slices[slices.count - 1].end = payload.count
            slices[slices.count - 1].count += 1
        } else {
            slices.append(Slice(start: start, end: payload.count, count: 1))
        }
        eventCount += 1
    }

    /// Where the job stands, to go back to when a request turns out to be wrong as a whole.
    struct Mark {
        var payloadCount: Int
        var slices: [Slice]
        var eventCount: Int
        var rejectCount: Int
    }

    /// Where the job stands.
    var mark: Mark {
        Mark(payloadCount: payload.count, slices: slices, eventCount: eventCount, rejectCount: rejects.count)
    }

    /// Forgets the events and rejects that came after the mark.
    func goBack(to mark: Mark) {
        payload.truncate(to: mark.payloadCount)
        slices = mark.slices
        eventCount = mark.eventCount
        rejects.removeLast(rejects.count - mark.rejectCount)
    }

    /// Makes the job fit for another use and keeps its memory.
    func reset() {
        payload.removeAll()
        slices.removeAll(keepingCapacity: true)
        eventCount = 0
        answers.removeAll(keepingCapacity: true)
        rejects.removeAll(keepingCapacity: true)
        input = nil
    }
}

/// What became of a job.
struct IntakeOutcome: Sendable {
    /// An answer to send.
    struct Reply: Sendable {
        var envelope: [[UInt8]]
        var gateway: String
        var request: UInt64
        var body: [UInt8]
        var isDefinitive: Bool
    }

    var job: IntakeJob
    var replies: [Reply]
    /// Whether it is on the disk; false when it was given back.
    var isStored = true
}
