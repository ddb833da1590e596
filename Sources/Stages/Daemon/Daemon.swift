import Bytes
import Glibc
import Logging
import Platform
import Telemetry
import UnixSignals

/// What every long-running program of ours does around its stage: signals, the status file, the orderly end.
public struct Daemon: Sendable {
    /// What a stage says about itself, each second.
    public struct Report: Sendable {
        /// What it waits for; empty when it waits for nothing.
        public var waitsFor: String
        /// What it has done.
        public var counters: [(name: String, value: Int64)]

        /// Joins the two.
        public init(waitsFor: String, counters: [(name: String, value: Int64)]) {
            self.waitsFor = waitsFor
            self.counters = counters
        }
    }

    /// A stage as the daemon sees it. Everything blocks and is called on threads of its own.
    public struct Stage: Sendable {
        /// Opens everything and starts the threads.
        public var start: @Sendable () throws -> Void
        /// Given when the stage is to stop; given by the stage itself when it has failed.
        public var stop: StopSignal
        /// Asks it to stop.
        public var requestStop: @Sendable () -> Void
        /// Waits for its threads; throws what made it fail.
        public var finish: @Sendable () throws -> Void
        /// What it says about itself.
        public var report: @Sendable () -> Report
        /// Called every 50 ms; true when the work is done and the daemon is to end.
        public var isDone: @Sendable () -> Bool

        /// Joins the parts.
        public init(
            start: @escaping @Sendable () throws -> Void,
            stop: StopSignal,
            requestStop: @escaping @Sendable () -> Void,
            finish: @escaping @Sendable () throws -> Void,
            report: @escaping @Sendable () -> Report,
            isDone: @escaping @Sendable () -> Bool = { false }
        ) {
            self.start = start
            self.stop = stop
            self.requestStop = requestStop
            self.finish = finish
            self.report = report
            self.isDone = isDone
        }
    }

    /// Why the run ended.
    public enum Ending: Sendable, Equatable {
        /// `isDone` said so.
        case done
        /// A signal, or the supervisor went away.
        case stopped(UnixSignal?)
    }

    private let process: String
    private let kind: String
    private let station: String?
    private let run: RunDirectory
    private let isSupervised: Bool
    private let log: Logger

    /// Prepares the daemon.
    ///
    /// - Parameters:
    ///   - process: Names the status file.
    ///   - isSupervised: Whether to stop when standard input ends: then the supervisor is gone.
    public init(
        process: String,
        kind: String,
        station: String?,
        run: RunDirectory,
        isSupervised: Bool,
        log: Logger
    ) {
        self.process = process
        self.kind = kind
        self.station = station
        self.run = run
        self.isSupervised = isSupervised
        self.log = log
    }

    /// Runs the stage until it is done, told to stop, or has failed; then throws what made it fail.
    public func run(_ stage: Stage) async throws -> Ending {
        signal(SIGPIPE, SIG_IGN)
        let openFiles = SystemUse.raiseFileLimit()
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        try await Self.onThread("start") { try stage.start() }
        log.info("started", metadata: ["run_dir": "\(run.path)", "open_files_limit": "\(openFiles)"])
        let ended = StopReason()
        let listening = Task {
            for await signal in signals {
                // The second one means it.
                if !ended.give(.stopped(signal)) { _exit(130) }
                stage.requestStop()
            }
        }
        if isSupervised { try watchInput(stage, ended) }
        try await Self.onThread("status") { watch(stage, ended) }
        let ending = ended.value ?? .stopped(nil)
        let finished: Result<Void, any Error>
        do {
            try await Self.onThread("finish") { try stage.finish() }
            finished = .success(())
        } catch { finished = .failure(error) }
        listening.cancel()
        try? Files.remove(statusPath)
        try finished.get()
        return ending
    }

    private var statusPath: String { "\(run.statusPath)/\(process).json" }

    /// The status thread: returns when the stage is done or its stop signal was given.
    private func watch(_ stage: Stage, _ ended: StopReason) {
        let started = Clock.now()
        var nextReport_ns: UInt64 = 0
        while !stage.stop.isGiven {
            if stage.isDone() {
                _ = ended.give(.done)
                return
            }
            let now = Clock.monotonicNanoseconds()
            if now >= nextReport_ns {
                nextReport_ns = now + 1_000_000_000
                writeStatus(stage.report(), started)
            }
            var descriptors = [pollfd(fd: stage.stop.descriptor, events: Int16(POLLIN), revents: 0)]
            _ = poll(&descriptors, 1, 50)
        }
    }

    private func writeStatus(_ report: Report, _ started: Timestamp) {
        let status = StatusReport(
            process: process,
            kind: kind,
            station: station,
            processIdentifier: SystemUse.processIdentifier,
            startedAt: started,
            health: report.waitsFor.isEmpty ? .ready : .waiting,
            reason: report.waitsFor,
            counters: report.counters + [
                ("memory_bytes", Int64(clamping: SystemUse.residentBytes())),
                ("cpu_milliseconds", Int64(SystemUse.processorSeconds() * 1000)),
            ]
        )
        // A status that cannot be written is stale, and its readers say so.
        try? Files.writeAtomically(statusPath, status.encoded(at: Clock.now()), mode: 0o600, durable: false)
    }

    private func watchInput(_ stage: Stage, _ ended: StopReason) throws {
        let thread = StageThread(name: "supervisor") {
            var byte: UInt8 = 0
            while true {
                let count = read(0, &byte, 1)
                if count == 0 || (count < 0 && errno != EINTR) { break }
            }
            _ = ended.give(.stopped(nil))
            stage.requestStop()
        }
        // Never joined: it sleeps in a read until the process ends.
        try thread.start()
    }

    /// Runs blocking work on a thread of its own, so that the cooperative pool stays free.
    public static func onThread<Value: Sendable>(
        _ name: String,
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let thread = StageThread(name: name, stackBytes: 4 << 20) {
                continuation.resume(with: Result { try body() })
            }
            do { try thread.start() } catch { continuation.resume(throwing: error) }
        }
    }
}
