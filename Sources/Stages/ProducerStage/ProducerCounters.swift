import Synchronization

/// What a producer has done since it started, readable from any thread.
public final class ProducerCounters: Sendable {
    /// Events on this producer's disk.
    public let acceptedEvents = Atomic<UInt64>(0)
    /// Events and lines refused.
    public let refusedEvents = Atomic<UInt64>(0)
    /// The last sequence in the outbox.
    public let storedThrough = Atomic<UInt64>(0)
    /// The last sequence in the archive.
    public let archivedThrough = Atomic<UInt64>(0)
    /// Outbox commits.
    public let commits = Atomic<UInt64>(0)
    /// Requests of gateways.
    public let requests = Atomic<UInt64>(0)
    /// Batches dispatched more than once.
    public let redeliveries = Atomic<UInt64>(0)
    /// Messages of workers about batches that they were never given.
    public let strayMessages = Atomic<UInt64>(0)
    /// Events set aside because no worker survives them.
    public let deadLetters = Atomic<UInt64>(0)
    /// Live workers.
    public let workers = Atomic<Int>(0)
    /// Bytes of the input that are read and safe in the outbox.
    public let inputBytes = Atomic<UInt64>(0)
    /// Where reading of the input began.
    public let resumedFrom = Atomic<UInt64>(0)
    /// The size of the input when it was opened; 0 when it is not known.
    public let inputSize = Atomic<UInt64>(0)
    /// Whether all of the input is in the outbox.
    public let inputEnded = Atomic<Bool>(false)
    /// Milliseconds for which the commit frontier has stood still with work queued.
    public let frontierStill_ms = Atomic<Int64>(0)

    private let waiting = Mutex<(outbox: String, sink: String)>(("", ""))

    init() {}

    /// What the producer waits for, in words for people; empty when it waits for nothing.
    public var waitsFor: String {
        let (outbox, sink) = waiting.withLock { $0 }
        if !outbox.isEmpty { return outbox }
        guard storedThrough.load(ordering: .relaxed) > archivedThrough.load(ordering: .relaxed) else { return "" }
        if !sink.isEmpty { return sink }
        if workers.load(ordering: .relaxed) == 0 {
            return "an enricher of this station: start enlace-enricher, none has asked for work yet"
        }
        return "the sink to archive what the workers have"
    }

    func setOutboxTrouble(_ words: String) { waiting.withLock { $0.outbox = words } }
    func setSinkTrouble(_ words: String) { waiting.withLock { $0.sink = words } }
}
