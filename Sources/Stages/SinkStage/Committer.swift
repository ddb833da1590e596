import Archive
import Bytes
import Delivery
import Logging
import Platform
import Synchronization
import Wire
import ZeroMQ

/// What the committer is asked to do, in this order.
enum SinkWork: Sendable {
    case append(MessageBox, BatchHeader, ticket: UInt64, skip: UInt32, line: LinePlace)
    case gap(SinkOrdering.Gap)
    /// The ordering knows of the failure: what follows is to be appended again.
    case resume
}

/// What the committer reports.
enum CommitResult: Sendable {
    case committed(through: UInt64)
    case failed(from: UInt64)
    case gapRecorded(Identifier128, generation: UInt32)
}

/// A committed batch for the live stream.
struct LiveBatch: Sendable {
    var box: MessageBox
    var station: StationName
    var skip: UInt32
    var firstOffset: UInt64
    var count: UInt32
}

/// The one thread that writes the archive: everything that has queued up is appended and synced together.
final class Committer {
    private let options: SinkOptions
    private let queue: WorkQueue<SinkWork>
    private let results: Mailbox<CommitResult>
    private let live: LiveQueue
    private let closes: WorkQueue<SegmentClose>
    private let counters: SinkCounters
    private let log: Logger

    private var sequence = CommitSequence()
    /// What is appended, one for each pending ticket.
    private var pending: [LiveBatch] = []
    /// Gaps that could not be recorded yet.
    private var gaps: [SinkOrdering.Gap] = []

    /// Bytes after which a commit does not wait for more to be appended.
    private static let groupBytes = 8 * 1024 * 1024

    init(
        options: SinkOptions,
        queue: WorkQueue<SinkWork>,
        results: Mailbox<CommitResult>,
        live: LiveQueue,
        closes: WorkQueue<SegmentClose>,
        counters: SinkCounters,
        log: Logger
    ) {
        self.options = options
        self.queue = queue
        self.results = results
        self.live = live
        self.closes = closes
        self.counters = counters
        self.log = log
    }

    /// The thread's body; `opened` is told what the archive holds. Ends when the queue is closed and empty.
    func run(opened: (ArchiveStart) -> Void) throws(ArchiveError) {
        var archiveOptions = ArchiveOptions()
        archiveOptions.segmentBytes = options.segmentBytes
        archiveOptions.segmentSeconds = options.segmentSeconds
        let archive = try ArchiveWriter(
            directory: options.archiveDirectory,
            options: archiveOptions,
            now: Clock.now(),
            newIdentifier: Random.identifier,
            crc: .hardware
        )
        for note in archive.notes { log.notice("archive: \(note)") }
        pushCloses(archive)
        for station in archive.stations { live.setHead(station, archive.committedOffset(of: station)) }
        live.setGeneration(archive.generation)
        opened(
            ArchiveStart(
                identifier: archive.identifier,
                generation: archive.generation,
                producers: archive.producers
            )
        )
        var work: [SinkWork] = []
        while queue.popAll(into: &work, timeoutMilliseconds: 1000) {
            for item in work { try handle(item, archive) }
            try commit(archive)
            try recordGaps(archive)
            try archive.rotateIfDue(now: Clock.now())
            pushCloses(archive)
        }
        try archive.close()
    }

    private func pushCloses(_ archive: ArchiveWriter) {
        for close in archive.takeCloseWork() { _ = closes.push(close, cost: 1) }
    }

    private func handle(_ item: SinkWork, _ archive: ArchiveWriter) throws(ArchiveError) {
        switch item {
        case .append(let box, let header, let ticket, let skip, let line):
            guard sequence.admits else { return }
            CrashPoint.hit(.sinkAppendBefore)
            let appended: Result<UInt64, ArchiveError> = box.withBytes { bytes in
                let payload = UnsafeRawBufferPointer(rebasing: bytes[BatchHeader.encodedBytes...])
                do throws(ArchiveError) {
                    return .success(
                        try archive.append(
                            header,
                            payload: payload,
                            skip: skip,
                            line: line.number,
                            parent: line.parent,
                            now: Clock.now()
                        )
                    )
                } catch { return .failure(error) }
            }
            switch appended {
            case .success(let offset):
                CrashPoint.hit(.sinkAppendAfter)
                let batch = LiveBatch(
                    box: box,
                    station: header.station,
                    skip: skip,
                    firstOffset: offset,
                    count: header.count - skip
                )
                pending.append(batch)
                sequence.appended(ticket)
                if archive.unsyncedBytes >= Self.groupBytes { try commit(archive) }
            case .failure(let error):
                guard error.isTemporary else { throw error }
                fail(at: ticket, error)
            }
        case .gap(let gap):
            gaps.append(gap)
        case .resume:
            sequence.resume()
        }
    }

    private func commit(_ archive: ArchiveWriter) throws(ArchiveError) {
        guard !pending.isEmpty else { return }
        CrashPoint.hit(.sinkCommitBefore)
        do throws(ArchiveError) { try archive.sync() } catch {
            guard error.isTemporary else { throw error }
            return fail(at: nil, error)
        }
        CrashPoint.hit(.sinkCommitAfter)
        guard let last = sequence.synced() else { return }
        counters.setTrouble("", of: .committing)
        counters.syncs.add(1, ordering: .relaxed)
        counters.committedBatches.add(UInt64(pending.count), ordering: .relaxed)
        results.post(.committed(through: last))
        for batch in pending {
            counters.committedEvents.add(UInt64(batch.count), ordering: .relaxed)
            live.post(batch)
        }
        pending.removeAll(keepingCapacity: true)
    }

    /// Records what waits to be recorded; what a full disk does not take is tried again a second later.
    private func recordGaps(_ archive: ArchiveWriter) throws(ArchiveError) {
        while let gap = gaps.first {
            CrashPoint.hit(.sinkGapRecordBefore)
            do throws(ArchiveError) {
                let generation = try archive.recordGap(
                    station: gap.station,
                    producer: gap.producer,
                    parts: gap.parts.map { ($0.epoch, $0.from, $0.through) },
                    line: gap.line.number,
                    parent: gap.line.parent,
                    above: gap.heardGeneration,
                    now: Clock.now()
                )
                CrashPoint.hit(.sinkGapRecordAfter)
                gaps.removeFirst()
                live.setGeneration(generation)
                results.post(.gapRecorded(gap.producer, generation: generation))
            } catch {
                guard error.isTemporary else { throw error }
                return counters.setTrouble("room on the archive's disk: \(error)", of: .committing)
            }
        }
    }

    private func fail(at ticket: UInt64?, _ error: ArchiveError) {
        guard let first = sequence.failed(at: ticket) else { return }
        pending.removeAll(keepingCapacity: true)
        counters.setTrouble("room on the archive's disk: \(error)", of: .committing)
        log.error("the archive takes nothing more", metadata: ["reason": "\(error)"])
        results.post(.failed(from: first))
    }
}

/// What the archive held when it was opened.
struct ArchiveStart: Sendable {
    var identifier: Identifier128
    var generation: UInt32
    var producers: [ArchiveProducer]
}

/// From the committer to the live stream, bounded: what does not fit is not shown live, and replay has it.
final class LiveQueue: Sendable {
    let mailbox: Mailbox<LiveBatch>
    private let pendingBytes = Atomic<Int>(0)
    private let currentGeneration = Atomic<UInt32>(0)
    private let heads = Mutex<[StationName: UInt64]>([:])
    private let counters: SinkCounters

    private static let limitBytes = 32 * 1024 * 1024

    init(counters: SinkCounters) throws(PlatformError) {
        mailbox = try Mailbox()
        self.counters = counters
    }

    func post(_ batch: LiveBatch) {
        setHead(batch.station, batch.firstOffset + UInt64(batch.count))
        let bytes = batch.box.count
        guard counters.subscriptions.load(ordering: .relaxed) > 0 else { return }
        guard pendingBytes.load(ordering: .relaxed) + bytes <= Self.limitBytes else {
            counters.liveDropped.add(UInt64(batch.count), ordering: .relaxed)
            return
        }
        pendingBytes.add(bytes, ordering: .relaxed)
        mailbox.post(batch)
    }

    func took(_ batch: LiveBatch) { pendingBytes.subtract(batch.box.count, ordering: .relaxed) }

    func setGeneration(_ generation: UInt32) { currentGeneration.store(generation, ordering: .releasing) }

    /// The archive's generation; it changes while the sink runs, when a gap is recorded.
    var generation: UInt32 { currentGeneration.load(ordering: .acquiring) }

    func setHead(_ station: StationName, _ next: UInt64) { heads.withLock { $0[station] = next } }

    /// The offset behind the last committed event of each station.
    var allHeads: [(StationName, UInt64)] { heads.withLock { $0.map { ($0.key, $0.value) } }.sorted { $0.0 < $1.0 } }

    func head(_ station: StationName) -> UInt64 { heads.withLock { $0[station] ?? 0 } }
}
