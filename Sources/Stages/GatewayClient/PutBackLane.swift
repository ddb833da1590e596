import Bytes
import EventJSON
import Platform
import Wire
import ZeroMQ

/// The way to one producer for records that are put back: a few on their way, each sent again until it is answered.
final class PutBackLane {
    private struct Pending {
        var entry: PutBackJournal.Entry
        /// Whether an earlier run may have sent it: then the producer must go on remembering it.
        var isResumed: Bool
        var sentAt_ns: UInt64 = 0
        var notBefore_ns: UInt64 = 0
    }

    private(set) var result: PublishResult
    private let journal: PutBackJournal
    private let endpoint: String
    private var socket: Socket
    private var frames = Multipart()
    private var pending: [Pending] = []
    private var lastSequence: UInt64 = 0
    private var archivedThrough: UInt64 = 0
    private var askedProgress_ns: UInt64 = 0
    private var lastHeard_ns = Clock.monotonicNanoseconds()
    private var refusesWith = ""

    private static let inFlight = 32
    private static let patience_ns: UInt64 = 2_000_000_000
    private static let retryPause_ns: UInt64 = 200_000_000
    private static let progressEvery_ns: UInt64 = 50_000_000

    init(station: StationName, endpoint: String, socket: consuming Socket, journal: PutBackJournal) {
        result = PublishResult(station: station)
        self.endpoint = endpoint
        self.socket = socket
        self.journal = journal
    }

    /// Whether the request of an entry can be told from all others on their way.
    func mayTake(_ entry: PutBackJournal.Entry) -> Bool {
        pending.count < Self.inFlight && !pending.contains { $0.entry.request == entry.request }
    }

    func take(_ entry: PutBackJournal.Entry, isResumed: Bool) {
        pending.append(Pending(entry: entry, isResumed: isResumed))
    }

    /// Whether everything is answered and everything accepted is archived.
    var isDone: Bool { pending.isEmpty && archivedThrough >= lastSequence }

    /// What it waits for, in words; nil when things move.
    var waitsFor: String? {
        if !refusesWith.isEmpty { return "\(result.station): the producer takes nothing now: \(refusesWith)" }
        if !pending.isEmpty, Clock.monotonicNanoseconds() - lastHeard_ns > Self.patience_ns {
            return "\(result.station): waiting for its producer, nothing answers at \(endpoint)"
        }
        guard pending.isEmpty, archivedThrough < lastSequence else { return nil }
        return "\(result.station): what was put back is safe and waits for the archive; see enlace status"
    }

    func turn(_ tell: (PutBackJournal.Entry, PublishRefusal) -> Void) throws {
        let now = Clock.monotonicNanoseconds()
        for index in pending.indices where now >= pending[index].notBefore_ns {
            let sentAt = pending[index].sentAt_ns
            guard sentAt == 0 || now - sentAt > Self.patience_ns else { continue }
            let entry = pending[index].entry
            let header = "{\"gateway\":\"\(entry.gateway)\",\"request\":\(entry.request),\"lowest\":\(entry.request)}"
            if try send(header, event: entry.event) { pending[index].sentAt_ns = now }
        }
        if pending.isEmpty, archivedThrough < lastSequence, now - askedProgress_ns > Self.progressEvery_ns {
            askedProgress_ns = now
            _ = try send("{\"gateway\":\"rejects\",\"query\":\"progress\"}", event: nil)
        }
        guard try socket.waitUntilReadable(timeoutMilliseconds: isDone ? 0 : 20) else { return }
        while try socket.receive(into: &frames) { try hear(tell) }
    }

    private func send(_ header: String, event: String?) throws -> Bool {
        var first = Message("ENLACE1")
        guard try socket.send(&first, more: true) == .sent else { return false }
        var second = Message(header)
        _ = try socket.send(&second, more: event != nil)
        if let event {
            var third = Message(copying: Array(event.utf8))
            _ = try socket.send(&third)
        }
        return true
    }

    private func hear(_ tell: (PutBackJournal.Entry, PublishRefusal) -> Void) throws {
        guard frames.count == 2, frames.withBytes(at: 0, { $0.elementsEqual("ENLACE1".utf8) }),
            let answer = frames.withBytes(at: 1, { try? JSONValue.parse($0) })
        else { return }
        lastHeard_ns = Clock.monotonicNanoseconds()
        let status = answer["status"]?.string
        if status == "progress" {
            archivedThrough = max(archivedThrough, answer["archived_through"]?.unsigned ?? 0)
            if archivedThrough >= lastSequence { result.archived = result.accepted }
            return
        }
        guard let number = answer["request"]?.unsigned,
            let index = pending.firstIndex(where: { $0.entry.request == number })
        else { return }
        switch status {
        case "accepted", "refused":
            refusesWith = ""
            try settle(pending.remove(at: index), answer, tell)
        case "unavailable":
            refusesWith = answer["reason"]?.string ?? ""
            pending[index].sentAt_ns = 0
            pending[index].notBefore_ns = lastHeard_ns + Self.retryPause_ns
        default:
            // Nobody can say whether it was taken: the journal keeps it as it is.
            let lost = pending.remove(at: index)
            result.rejected += 1
            tell(lost.entry, PublishRefusal(line: 0, field: nil, reason: answer["reason"]?.string ?? "refused"))
        }
    }

    private func settle(
        _ settled: Pending,
        _ answer: JSONValue,
        _ tell: (PutBackJournal.Entry, PublishRefusal) -> Void
    ) throws {
        var entry = settled.entry
        entry.at = Clock.now()
        if let sequence = answer["first"]?.unsigned {
            entry.state = .accepted
            entry.sequence = sequence
            lastSequence = max(lastSequence, sequence)
            result.accepted += 1
            if archivedThrough >= sequence { result.archived += 1 }
            try journal.write(entry)
        } else {
            let refused = answer["refused"]?.array?.first
            let refusal = PublishRefusal(
                line: 0,
                field: refused?["field"]?.string,
                reason: refused?["reason"]?.string ?? "refused"
            )
            entry.state = .refused
            entry.reason = (refusal.field.map { "\($0): " } ?? "") + refusal.reason
            result.rejected += 1
            try journal.write(entry)
            tell(entry, refusal)
            return
        }
        // The producer need not remember a record that is settled. One that another run sent too may still arrive again.
        if !settled.isResumed { _ = try send("{\"gateway\":\"\(entry.gateway)\",\"forget\":true}", event: nil) }
    }
}
