import Bytes
import EventJSON
import Glibc
import Logging
import Platform
import Processes
import Synchronization

/// How often somebody asked to stop; any thread may ask.
public final class StopCounter: Sendable {
    private let count = Atomic<Int>(0)

    /// Nobody yet.
    public init() {}

    /// Asks once more.
    public func ask() { count.wrappingAdd(1, ordering: .releasing) }

    /// How often so far.
    public var asked: Int { count.load(ordering: .acquiring) }
}

/// The supervisor's shell: starts and watches real processes on the thread that calls `run`.
///
/// What children write goes line by line to standard error. `status/supervisor.json` names them with their process
/// numbers.
public final class SupervisorLoop {
    private var machine: SupervisorMachine
    private var running: [RunningChild?]
    private let stop: StopCounter
    private let directory: RunDirectory
    private let log: Logger
    private let whenReady: () -> Void
    private let counters: () -> [(name: String, value: Int64)]
    private let startedAt = Clock.now()
    private var isReadyTold = false
    private var stopsSeen = 0
    private var nextStatus_ns: UInt64 = 0
    private var exitCode: Int32?

    /// A process and its unfinished line.
    private final class RunningChild {
        var process: ChildProcess
        var line: [UInt8] = []
        var isOutputOpen = true

        init(_ process: consuming ChildProcess) { self.process = process }
    }

    /// Prepares to run.
    ///
    /// - Parameters:
    ///   - children: What to keep alive.
    ///   - directory: Where children report, and the supervisor with them.
    ///   - counters: What else the status file is to count; asked at every writing, must not wait.
    ///   - whenReady: Called once, when every child has reported.
    public init(
        children: [Child],
        directory: RunDirectory,
        stop: StopCounter,
        log: Logger,
        counters: @escaping () -> [(name: String, value: Int64)] = { [] },
        whenReady: @escaping () -> Void
    ) {
        machine = SupervisorMachine(children)
        running = Array(repeating: nil, count: children.count)
        self.stop = stop
        self.directory = directory
        self.log = log
        self.counters = counters
        self.whenReady = whenReady
    }

    /// Runs until all children are gone. Blocks.
    ///
    /// - Returns: 0, or 1 when a child could not be kept alive.
    public func run() -> Int32 {
        perform(.begin)
        while exitCode == nil {
            wait()
            while stopsSeen < stop.asked {
                stopsSeen += 1
                perform(.stopAsked)
            }
            for index in running.indices { watch(index) }
            perform(.tick)
            let now = Clock.monotonicNanoseconds()
            if now >= nextStatus_ns {
                nextStatus_ns = now + 500_000_000
                writeStatus()
            }
        }
        try? Files.remove(statusPath)
        return exitCode ?? 1
    }

    /// Sleeps until a child says something or ends, at most 50 ms.
    private func wait() {
        var descriptors: [pollfd] = []
        for child in running {
            guard let child else { continue }
            descriptors.append(pollfd(fd: child.process.endDescriptor, events: Int16(POLLIN), revents: 0))
            if child.isOutputOpen {
                descriptors.append(pollfd(fd: child.process.outputDescriptor, events: Int16(POLLIN), revents: 0))
            }
        }
        _ = poll(&descriptors, nfds_t(descriptors.count), 50)
    }

    private func watch(_ index: Int) {
        guard let child = running[index] else { return }
        drain(child)
        guard let end = child.process.reap() else {
            if !machine.entries[index].isReady, hasReported(index, child.process.processIdentifier) {
                perform(.ready(child: index))
            }
            return
        }
        drain(child)
        if !child.line.isEmpty { forward(child.line) }
        running[index] = nil
        // A worker's word bears its process's number: nobody would take it back, and it would be missed for ever.
        if machine.entries[index].child.kind == .enricher {
            try? Files.remove(statusPath(index, child.process.processIdentifier))
        }
        let ending: ChildEnd =
            switch end {
            case .code(let code): .code(code)
            case .signal(let number): .signal(number)
            }
        if machine.phase == .running {
            log.warning("\(machine.entries[index].child.name) ended", metadata: ["by": "\(ending)"])
        }
        perform(.ended(child: index, ending))
    }

    private func drain(_ child: RunningChild) {
        var rounds = 0
        while child.isOutputOpen, rounds < 64 {
            rounds += 1
            let before = child.line.count
            child.isOutputOpen = child.process.readOutput(into: &child.line)
            if child.line.count == before { break }
            while let end = child.line.firstIndex(of: 0x0A) {
                forward(Array(child.line[..<end]))
                child.line.removeFirst(end + 1)
            }
            // A line without an end must not grow for ever.
            if child.line.count > 65_536 {
                forward(child.line)
                child.line.removeAll()
            }
        }
    }

    private func forward(_ line: [UInt8]) {
        let bytes = line + [0x0A]
        _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }

    // MARK: - The machine's orders

    private func perform(_ event: SupervisorMachine.Event) {
        var events = [event]
        while !events.isEmpty {
            let next = events.removeFirst()
            for action in machine.handle(next, now_ns: Clock.monotonicNanoseconds()) {
                if let answer = carryOut(action) { events.append(answer) }
            }
        }
        if !isReadyTold, machine.phase == .running, machine.entries.allSatisfy(\.isReady) {
            isReadyTold = true
            writeStatus()
            whenReady()
        }
    }

    private func carryOut(_ action: SupervisorMachine.Action) -> SupervisorMachine.Event? {
        switch action {
        case .start(let index): return start(index)
        case .terminate(let index): running[index]?.process.terminate()
        case .kill(let index): running[index]?.process.killGroup()
        case .noteRestart(let index, let after_ns):
            let entry = machine.entries[index]
            log.notice(
                "\(entry.child.name) is started again",
                metadata: ["after_ms": "\(after_ns / 1_000_000)", "restarts": "\(entry.restarts)"]
            )
        case .noteGivenUp(let index):
            let entry = machine.entries[index]
            let how = entry.lastEnd.map { " (\($0))" } ?? ""
            log.error("\(entry.child.name) cannot be kept running\(how); everything stops")
        case .finish(let code): exitCode = code
        }
        return nil
    }

    private func start(_ index: Int) -> SupervisorMachine.Event {
        let child = machine.entries[index].child
        do {
            let process = try ChildProcess(program: child.program, arguments: child.arguments)
            let identifier = process.processIdentifier
            running[index] = RunningChild(process)
            return .started(child: index, process: identifier)
        } catch {
            log.error("\(child.name): \(error)")
            return .startFailed(child: index, isPermanent: error.isPermanent)
        }
    }

    // MARK: - Status

    private var statusPath: String { directory.statusPath + "/supervisor.json" }

    /// Where a child says how it is.
    private func statusPath(_ index: Int, _ process: Int32) -> String {
        let child = machine.entries[index].child
        let name =
            switch child.kind {
            case .sink: "sink"
            case .producer: "producer.\(child.station ?? "").main"
            case .enricher: "enricher.\(child.station ?? "").\(process)"
            }
        return "\(directory.statusPath)/\(name).json"
    }

    /// Whether a child has written its status since it was started.
    private func hasReported(_ index: Int, _ process: Int32) -> Bool {
        guard let bytes = try? Files.read(statusPath(index, process)),
            let value = try? JSONValue.parse(bytes)
        else { return false }
        return value["pid"]?.integer == Int64(process)
    }

    private func writeStatus() {
        var writer = ByteWriter(capacity: 4096)
        writer.append("{\"process\":\"supervisor\",\"kind\":\"supervisor\",\"pid\":")
        writer.append(decimal: Int64(getpid()))
        writer.append(",\"started_at\":\"")
        writer.append(timestamp: startedAt)
        writer.append("\",\"updated_at\":\"")
        writer.append(timestamp: Clock.now())
        let isReady = machine.entries.allSatisfy(\.isReady)
        writer.append(isReady ? "\",\"health\":\"ready\",\"reason\":\"\"" : "\",\"health\":\"waiting\",\"reason\":\"")
        if !isReady {
            let missing = machine.entries.filter { !$0.isReady }.map(\.child.name)
            writer.append(string: missing.joined(separator: ", "))
            writer.append("\"")
        }
        let restarts = machine.entries.reduce(0) { $0 + $1.restarts }
        writer.append(",\"counters\":{\"restarts\":")
        writer.append(decimal: Int64(restarts))
        for (name, value) in counters() {
            writer.append(",")
            writer.append(jsonString: name)
            writer.append(":")
            writer.append(decimal: value)
        }
        writer.append("},\"children\":[")
        for (index, entry) in machine.entries.enumerated() {
            if index > 0 { writer.append(",") }
            writer.append("{\"name\":")
            writer.append(jsonString: entry.child.name)
            if case .running(let process, _) = entry.state {
                writer.append(",\"pid\":")
                writer.append(decimal: Int64(process))
            }
            writer.append(",\"ready\":")
            writer.append(entry.isReady ? "true" : "false")
            writer.append(",\"restarts\":")
            writer.append(decimal: Int64(entry.restarts))
            writer.append("}")
        }
        writer.append("]}\n")
        try? Files.writeAtomically(statusPath, writer.array, mode: 0o600, durable: false)
    }
}
