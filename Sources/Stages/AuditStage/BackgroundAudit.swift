import Audit
import Bytes
import Glibc
import Logging
import Platform
import Synchronization

/// Audits again and again on a thread of its own, for a status file. Whatever goes wrong in it stays in it.
public final class BackgroundAudit: Sendable {
    private let options: Auditor.Options
    private let seconds: Int
    private let stop: StopSignal
    private let log: Logger
    private let latest = Mutex<[(name: String, value: Int64)]>([])

    /// Batches of an outbox that are looked at one by one: a backlog of millions must not keep a processor busy.
    private static let batchLimit = 16_384

    /// Prepares; `start` begins.
    public init(stateDirectory: String, archiveDirectory: String, everySeconds: Int = 10, log: Logger) throws {
        options = Auditor.Options(
            stateDirectory: stateDirectory,
            archiveDirectory: archiveDirectory,
            batchLimit: Self.batchLimit
        )
        seconds = everySeconds
        stop = try StopSignal()
        self.log = log
    }

    /// What the last audit counted; nothing before the first.
    public var counters: [(name: String, value: Int64)] { latest.withLock { $0 } }

    /// Starts the thread; it ends soon after `end`.
    public func start() throws {
        let thread = StageThread(name: "audit", stackBytes: 4 << 20) { [self] in loop() }
        try thread.start()
    }

    /// Asks the thread to end.
    public func end() { stop.give() }

    private func loop() {
        StageThread.yieldToOthers()
        let auditor = Auditor(options: options, crc: .hardware)
        var isAlarmed = false
        var lastTrouble = ""
        while !stop.isGiven {
            do {
                let report = try auditor.run()
                latest.withLock { $0 = report.counters }
                say(report.problems.first ?? "", &lastTrouble)
                if !report.total.isSound, !isAlarmed {
                    log.critical(
                        "accepted events are unexplained: run enlace audit",
                        metadata: [
                            "unexplained": "\(report.total.unexplained)", "doubled": "\(report.total.doubled)",
                        ]
                    )
                }
                isAlarmed = !report.total.isSound
            } catch { say("\(error)", &lastTrouble) }
            var descriptors = [pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0)]
            _ = poll(&descriptors, 1, Int32(seconds * 1000))
        }
    }

    /// Each trouble once, not every ten seconds.
    private func say(_ trouble: String, _ last: inout String) {
        if !trouble.isEmpty, trouble != last { log.warning("the audit could not read everything: \(trouble)") }
        last = trouble
    }
}
