import Bytes
import Daemon
import Incident
import Logging
import Platform
import Synchronization
import Wire
import ZeroMQ

/// Enriches one event: appends the event with `ingest`, `cross_border` and `release` spliced in, without a line feed.
///
/// Made once a worker, so it may keep buffers. The flag says whether bytes behind the event may be read.
public typealias EnrichEvent = (
    _ event: UnsafeRawBufferPointer, _ isPadded: Bool, _ batch: BatchHeader, _ sequence: UInt64,
    _ target: inout ByteWriter
) throws(Refusal) -> Void

/// What an enricher process is told to do.
public struct EnricherOptions: Sendable {
    /// Whose events to take.
    public var station: StationName
    /// How many workers, one thread each.
    public var workers: Int
    /// Where the ipc endpoints are.
    public var run: RunDirectory
    /// Producers' worker endpoints; empty for those in the run directory, found again and again.
    public var producers: [String]
    /// The sink's intake endpoint; nil for the one in the run directory.
    public var sinkEndpoint: String?

    /// Joins the choices.
    public init(
        station: StationName,
        workers: Int = 1,
        run: RunDirectory,
        producers: [String] = [],
        sinkEndpoint: String? = nil
    ) {
        self.station = station
        self.workers = workers
        self.run = run
        self.producers = producers
        self.sinkEndpoint = sinkEndpoint
    }
}

/// What the workers of a process have done, readable from any thread.
public final class EnricherCounters: Sendable {
    /// Batches handed to the sink.
    public let batches = Atomic<UInt64>(0)
    /// Events in them.
    public let events = Atomic<UInt64>(0)
    /// Events that went on as they came, because they could not be enriched.
    public let unenriched = Atomic<UInt64>(0)
    /// Batches that were not understood.
    public let broken = Atomic<UInt64>(0)
    /// Producers connected to, summed over the workers.
    public let producers = Atomic<Int>(0)
    /// Workers that wait for the sink to take a batch.
    public let blocked = Atomic<Int>(0)

    init() {}

    /// What the process waits for, in words for people; empty when it waits for nothing.
    public var waitsFor: String {
        if blocked.load(ordering: .relaxed) > 0 { return "the sink to take a batch: start enlace-sink" }
        if producers.load(ordering: .relaxed) == 0 { return "a producer of this station: start enlace-producer" }
        return ""
    }
}

/// Enricher workers: each one a thread with its own sockets, sharing nothing with the others.
public final class EnricherStage: Sendable {
    /// What the workers have done.
    public let counters = EnricherCounters()
    /// Given when they are to drain and stop, and by itself when one of them failed.
    public let stop: StopSignal

    let refusals: RefusalLog<EnricherRefusal>
    private let options: EnricherOptions
    private let makeEnrich: @Sendable () -> EnrichEvent
    private let log: Logger
    private let threads = Mutex<[StageThread]>([])
    private let failure = Mutex<(any Error)?>(nil)

    /// Prepares the workers.
    ///
    /// - Parameter makeEnrich: Called once on each worker's thread.
    public init(
        options: EnricherOptions,
        makeEnrich: @escaping @Sendable () -> EnrichEvent,
        log: Logger
    ) throws(PlatformError) {
        self.options = options
        self.makeEnrich = makeEnrich
        self.log = log
        refusals = RefusalLog(log: log)
        stop = try StopSignal()
    }

    /// Starts the workers; they find producers and sink by themselves, in any order.
    public func start() throws {
        try options.run.create()
        _ = try options.run.endpoint(.sinkIntake)
        let deaths = FlightRecorder.collectDeaths(in: options.run.workersPath)
        for death in deaths {
            log.warning(
                "a worker before this one died at an event",
                metadata: [
                    "producer": "\(death.producer)", "sequence": "\(death.sequence)", "cause": "\(death.cause)",
                ]
            )
        }
        var recorders: [FlightRecorder] = []
        for index in 0..<max(1, options.workers) {
            // A context a worker: shared nothing, and an I/O thread each.
            let context = try Context()
            let incarnation = Random.identifier()
            let recorder = try FlightRecorder(directory: options.run.workersPath, incarnation: incarnation)
            recorders.append(recorder)
            let thread = StageThread(name: "worker \(index)") { [self] in
                do {
                    let loop = WorkerLoop(
                        options: options,
                        enrich: makeEnrich(),
                        recorder: recorder,
                        incarnation: incarnation,
                        deaths: deaths,
                        counters: counters,
                        stop: stop,
                        refusals: refusals,
                        log: log
                    )
                    try loop.run(context)
                } catch {
                    failure.withLock { if $0 == nil { $0 = error } }
                    log.error("a worker ends", metadata: ["reason": "\(error)"])
                    stop.give()
                }
            }
            try thread.start()
            threads.withLock { $0.append(thread) }
        }
        let watchdog = Watchdog(recorders: recorders, stop: stop, log: log)
        let watching = StageThread(name: "watchdog") { watchdog.run() }
        try watching.start()
        threads.withLock { $0.append(watching) }
    }

    /// Asks the workers to finish what they hold and stop. Any thread.
    public func requestStop() { stop.give() }

    /// Waits for the workers, and throws what made one of them fail. Blocks.
    public func finish() throws {
        requestStop()
        for thread in threads.withLock({ $0 }) { thread.join() }
        threads.withLock { $0 = [] }
        if let error = failure.withLock({ $0 }) { throw error }
    }
}
