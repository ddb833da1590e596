import Platform
import Synchronization
import Wire

/// What a sink is told to do.
public struct SinkOptions: Sendable {
    /// Where the ipc endpoints are.
    public var run: RunDirectory
    /// Where the archive is.
    public var archiveDirectory: String
    /// A segment closes at this size.
    public var segmentBytes: Int
    /// A segment closes at this age.
    public var segmentSeconds: Int
    /// What is held of batches that are received and not committed, in bytes.
    public var holdBytes: Int

    /// Joins the choices.
    public init(
        run: RunDirectory,
        archiveDirectory: String,
        segmentBytes: Int = Limits.segmentBytes,
        segmentSeconds: Int = Limits.segmentSeconds,
        holdBytes: Int = Limits.sinkHoldBytes
    ) {
        self.run = run
        self.archiveDirectory = archiveDirectory
        self.segmentBytes = segmentBytes
        self.segmentSeconds = segmentSeconds
        self.holdBytes = holdBytes
    }
}

/// What a sink has done since it started, readable from any thread.
public final class SinkCounters: Sendable {
    /// Events on the archive's disk.
    public let committedEvents = Atomic<UInt64>(0)
    /// Batches on the archive's disk.
    public let committedBatches = Atomic<UInt64>(0)
    /// Group commits.
    public let syncs = Atomic<UInt64>(0)
    /// Events dropped because they were archived already.
    public let duplicateEvents = Atomic<UInt64>(0)
    /// Batches dropped for want of room.
    public let droppedBatches = Atomic<UInt64>(0)
    /// Batches that were not understood.
    public let broken = Atomic<UInt64>(0)
    /// Bytes held.
    public let heldBytes = Atomic<Int>(0)
    /// Batches that wait for an earlier one.
    public let waitingBatches = Atomic<Int>(0)
    /// Producers known.
    public let producers = Atomic<Int>(0)
    /// Events not shown live because the stream was behind; replay has them.
    public let liveDropped = Atomic<UInt64>(0)
    /// Live subscriptions.
    public let subscriptions = Atomic<Int>(0)
    /// Outboxes rolled back or cloned, archives restored or mistaken: what an operator must look at.
    public let alarms = Atomic<UInt64>(0)

    /// Who waits for something.
    enum Waiting: Int, CaseIterable { case committing, closing }

    private let troubles = Mutex<[String]>(Waiting.allCases.map { _ in "" })

    init() {}

    /// What the sink waits for, in words for people; empty when it waits for nothing.
    public var waitsFor: String { troubles.withLock { $0.first { !$0.isEmpty } ?? "" } }

    func setTrouble(_ words: String, of who: Waiting) { troubles.withLock { $0[who.rawValue] = words } }
}
