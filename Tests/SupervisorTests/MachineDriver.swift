import Supervisor

/// A machine, the moment it is at, and shorthand for what happens to it. Children by number: 0 the sink, 1 the
/// producer, 2 the enricher.
struct MachineDriver {
    static let second: UInt64 = 1_000_000_000
    static let names = ["sink", "producer.nogales", "enricher.nogales"]

    var machine: SupervisorMachine
    var now_ns: UInt64 = 5_000

    /// The three children, given in the wrong order.
    init(_ kinds: [Child.Kind] = [.enricher, .sink, .producer]) {
        machine = SupervisorMachine(kinds.map { Self.child($0) })
    }

    static func child(_ kind: Child.Kind, station: String = "nogales") -> Child {
        let name = kind == .sink ? "sink" : "\(kind.rawValue).\(station)"
        return Child(name: name, kind: kind, station: kind == .sink ? nil : station, program: "/bin/\(kind.rawValue)")
    }

    /// All three running since the same moment.
    static func running() -> MachineDriver {
        var driver = MachineDriver()
        _ = driver.give(.begin)
        for child in 0..<3 { _ = driver.give(.started(child: child, process: Int32(100 + child))) }
        return driver
    }

    mutating func give(_ event: SupervisorMachine.Event) -> [SupervisorMachine.Action] {
        machine.handle(event, now_ns: now_ns)
    }

    mutating func give(_ event: SupervisorMachine.Event, after_ns: UInt64) -> [SupervisorMachine.Action] {
        now_ns += after_ns
        return give(event)
    }

    /// Goes to the moment that the machine asks to be woken at.
    mutating func wake() -> [SupervisorMachine.Action] {
        guard let wake_ns = machine.nextWake_ns else { return [] }
        now_ns = max(now_ns, wake_ns)
        return give(.tick)
    }

    /// The child ends and, when it is to be started again, is waited for and started.
    ///
    /// - Returns: What the machine ordered at the end, before the wait.
    mutating func fail(_ child: Int, _ end: ChildEnd) -> [SupervisorMachine.Action] {
        let actions = give(.ended(child: child, end))
        if case .waiting = machine.entries[child].state { _ = wake() }
        if machine.entries[child].state == .starting { _ = give(.started(child: child, process: 200)) }
        return actions
    }

    /// The wait before the restart that these actions announce.
    static func wait_ns(_ actions: [SupervisorMachine.Action]) -> UInt64? {
        for case .noteRestart(_, let after_ns) in actions { return after_ns }
        return nil
    }
}
