import Bytes
import Daemon
import EventJSON
import Incident
import Logging
import Outbox
import Platform
import Synchronization
import Wire
import ZeroMQ

/// A producer: takes events, keeps them in its outbox, and hands them to workers until the sink has archived them.
///
/// Three threads: intake (gateways or a file), the outbox's writer, dispatch. They pass jobs and numbers, and share
/// nothing else but the outbox, which may be read from any thread.
public final class ProducerStage: Sendable {
    /// What it has done so far.
    public let counters = ProducerCounters()
    /// Given when it is to stop, and by itself when something failed.
    public let stop: StopSignal

    let refusals: RefusalLog<ProducerRefusal>
    private let options: ProducerOptions
    private let checker: IncidentChecker
    private let log: Logger
    private let dispatchStop: StopSignal
    private let failure = Mutex<(any Error)?>(nil)
    private let parts = Mutex<Parts?>(nil)

    private struct Parts {
        var outbox: Outbox
        var writer: OutboxWriter
        var intake: StageThread
        var writing: StageThread
        var dispatch: StageThread
    }

    /// Whether a failure may pass by itself: the outbox's disk is full.
    public static func isTemporary(_ error: any Error) -> Bool { (error as? OutboxError)?.isTemporary ?? false }

    /// Prepares a producer; nothing happens before `start`.
    public init(options: ProducerOptions, checker: IncidentChecker, log: Logger) throws {
        self.options = options
        self.checker = checker
        self.log = log
        refusals = RefusalLog(log: log)
        stop = try StopSignal()
        dispatchStop = try StopSignal()
    }

    /// The producer's id, once it is started.
    public var producer: Identifier128? { parts.withLock { $0?.outbox.producer } }

    /// What waits in the outbox, once it is started.
    public var backlog: OutboxBacklog? { parts.withLock { $0?.outbox.backlog } }

    /// Refused events that wait for their file, once it is started.
    public var pendingRejects: Int { parts.withLock { $0?.outbox.pendingRejects ?? 0 } }

    /// Opens the outbox, binds the endpoints and starts the threads. Blocks until that is done or has failed.
    public func start() throws {
        try options.run.create()
        let outbox = try Outbox.open(
            directory: options.outboxDirectory,
            station: options.station,
            name: options.name,
            capBytes: options.outboxBytes,
            reservePercent: options.reservePercent,
            now: Clock.now(),
            newIdentifier: Random.identifier,
            newEpoch: Random.uint64,
            crc: .hardware
        )
        try Files.makeDirectories(options.rejectsDirectory)
        let outcomes = try Mailbox<IntakeOutcome>()
        let stored = try Mailbox<UInt64>()
        let writer = OutboxWriter(
            outbox: outbox,
            outcomes: outcomes,
            stored: stored,
            counters: counters,
            rejectsDirectory: options.rejectsDirectory,
            log: log
        )
        let context = try Context()
        let intakeStarted = Promise<String?>()
        let dispatchStarted = Promise<String?>()
        let writing = StageThread(name: "outbox") { [self] in guardRun { try writer.run() } }
        let dispatch = dispatchThread(outbox, writer, stored, context.share(), dispatchStarted)
        let intake = intakeThread(outbox, writer, outcomes, context.share(), intakeStarted)
        parts.withLock {
            $0 = Parts(outbox: outbox, writer: writer, intake: intake, writing: writing, dispatch: dispatch)
        }
        try writing.start()
        try dispatch.start()
        guard dispatchStarted.wait() == nil else {
            intakeStarted.fulfil(nil)
            return try finish()
        }
        try intake.start()
        if intakeStarted.wait() != nil { try finish() }
    }

    private func dispatchThread(
        _ outbox: Outbox,
        _ writer: OutboxWriter,
        _ stored: Mailbox<UInt64>,
        _ context: consuming Context,
        _ started: Promise<String?>
    ) -> StageThread {
        let shared = context
        return StageThread(name: "dispatch") { [self] in
            guardRun {
                let loop = DispatchLoop(
                    options: options,
                    outbox: outbox,
                    writer: writer,
                    stored: stored,
                    counters: counters,
                    stop: dispatchStop,
                    refusals: refusals,
                    log: log
                )
                try loop.run(shared) { started.fulfil(nil) }
            }
            started.fulfil("dispatch did not start")
        }
    }

    private func intakeThread(
        _ outbox: Outbox,
        _ writer: OutboxWriter,
        _ outcomes: Mailbox<IntakeOutcome>,
        _ context: consuming Context,
        _ started: Promise<String?>
    ) -> StageThread {
        let shared = context
        return StageThread(name: "intake") { [self] in
            guardRun {
                let reader = EventReader(checker: checker)
                switch options.source {
                case .gateways:
                    let intake = GatewayIntake(
                        options: options,
                        outbox: outbox,
                        reader: reader,
                        writer: writer,
                        outcomes: outcomes,
                        counters: counters,
                        stop: stop,
                        refusals: refusals
                    )
                    try intake.run(shared) { started.fulfil(nil) }
                case .input(let input):
                    let intake = FileIntake(
                        options: options,
                        input: input,
                        outbox: outbox,
                        reader: reader,
                        writer: writer,
                        outcomes: outcomes,
                        counters: counters,
                        stop: stop,
                        log: log
                    )
                    try intake.run { started.fulfil(nil) }
                }
            }
            started.fulfil("intake did not start")
        }
    }

    /// Runs a thread's body; the first failure is kept and stops the others.
    private func guardRun(_ body: () throws -> Void) {
        do { try body() } catch {
            failure.withLock { if $0 == nil { $0 = error } }
            log.error("stopping", metadata: ["reason": "\(error)"])
            parts.withLock { $0 }?.writer.giveUpWaiting()
            stop.give()
        }
    }

    /// Whether everything that the outbox holds is archived.
    public var isDrained: Bool {
        counters.archivedThrough.load(ordering: .acquiring) >= counters.storedThrough.load(ordering: .acquiring)
    }

    /// Asks it to stop; what is accepted stays in the outbox. Any thread.
    public func requestStop() {
        parts.withLock { $0 }?.writer.giveUpWaiting()
        stop.give()
    }

    /// Stops it, waits for its threads and throws what made it fail, if anything did. Blocks.
    public func finish() throws {
        requestStop()
        if let parts = parts.withLock({ $0 }) {
            parts.intake.join()
            parts.writer.stop()
            parts.writing.join()
            dispatchStop.give()
            parts.dispatch.join()
        }
        // The outbox closes with its last reference; its lock goes with it.
        parts.withLock { $0 = nil }
        if let error = failure.withLock({ $0 }) { throw error }
    }
}
