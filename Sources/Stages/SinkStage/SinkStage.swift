import Archive
import Bytes
import Daemon
import Logging
import Platform
import Synchronization
import Wire
import ZeroMQ

/// A sink: puts batches in order, archives them, commits them to their producers, and shows them.
///
/// Four threads: intake with control, the committer, the live stream with replay, and one that closes segments.
public final class SinkStage: Sendable {
    /// What it has done so far.
    public let counters = SinkCounters()
    /// Given when it is to stop, and by itself when something failed.
    public let stop: StopSignal

    let refusals: RefusalLog<SinkRefusal>
    private let options: SinkOptions
    private let log: Logger
    private let queue = WorkQueue<SinkWork>(limit: .max)
    private let closes = WorkQueue<SegmentClose>(limit: .max)
    private let results: Mailbox<CommitResult>
    private let live: LiveQueue
    private let threads = Mutex<[StageThread]>([])
    private let failure = Mutex<(any Error)?>(nil)
    private let archiveIdentifier = Mutex<Identifier128?>(nil)

    /// Whether a failure may pass by itself: the archive's disk is full.
    public static func isTemporary(_ error: any Error) -> Bool { (error as? ArchiveError)?.isTemporary ?? false }

    /// Prepares a sink; nothing happens before `start`.
    public init(options: SinkOptions, log: Logger) throws(PlatformError) {
        self.options = options
        self.log = log
        refusals = RefusalLog(log: log)
        stop = try StopSignal()
        results = try Mailbox()
        live = try LiveQueue(counters: counters)
    }

    /// The archive's id, once it is open.
    public var archive: Identifier128? { archiveIdentifier.withLock { $0 } }

    /// The offset behind the last committed event of each station.
    public var heads: [(station: StationName, next: UInt64)] { live.allHeads.map { ($0.0, $0.1) } }

    /// Opens the archive, makes it safe, binds the endpoints. Blocks until that is done or has failed.
    public func start() throws {
        try options.run.create()
        let opened = Promise<ArchiveStart?>()
        let committing = StageThread(name: "commit") { [self] in
            guardRun {
                let committer = Committer(
                    options: options,
                    queue: queue,
                    results: results,
                    live: live,
                    closes: closes,
                    counters: counters,
                    log: log
                )
                try committer.run { opened.fulfil($0) }
            }
            opened.fulfil(nil)
        }
        let closing = StageThread(name: "close") { [self] in guardRun { try closeSegments() } }
        try committing.start()
        try closing.start()
        threads.withLock { $0 = [committing, closing] }
        guard let archive = opened.wait() else { return try finish() }
        archiveIdentifier.withLock { $0 = archive.identifier }
        let context = try Context()
        let bound = [Promise<Bool>(), Promise<Bool>()]
        let first = context.share()
        let intake = StageThread(name: "intake") { [self] in
            guardRun {
                let intake = SinkIntake(
                    options: options,
                    start: archive,
                    queue: queue,
                    results: results,
                    counters: counters,
                    stop: stop,
                    refusals: refusals,
                    log: log
                )
                try intake.run(first) { bound[0].fulfil(true) }
            }
            bound[0].fulfil(false)
        }
        let second = context.share()
        let stream = StageThread(name: "live") { [self] in
            guardRun {
                let loop = LiveLoop(
                    options: options,
                    start: archive,
                    live: live,
                    counters: counters,
                    stop: stop,
                    refusals: refusals,
                    log: log
                )
                try loop.run(second) { bound[1].fulfil(true) }
            }
            bound[1].fulfil(false)
        }
        try intake.start()
        try stream.start()
        threads.withLock { $0.insert(contentsOf: [intake, stream], at: 0) }
        if !bound[0].wait() || !bound[1].wait() { try finish() }
    }

    private func closeSegments() throws(ArchiveError) {
        // Hashing closed segments must not take the processor from those who wait for a commit.
        StageThread.yieldToOthers()
        var work: [SegmentClose] = []
        while closes.popAll(into: &work) {
            for segment in work {
                while try !close(segment) {
                    // A segment without a manifest is closed at the next start.
                    if stop.wait(milliseconds: 1000) { return }
                }
            }
        }
    }

    /// False when the disk has no room for the manifest: the events are safe, and it is tried again.
    private func close(_ segment: SegmentClose) throws(ArchiveError) -> Bool {
        do throws(ArchiveError) { try segment.run() } catch {
            guard error.isTemporary else { throw error }
            counters.setTrouble("room on the archive's disk for a manifest: \(error)", of: .closing)
            return false
        }
        counters.setTrouble("", of: .closing)
        return true
    }

    private func guardRun(_ body: () throws -> Void) {
        do { try body() } catch {
            failure.withLock { if $0 == nil { $0 = error } }
            log.error("stopping", metadata: ["reason": "\(error)"])
            stop.give()
        }
    }

    /// Asks it to stop; what is committed is kept, everything else is still with its producer. Any thread.
    public func requestStop() { stop.give() }

    /// Stops it, waits for its threads and throws what made it fail, if anything did. Blocks.
    public func finish() throws {
        requestStop()
        let running = threads.withLock { $0 }
        // Intake and live end by the signal, then the committer's queue is closed, then the closer's.
        for thread in running.dropLast(2) { thread.join() }
        queue.close()
        if running.count >= 2 { running[running.count - 2].join() }
        closes.close()
        running.last?.join()
        threads.withLock { $0 = [] }
        if let error = failure.withLock({ $0 }) { throw error }
    }
}
