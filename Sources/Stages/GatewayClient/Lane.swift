import Bytes
import EventJSON
import Platform
import Wire
import ZeroMQ

/// The way to one station's producer: a few requests on their way, each sent again until it is answered.
final class Lane {
    private struct Request {
        var number: UInt64
        /// Its place among this lane's requests.
        var ordinal: Int
        var events: [[UInt8]]
        var lines: [Int]
        var sentAt_ns: UInt64 = 0
        /// Not before this time: the producer could not take it a moment ago.
        var notBefore_ns: UInt64 = 0
    }

    private(set) var result: PublishResult
    private let endpoint: String
    private var socket: Socket
    private var frames = Multipart()
    private var events: [[UInt8]] = []
    private var lines: [Int] = []
    private var gatheredBytes = 0
    private var requests: [Request] = []
    private var nextOrdinal = 0
    private var ready: [(events: [[UInt8]], lines: [Int])] = []
    private var hasEnded = false
    /// The last sequence that the producer gave to an event of ours.
    private var lastSequence: UInt64 = 0
    private var archivedThrough: UInt64 = 0
    private var askedProgress_ns: UInt64 = 0
    private var lastHeard_ns: UInt64 = 0
    private var refusesWith = ""

    private static let eventsPerRequest = 512
    private static let bytesPerRequest = 256 * 1024
    private static let requestsInFlight = 4
    /// How far requests may get ahead of one without an answer: the producer keeps the answers to the last 64, and
    /// what is older than those it can only refuse as stale.
    private static let requestsAhead = Limits.answersPerGateway - requestsInFlight - 1
    private static let patience_ns: UInt64 = 2_000_000_000
    private static let retryPause_ns: UInt64 = 200_000_000
    private static let progressEvery_ns: UInt64 = 50_000_000

    init(station: StationName, endpoint: String, socket: consuming Socket) {
        result = PublishResult(station: station)
        self.endpoint = endpoint
        self.socket = socket
    }

    /// Whether more must be sent before more is gathered.
    var mustWait: Bool { !ready.isEmpty && !maySendNext }

    private var maySendNext: Bool {
        guard requests.count < Self.requestsInFlight else { return false }
        return requests.allSatisfy { nextOrdinal - $0.ordinal < Self.requestsAhead }
    }

    /// Whether everything is answered and everything accepted is archived.
    var isDone: Bool {
        hasEnded && ready.isEmpty && requests.isEmpty && archivedThrough >= lastSequence
    }

    /// What it waits for, in words; nil when things move.
    var waitsFor: String? {
        let now = Clock.monotonicNanoseconds()
        if !refusesWith.isEmpty { return "\(result.station): the producer takes nothing now: \(refusesWith)" }
        if !requests.isEmpty, now - lastHeard_ns > Self.patience_ns {
            return "\(result.station): waiting for its producer, nothing answers at \(endpoint)"
        }
        if hasEnded, requests.isEmpty, archivedThrough < lastSequence {
            return "\(result.station): \(lastSequence - archivedThrough) events are safe and wait for the archive; "
                + "see enlace status"
        }
        return nil
    }

    func gather(_ event: UnsafeRawBufferPointer, line: Int) {
        var bytes = event
        if bytes.last == 0x0D { bytes = UnsafeRawBufferPointer(rebasing: bytes.dropLast()) }
        // One byte more than is allowed is enough for the producer to say that it is too long.
        bytes = UnsafeRawBufferPointer(rebasing: bytes.prefix(Limits.eventBytes + 1))
        if gatheredBytes + bytes.count > Self.bytesPerRequest || events.count >= Self.eventsPerRequest { close() }
        events.append([UInt8](bytes))
        lines.append(line)
        gatheredBytes += bytes.count
    }

    /// Sends what was gathered although the request is not full.
    func flush() { close() }

    /// Whether there is something to send or to hear.
    var hasBusiness: Bool { hasEnded || !ready.isEmpty || !requests.isEmpty }

    func finishGathering() {
        close()
        hasEnded = true
    }

    private func close() {
        guard !events.isEmpty else { return }
        ready.append((events, lines))
        events = []
        lines = []
        gatheredBytes = 0
    }

    // MARK: - Sending and hearing

    /// Sends what is due, hears what has come, waiting for it a little.
    func turn(
        number: () throws -> UInt64,
        gateway: String,
        tell: (PublishRefusal) -> Void
    ) throws {
        while maySendNext, !ready.isEmpty {
            let next = ready.removeFirst()
            requests.append(
                Request(number: try number(), ordinal: nextOrdinal, events: next.events, lines: next.lines)
            )
            nextOrdinal += 1
        }
        let now = Clock.monotonicNanoseconds()
        if lastHeard_ns == 0 { lastHeard_ns = now }
        for index in requests.indices where now >= requests[index].notBefore_ns {
            let sentAt = requests[index].sentAt_ns
            guard sentAt == 0 || now - sentAt > Self.patience_ns else { continue }
            if try send(requests[index], gateway: gateway, lowest: requests[0].number) {
                requests[index].sentAt_ns = now
            }
        }
        if requests.isEmpty, hasEnded, archivedThrough < lastSequence, now - askedProgress_ns > Self.progressEvery_ns {
            askedProgress_ns = now
            try send(header: "{\"gateway\":\"\(gateway)\",\"query\":\"progress\"}", events: [])
        }
        guard try socket.waitUntilReadable(timeoutMilliseconds: isDone ? 0 : 20) else { return }
        while try socket.receive(into: &frames) { hear(gateway, tell) }
    }

    private func send(_ request: Request, gateway: String, lowest: UInt64) throws -> Bool {
        try send(
            header: "{\"gateway\":\"\(gateway)\",\"request\":\(request.number),\"lowest\":\(lowest)}",
            events: request.events
        )
    }

    /// A request has more frames than `Multipart` holds: they go out one by one once the first is taken.
    @discardableResult
    private func send(header: String, events: [[UInt8]]) throws -> Bool {
        var first = Message("ENLACE1")
        guard try socket.send(&first, more: true) == .sent else { return false }
        var second = Message(header)
        _ = try socket.send(&second, more: !events.isEmpty)
        for (index, event) in events.enumerated() {
            var frame = Message(copying: event)
            _ = try socket.send(&frame, more: index + 1 < events.count)
        }
        return true
    }

    private func hear(_ gateway: String, _ tell: (PublishRefusal) -> Void) {
        guard frames.count == 2, frames.withBytes(at: 0, { $0.elementsEqual("ENLACE1".utf8) }),
            let answer = frames.withBytes(at: 1, { try? JSONValue.parse($0) })
        else { return }
        lastHeard_ns = Clock.monotonicNanoseconds()
        // Another one's, that ZeroMQ brought here: both chose the same routing id.
        if let meant = answer["gateway"]?.string, meant != gateway { return }
        if answer["status"]?.string == "progress" {
            archivedThrough = max(archivedThrough, answer["archived_through"]?.unsigned ?? 0)
            if archivedThrough >= lastSequence { result.archived = result.accepted }
            return
        }
        guard let number = answer["request"]?.unsigned,
            let index = requests.firstIndex(where: { $0.number == number })
        else { return }
        switch answer["status"]?.string {
        case "accepted", "refused":
            refusesWith = ""
            settle(requests.remove(at: index), answer, tell)
        case "unavailable":
            refusesWith = answer["reason"]?.string ?? ""
            requests[index].sentAt_ns = 0
            requests[index].notBefore_ns = lastHeard_ns + Self.retryPause_ns
        default:
            let request = requests.remove(at: index)
            result.rejected += UInt64(request.events.count)
            for line in request.lines {
                tell(PublishRefusal(line: line, field: nil, reason: answer["reason"]?.string ?? "refused"))
            }
        }
    }

    private func settle(_ request: Request, _ answer: JSONValue, _ tell: (PublishRefusal) -> Void) {
        let accepted = answer["accepted"]?.unsigned ?? 0
        result.accepted += accepted
        if accepted > 0, let first = answer["first"]?.unsigned {
            lastSequence = max(lastSequence, first + accepted - 1)
        }
        for refused in answer["refused"]?.array ?? [] {
            result.rejected += 1
            let place = Int(clamping: refused["event"]?.unsigned ?? 1)
            let line = request.lines.indices.contains(place - 1) ? request.lines[place - 1] : 0
            tell(
                PublishRefusal(
                    line: line,
                    field: refused["field"]?.string,
                    reason: refused["reason"]?.string ?? "refused"
                )
            )
        }
    }
}
