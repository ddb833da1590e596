/// Decides which children run: starts them, restarts those that die, stops them in order. A pure value: no clock, no
/// process, no file.
///
/// Start: sink, producers, enrichers, one after the other without waiting: each waits for its peers by itself.
/// Restart: at once after the first death, then after 0.2 s, doubling up to 5 s; ten seconds alive wipe the record.
/// Giving up: a child that has never been well and exits with a usage or configuration error, or five times in a row
/// within ten seconds by an exit code of its own, will not mend by itself: all stop, the code is 1. A death by signal
/// never counts, nor does code 75 (try again): they say nothing about the configuration. A child that has been well
/// once is restarted for ever: one broken station must not take the others down.
/// Stop: enrichers and producers first; the sink when they are gone, so that what is in flight can be archived. Each
/// of the two waves has 10 s, or 1 s for all together once a second stop hurries it; then it is killed.
public struct SupervisorMachine: Sendable {
    /// The delays and bounds; nanoseconds.
    public struct Timing: Hashable, Sendable {
        /// The wait before the second restart in a row; the first has none, later ones double it.
        public var firstBackoff_ns: UInt64 = 200_000_000
        /// The longest wait before a restart.
        public var longestBackoff_ns: UInt64 = 5_000_000_000
        /// A child that lives this long is well.
        public var well_ns: UInt64 = 10_000_000_000
        /// How long a wave has to stop before it is killed.
        public var grace_ns: UInt64 = 10_000_000_000
        /// The same after a second stop.
        public var hurriedGrace_ns: UInt64 = 1_000_000_000
        /// Exits in a row, each before it was well, after which a child is given up.
        public var failureLimit = 5

        /// The defaults.
        public init() {}
    }

    /// What has happened.
    public enum Event: Hashable, Sendable {
        /// The children shall be started.
        case begin
        /// A start that was ordered worked; the process id.
        case started(child: Int, process: Int32)
        /// A start that was ordered failed; whether trying again cannot help.
        case startFailed(child: Int, isPermanent: Bool)
        /// A child says, by its status, that it is at work.
        case ready(child: Int)
        /// A child has ended.
        case ended(child: Int, ChildEnd)
        /// The moment `nextWake_ns` has come, or any other: nothing but time.
        case tick
        /// Stop; given a second time: quicker.
        case stopAsked
    }

    /// What is to be done, in this order.
    public enum Action: Hashable, Sendable {
        /// Start this child, and say how it went.
        case start(child: Int)
        /// Ask it to stop.
        case terminate(child: Int)
        /// Kill it.
        case kill(child: Int)
        /// Tell people: it will be started again after so long.
        case noteRestart(child: Int, after_ns: UInt64)
        /// Tell people: it will not be started again, and everything stops.
        case noteGivenUp(child: Int)
        /// Everything is gone: return this code. The last action of all.
        case finish(code: Int32)
    }

    /// Where a child is.
    public enum ChildState: Hashable, Sendable {
        /// Not running; started when this moment comes.
        case waiting(until_ns: UInt64)
        /// The start is ordered.
        case starting
        /// Alive since then.
        case running(process: Int32, since_ns: UInt64)
        /// Not running, and not to be started again.
        case gone
    }

    /// Which part of its life the whole is in.
    public enum Phase: String, Hashable, Sendable {
        /// Before `begin`.
        case new
        /// Children are kept alive.
        case running
        /// Enrichers and producers are asked to stop.
        case stoppingWorkers = "stopping-workers"
        /// The sink is asked to stop.
        case stoppingSink = "stopping-sink"
        /// All are gone.
        case finished
    }

    /// One child and its record.
    public struct Entry: Hashable, Sendable {
        /// What it is.
        public let child: Child
        /// Where it is.
        public internal(set) var state: ChildState = .gone
        /// Whether it said so since it was last started.
        public internal(set) var isReady = false
        /// How often it was started again.
        public internal(set) var restarts = 0
        /// How it ended last.
        public internal(set) var lastEnd: ChildEnd?
        /// Whether it has ever been ready, or alive long enough.
        var hasBeenWell = false
        /// Deaths in a row before it was well; sets the wait.
        var deathsInARow = 0
        /// Those of them that count towards giving up.
        var failuresInARow = 0
    }

    /// The children in their order of start.
    public private(set) var entries: [Entry]
    /// Which part of its life the whole is in.
    public private(set) var phase = Phase.new
    private let timing: Timing
    private var exitCode: Int32 = 0
    private var isHurried = false
    private var graceEnd_ns: UInt64 = .max

    /// Takes the children, in any order.
    public init(_ children: [Child], timing: Timing = Timing()) {
        let ordered = children.enumerated().sorted { ($0.element.kind, $0.offset) < ($1.element.kind, $1.offset) }
        entries = ordered.map { Entry(child: $0.element) }
        self.timing = timing
    }

    /// The next moment at which a `tick` would change something; nil when only an event can.
    public var nextWake_ns: UInt64? {
        if isStopping { return graceEnd_ns == .max ? nil : graceEnd_ns }
        return entries.compactMap { entry in
            if case .waiting(let until_ns) = entry.state { until_ns } else { nil }
        }.min()
    }

    /// Takes what has happened and says what to do about it.
    ///
    /// - Parameters:
    ///   - event: What has happened. Of a child that is not there, or at a time when it cannot be: ignored.
    ///   - now_ns: The monotonic clock.
    public mutating func handle(_ event: Event, now_ns: UInt64) -> [Action] {
        var actions: [Action] = []
        switch event {
        case .begin: begin(now_ns)
        case .started(let index, let process): started(index, process, now_ns, &actions)
        case .startFailed(let index, let isPermanent): startFailed(index, isPermanent, now_ns, &actions)
        case .ready(let index): ready(index)
        case .ended(let index, let end): ended(index, end, now_ns, &actions)
        case .tick: break
        case .stopAsked: stopAsked(now_ns, &actions)
        }
        advance(now_ns, &actions)
        return actions
    }

    private var isStopping: Bool { phase == .stoppingWorkers || phase == .stoppingSink }

    // MARK: - Events

    private mutating func begin(_ now_ns: UInt64) {
        guard phase == .new else { return }
        phase = .running
        for index in entries.indices { entries[index].state = .waiting(until_ns: now_ns) }
    }

    private mutating func started(_ index: Int, _ process: Int32, _ now_ns: UInt64, _ actions: inout [Action]) {
        guard entries.indices.contains(index), entries[index].state == .starting else { return }
        entries[index].state = .running(process: process, since_ns: now_ns)
        entries[index].isReady = false
        // Ordered before the stop, alive after it.
        if isStopping, isInWave(entries[index]) { actions.append(.terminate(child: index)) }
    }

    private mutating func ready(_ index: Int) {
        guard entries.indices.contains(index), case .running = entries[index].state else { return }
        entries[index].isReady = true
        entries[index].hasBeenWell = true
    }

    private mutating func startFailed(
        _ index: Int,
        _ isPermanent: Bool,
        _ now_ns: UInt64,
        _ actions: inout [Action]
    ) {
        guard entries.indices.contains(index), entries[index].state == .starting else { return }
        guard phase == .running else {
            entries[index].state = .gone
            return
        }
        if isPermanent, !entries[index].hasBeenWell { return giveUp(index, now_ns, &actions) }
        scheduleRestart(index, now_ns, &actions)
    }

    private mutating func ended(_ index: Int, _ end: ChildEnd, _ now_ns: UInt64, _ actions: inout [Action]) {
        guard entries.indices.contains(index), case .running(_, let since_ns) = entries[index].state else { return }
        entries[index].lastEnd = end
        entries[index].isReady = false
        guard phase == .running else {
            entries[index].state = .gone
            return
        }
        if now_ns >= since_ns, now_ns - since_ns >= timing.well_ns {
            entries[index].hasBeenWell = true
            entries[index].deathsInARow = 0
            entries[index].failuresInARow = 0
        }
        if end.isFailure { entries[index].failuresInARow += 1 } else { entries[index].failuresInARow = 0 }
        let isHopeless = end.isUsageError || entries[index].failuresInARow >= timing.failureLimit
        if isHopeless, !entries[index].hasBeenWell { return giveUp(index, now_ns, &actions) }
        scheduleRestart(index, now_ns, &actions)
    }

    private mutating func stopAsked(_ now_ns: UInt64, _ actions: inout [Action]) {
        switch phase {
        case .new, .running: beginStop(now_ns, &actions)
        case .stoppingWorkers, .stoppingSink: hurry(now_ns, &actions)
        case .finished: break
        }
    }

    // MARK: - Restarting

    private mutating func scheduleRestart(_ index: Int, _ now_ns: UInt64, _ actions: inout [Action]) {
        let wait_ns = backoff_ns(afterDeaths: entries[index].deathsInARow)
        entries[index].deathsInARow += 1
        entries[index].restarts += 1
        entries[index].state = .waiting(until_ns: now_ns + wait_ns)
        actions.append(.noteRestart(child: index, after_ns: wait_ns))
    }

    private func backoff_ns(afterDeaths deaths: Int) -> UInt64 {
        guard deaths > 0 else { return 0 }
        var wait_ns = timing.firstBackoff_ns
        for _ in 1..<deaths where wait_ns < timing.longestBackoff_ns { wait_ns *= 2 }
        return min(wait_ns, timing.longestBackoff_ns)
    }

    private mutating func giveUp(_ index: Int, _ now_ns: UInt64, _ actions: inout [Action]) {
        entries[index].state = .gone
        exitCode = 1
        actions.append(.noteGivenUp(child: index))
        beginStop(now_ns, &actions)
    }

    // MARK: - Stopping

    private mutating func beginStop(_ now_ns: UInt64, _ actions: inout [Action]) {
        phase = .stoppingWorkers
        for index in entries.indices {
            switch entries[index].state {
            case .waiting: entries[index].state = .gone
            case .running where isInWave(entries[index]): actions.append(.terminate(child: index))
            case .running, .starting, .gone: break
            }
        }
        graceEnd_ns = now_ns + timing.grace_ns
    }

    private mutating func hurry(_ now_ns: UInt64, _ actions: inout [Action]) {
        guard !isHurried else { return }
        isHurried = true
        graceEnd_ns = min(graceEnd_ns, now_ns + timing.hurriedGrace_ns)
        guard phase == .stoppingWorkers else { return }
        // Nobody waits for anybody any more.
        phase = .stoppingSink
        for (index, entry) in entries.enumerated() where entry.child.kind == .sink {
            if case .running = entry.state { actions.append(.terminate(child: index)) }
        }
    }

    /// Whether a child belongs to those that are asked to stop in this phase.
    private func isInWave(_ entry: Entry) -> Bool {
        phase == .stoppingSink || entry.child.kind != .sink
    }

    private func isAlive(_ entry: Entry) -> Bool { entry.state != .gone }

    // MARK: - Time

    private mutating func advance(_ now_ns: UInt64, _ actions: inout [Action]) {
        if phase == .running { return startDue(now_ns, &actions) }
        guard isStopping else { return }
        if phase == .stoppingWorkers, !entries.contains(where: { $0.child.kind != .sink && isAlive($0) }) {
            phase = .stoppingSink
            graceEnd_ns = now_ns + timing.grace_ns
            for (index, entry) in entries.enumerated() {
                if case .running = entry.state { actions.append(.terminate(child: index)) }
            }
        }
        if !entries.contains(where: isAlive) {
            phase = .finished
            graceEnd_ns = .max
            return actions.append(.finish(code: exitCode))
        }
        if now_ns >= graceEnd_ns {
            graceEnd_ns = .max
            for (index, entry) in entries.enumerated() where isInWave(entry) {
                if case .running = entry.state { actions.append(.kill(child: index)) }
            }
        }
    }

    private mutating func startDue(_ now_ns: UInt64, _ actions: inout [Action]) {
        for index in entries.indices {
            guard case .waiting(let until_ns) = entries[index].state, until_ns <= now_ns else { continue }
            entries[index].state = .starting
            actions.append(.start(child: index))
        }
    }
}
