import Supervisor
import Testing

@Suite("The supervisor starts and restarts")
struct RestartTests {
    @Test func `the sink is started first, then producers, then enrichers, each kind in the order given`() {
        let children = [
            MachineDriver.child(.enricher, station: "a"), MachineDriver.child(.producer, station: "b"),
            MachineDriver.child(.sink), MachineDriver.child(.producer, station: "a"),
            MachineDriver.child(.enricher, station: "b"),
        ]
        var machine = SupervisorMachine(children)
        #expect(machine.phase == .new)
        #expect(machine.nextWake_ns == nil)
        #expect(
            machine.entries.map(\.child.name) == ["sink", "producer.b", "producer.a", "enricher.a", "enricher.b"]
        )
        #expect(machine.handle(.begin, now_ns: 7) == (0..<5).map { .start(child: $0) })
        #expect(machine.phase == .running)
        #expect(machine.entries.allSatisfy { $0.state == .starting })
        #expect(machine.handle(.begin, now_ns: 8) == [])
    }

    @Test func `a child that was started is running, and ready only once it says so`() {
        var driver = MachineDriver()
        _ = driver.give(.begin)
        #expect(driver.give(.ready(child: 1)) == [])
        #expect(!driver.machine.entries[1].isReady)
        #expect(driver.give(.started(child: 1, process: 42), after_ns: 3) == [])
        #expect(driver.machine.entries[1].state == .running(process: 42, since_ns: driver.now_ns))
        #expect(!driver.machine.entries[1].isReady)
        #expect(driver.give(.ready(child: 1)) == [])
        #expect(driver.machine.entries.map(\.isReady) == [false, true, false])
    }

    @Test func `the first death restarts at once and the record says how it ended`() {
        var driver = MachineDriver.running()
        _ = driver.give(.ready(child: 2))
        let actions = driver.give(.ended(child: 2, .signal(11)), after_ns: 50)
        #expect(actions == [.noteRestart(child: 2, after_ns: 0), .start(child: 2)])
        let entry = driver.machine.entries[2]
        #expect(entry.state == .starting)
        #expect(entry.lastEnd == .signal(11))
        #expect(entry.restarts == 1)
        #expect(!entry.isReady)
        #expect(driver.machine.entries[1].restarts == 0)
    }

    @Test func `later deaths wait 0·2 s, doubling, and never longer than 5 s`() {
        var driver = MachineDriver.running()
        _ = driver.give(.ready(child: 1))
        var waits: [UInt64?] = []
        for _ in 0..<8 { waits.append(MachineDriver.wait_ns(driver.fail(1, .code(1)))) }
        let tenths: [UInt64] = [0, 2, 4, 8, 16, 32, 50, 50]
        #expect(waits == tenths.map { $0 * 100_000_000 })
        #expect(driver.machine.entries[1].restarts == 8)
    }

    @Test func `a waiting child is started at its moment and not before`() {
        var driver = MachineDriver.running()
        _ = driver.fail(1, .signal(9))
        #expect(driver.give(.ended(child: 1, .signal(9))) == [.noteRestart(child: 1, after_ns: 200_000_000)])
        let due_ns = driver.now_ns + 200_000_000
        #expect(driver.machine.nextWake_ns == due_ns)
        #expect(driver.give(.tick, after_ns: 199_999_999) == [])
        #expect(driver.give(.tick, after_ns: 1) == [.start(child: 1)])
        #expect(driver.machine.nextWake_ns == nil)
        #expect(driver.give(.tick) == [])
    }

    @Test func `the next wake is that of the child that is due first`() {
        var driver = MachineDriver.running()
        for _ in 0..<2 { _ = driver.fail(1, .signal(9)) }
        _ = driver.fail(2, .signal(9))
        _ = driver.give(.ended(child: 1, .signal(9)))
        _ = driver.give(.ended(child: 2, .signal(9)))
        #expect(driver.machine.nextWake_ns == driver.now_ns + 200_000_000)
        #expect(driver.wake() == [.start(child: 2)])
        #expect(driver.machine.nextWake_ns == driver.now_ns + 200_000_000)
        #expect(driver.wake() == [.start(child: 1)])
    }

    @Test func `ten seconds alive wipe the record, a nanosecond less does not`() {
        var driver = MachineDriver.running()
        for _ in 0..<3 { _ = driver.fail(1, .signal(9)) }
        let early = driver.give(.ended(child: 1, .signal(9)), after_ns: 10 * MachineDriver.second - 1)
        #expect(MachineDriver.wait_ns(early) == 800_000_000)
        _ = driver.wake()
        _ = driver.give(.started(child: 1, process: 7))
        let late = driver.give(.ended(child: 1, .signal(9)), after_ns: 10 * MachineDriver.second)
        #expect(late == [.noteRestart(child: 1, after_ns: 0), .start(child: 1)])
    }

    @Test func `a start that failed for the moment is tried again with the same waits`() {
        var driver = MachineDriver()
        _ = driver.give(.begin)
        #expect(
            driver.give(.startFailed(child: 0, isPermanent: false))
                == [.noteRestart(child: 0, after_ns: 0), .start(child: 0)]
        )
        #expect(
            driver.give(.startFailed(child: 0, isPermanent: false))
                == [.noteRestart(child: 0, after_ns: 200_000_000)]
        )
        for _ in 0..<20 {
            _ = driver.wake()
            _ = driver.give(.startFailed(child: 0, isPermanent: false))
        }
        #expect(driver.machine.phase == .running)
    }

    @Test func `what cannot have happened is ignored`() {
        var driver = MachineDriver.running()
        let before = driver.machine.entries
        let impossible: [SupervisorMachine.Event] = [
            .started(child: 0, process: 9), .started(child: 3, process: 9), .started(child: -1, process: 9),
            .startFailed(child: 0, isPermanent: true), .ready(child: 3), .ended(child: 3, .code(64)), .begin, .tick,
        ]
        for event in impossible { #expect(driver.give(event) == [], "\(event)") }
        #expect(driver.machine.entries == before)
        _ = driver.give(.ended(child: 1, .code(1)))
        #expect(driver.give(.ended(child: 1, .code(64))) == [])
        #expect(driver.machine.entries[1].lastEnd == .code(1))
    }

    @Test func `a clock that went back does not make a child well`() {
        var driver = MachineDriver.running()
        driver.now_ns -= 1_000
        #expect(driver.give(.ended(child: 0, .code(64))).first == .noteGivenUp(child: 0))
    }
}

@Suite("The supervisor gives up")
struct GivingUpTests {
    @Test(arguments: [64, 65, 78] as [Int32])
    func `a usage, data or configuration error at once stops everything`(code: Int32) {
        var driver = MachineDriver.running()
        let actions = driver.give(.ended(child: 1, .code(code)))
        #expect(actions == [.noteGivenUp(child: 1), .terminate(child: 2)])
        #expect(driver.machine.entries[1].state == .gone)
        #expect(driver.machine.phase == .stoppingWorkers)
        #expect(driver.give(.ended(child: 2, .code(0))) == [.terminate(child: 0)])
        #expect(driver.give(.ended(child: 0, .code(0))) == [.finish(code: 1)])
    }

    @Test(arguments: [.code(63), .code(66), .code(1), .code(0), .code(75), .signal(64), .signal(9)] as [ChildEnd])
    func `any other first end does not`(end: ChildEnd) {
        var driver = MachineDriver.running()
        #expect(driver.give(.ended(child: 1, end)) == [.noteRestart(child: 1, after_ns: 0), .start(child: 1)])
    }

    @Test func `the fifth exit in a row before it was ever well is the last`() {
        var driver = MachineDriver.running()
        for _ in 0..<4 { #expect(!driver.fail(1, .code(1)).contains(.noteGivenUp(child: 1))) }
        #expect(driver.machine.phase == .running)
        #expect(driver.fail(1, .code(1)) == [.noteGivenUp(child: 1), .terminate(child: 2)])
        #expect(driver.machine.phase == .stoppingWorkers)
    }

    @Test func `failures of different children are not added up`() {
        var driver = MachineDriver.running()
        for _ in 0..<4 {
            for child in 0..<3 { _ = driver.fail(child, .code(1)) }
        }
        #expect(driver.machine.phase == .running)
    }

    @Test(arguments: [.signal(9), .code(75)] as [ChildEnd])
    func `a signal or a plea for another try never counts, and starts the count again`(end: ChildEnd) {
        var driver = MachineDriver.running()
        for _ in 0..<30 { _ = driver.fail(1, end) }
        #expect(driver.machine.phase == .running)
        for _ in 0..<4 { _ = driver.fail(1, .code(1)) }
        _ = driver.fail(1, end)
        for _ in 0..<4 { _ = driver.fail(1, .code(1)) }
        #expect(driver.machine.phase == .running)
        _ = driver.fail(1, .code(1))
        #expect(driver.machine.phase == .stoppingWorkers)
    }

    @Test(arguments: [.code(64), .code(1)] as [ChildEnd])
    func `a child that was ready once is restarted for ever`(end: ChildEnd) {
        var driver = MachineDriver.running()
        _ = driver.give(.ready(child: 1))
        for _ in 0..<50 { _ = driver.fail(1, end) }
        #expect(driver.machine.phase == .running)
        #expect(driver.machine.entries[1].restarts == 50)
    }

    @Test func `a child that lived ten seconds without a word is restarted for ever as well`() {
        var driver = MachineDriver.running()
        driver.now_ns += 10 * MachineDriver.second
        for _ in 0..<50 { _ = driver.fail(1, .code(64)) }
        #expect(driver.machine.phase == .running)
    }

    @Test func `being well is each child's own`() {
        var driver = MachineDriver.running()
        _ = driver.give(.ready(child: 1))
        #expect(driver.give(.ended(child: 2, .code(64))).first == .noteGivenUp(child: 2))
    }

    @Test func `a program that cannot be started stops everything, unless it was well before`() {
        var driver = MachineDriver()
        _ = driver.give(.begin)
        _ = driver.give(.started(child: 0, process: 9))
        let actions = driver.give(.startFailed(child: 1, isPermanent: true))
        #expect(actions == [.noteGivenUp(child: 1)])
        #expect(driver.give(.startFailed(child: 2, isPermanent: true)) == [.terminate(child: 0)])
        #expect(driver.give(.ended(child: 0, .signal(15))) == [.finish(code: 1)])

        var well = MachineDriver.running()
        _ = well.give(.ready(child: 1))
        _ = well.give(.ended(child: 1, .code(0)))
        #expect(
            well.give(.startFailed(child: 1, isPermanent: true)) == [.noteRestart(child: 1, after_ns: 200_000_000)]
        )
        #expect(well.machine.phase == .running)
    }

    @Test func `when the sink is given up the others are still stopped, and nothing waits for it`() {
        var driver = MachineDriver.running()
        #expect(
            driver.give(.ended(child: 0, .code(78)))
                == [.noteGivenUp(child: 0), .terminate(child: 1), .terminate(child: 2)]
        )
        #expect(driver.give(.ended(child: 1, .code(0))) == [])
        #expect(driver.give(.ended(child: 2, .code(0))) == [.finish(code: 1)])
    }

    @Test func `the limits can be set`() {
        var timing = SupervisorMachine.Timing()
        timing.failureLimit = 2
        timing.firstBackoff_ns = 3
        timing.longestBackoff_ns = 2
        var machine = SupervisorMachine([MachineDriver.child(.sink)], timing: timing)
        _ = machine.handle(.begin, now_ns: 0)
        _ = machine.handle(.started(child: 0, process: 1), now_ns: 0)
        _ = machine.handle(.ended(child: 0, .code(2)), now_ns: 0)
        _ = machine.handle(.startFailed(child: 0, isPermanent: false), now_ns: 0)
        #expect(machine.nextWake_ns == 2)
        #expect(machine.handle(.tick, now_ns: 2) == [.start(child: 0)])
        _ = machine.handle(.started(child: 0, process: 1), now_ns: 2)
        #expect(
            machine.handle(.ended(child: 0, .code(2)), now_ns: 3) == [.noteGivenUp(child: 0), .finish(code: 1)]
        )
    }

    @Test func `ends are told in words`() {
        #expect(ChildEnd.code(78).description == "exit code 78")
        #expect(ChildEnd.signal(9).description == "signal 9 (killed)")
        #expect(ChildEnd.signal(34).description == "signal 34")
    }
}
