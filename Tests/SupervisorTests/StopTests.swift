import Supervisor
import Testing

@Suite("The supervisor stops")
struct StopTests {
    @Test func `producers and enrichers first, the sink when all of them are gone, then the code 0`() {
        var driver = MachineDriver.running()
        #expect(driver.give(.stopAsked) == [.terminate(child: 1), .terminate(child: 2)])
        #expect(driver.machine.phase == .stoppingWorkers)
        #expect(driver.give(.ended(child: 2, .code(0)), after_ns: 5) == [])
        #expect(driver.machine.phase == .stoppingWorkers)
        #expect(driver.give(.ended(child: 1, .signal(15)), after_ns: 5) == [.terminate(child: 0)])
        #expect(driver.machine.phase == .stoppingSink)
        #expect(driver.give(.ended(child: 0, .code(3)), after_ns: 5) == [.finish(code: 0)])
        #expect(driver.machine.phase == .finished)
        #expect(driver.machine.nextWake_ns == nil)
    }

    @Test func `after the finish nothing happens any more`() {
        var driver = MachineDriver.running()
        _ = driver.give(.stopAsked)
        for child in [1, 2, 0] { _ = driver.give(.ended(child: child, .code(0))) }
        let events: [SupervisorMachine.Event] = [
            .stopAsked, .tick, .begin, .started(child: 0, process: 1), .ended(child: 0, .code(64)),
            .ready(child: 0),
        ]
        for event in events { #expect(driver.give(event, after_ns: 60 * MachineDriver.second) == [], "\(event)") }
        #expect(driver.machine.phase == .finished)
    }

    @Test func `a stop before the beginning finishes at once, and nothing is started afterwards`() {
        var driver = MachineDriver()
        #expect(driver.give(.stopAsked) == [.finish(code: 0)])
        #expect(driver.give(.begin) == [])
    }

    @Test func `without children there is nothing to wait for`() {
        var driver = MachineDriver([])
        #expect(driver.give(.begin) == [])
        #expect(driver.give(.stopAsked) == [.finish(code: 0)])
    }

    @Test func `without workers the sink is asked at once`() {
        var driver = MachineDriver([.sink])
        _ = driver.give(.begin)
        _ = driver.give(.started(child: 0, process: 5))
        #expect(driver.give(.stopAsked) == [.terminate(child: 0)])
        #expect(driver.machine.phase == .stoppingSink)
    }

    @Test func `a child that waits for its restart is not started again`() {
        var driver = MachineDriver.running()
        _ = driver.fail(1, .signal(9))
        _ = driver.give(.ended(child: 1, .signal(9)))
        #expect(driver.give(.stopAsked) == [.terminate(child: 2)])
        #expect(driver.machine.entries[1].state == .gone)
        #expect(driver.give(.tick, after_ns: MachineDriver.second) == [])
        #expect(driver.give(.ended(child: 2, .code(0))) == [.terminate(child: 0)])
    }

    @Test(arguments: [.code(1), .code(64), .signal(9)] as [ChildEnd])
    func `a death during the stop is neither restarted nor given up`(end: ChildEnd) {
        var driver = MachineDriver.running()
        _ = driver.give(.stopAsked)
        #expect(driver.give(.ended(child: 0, end)) == [])
        #expect(driver.give(.ended(child: 1, end)) == [])
        #expect(driver.machine.entries[1].restarts == 0)
        #expect(driver.machine.entries[1].lastEnd == end)
        #expect(driver.give(.ended(child: 2, end)) == [.finish(code: 0)])
    }

    @Test func `a worker whose start was on its way is asked to stop as soon as it runs`() {
        var driver = MachineDriver()
        _ = driver.give(.begin)
        _ = driver.give(.started(child: 0, process: 10))
        _ = driver.give(.started(child: 1, process: 11))
        #expect(driver.give(.stopAsked) == [.terminate(child: 1)])
        #expect(driver.give(.ended(child: 1, .code(0))) == [])
        #expect(driver.give(.started(child: 2, process: 12)) == [.terminate(child: 2)])
        #expect(driver.give(.ended(child: 2, .code(0))) == [.terminate(child: 0)])
    }

    @Test func `a worker whose start failed during the stop is waited for no longer`() {
        var driver = MachineDriver([.sink, .producer])
        _ = driver.give(.begin)
        _ = driver.give(.started(child: 0, process: 10))
        #expect(driver.give(.stopAsked) == [])
        #expect(driver.give(.startFailed(child: 1, isPermanent: true)) == [.terminate(child: 0)])
        #expect(driver.give(.ended(child: 0, .code(0))) == [.finish(code: 0)])
    }

    @Test func `a sink whose start was on its way is asked in its own wave, once`() {
        var driver = MachineDriver([.sink, .producer])
        _ = driver.give(.begin)
        _ = driver.give(.started(child: 1, process: 11))
        #expect(driver.give(.stopAsked) == [.terminate(child: 1)])
        #expect(driver.give(.started(child: 0, process: 10)) == [])
        #expect(driver.give(.ended(child: 1, .code(0))) == [.terminate(child: 0)])

        var late = MachineDriver([.sink, .producer])
        _ = late.give(.begin)
        _ = late.give(.started(child: 1, process: 11))
        _ = late.give(.stopAsked)
        #expect(late.give(.ended(child: 1, .code(0))) == [])
        #expect(late.machine.phase == .stoppingSink)
        #expect(late.give(.started(child: 0, process: 10)) == [.terminate(child: 0)])
    }

    @Test func `each wave has ten seconds of its own, then what is left of it is killed once`() {
        var driver = MachineDriver.running()
        _ = driver.give(.stopAsked)
        #expect(driver.machine.nextWake_ns == driver.now_ns + 10 * MachineDriver.second)
        _ = driver.give(.ended(child: 2, .code(0)), after_ns: MachineDriver.second)
        #expect(driver.give(.tick, after_ns: 9 * MachineDriver.second - 1) == [])
        #expect(driver.give(.tick, after_ns: 1) == [.kill(child: 1)])
        #expect(driver.machine.nextWake_ns == nil)
        #expect(driver.give(.tick, after_ns: 1) == [])
        #expect(driver.give(.ended(child: 1, .signal(9)), after_ns: 1) == [.terminate(child: 0)])
        #expect(driver.machine.nextWake_ns == driver.now_ns + 10 * MachineDriver.second)
        #expect(driver.wake() == [.kill(child: 0)])
        #expect(driver.give(.ended(child: 0, .signal(9))) == [.finish(code: 0)])
    }

    @Test func `the sink is not killed in the wave of the workers`() {
        var driver = MachineDriver.running()
        _ = driver.give(.stopAsked)
        #expect(driver.wake() == [.kill(child: 1), .kill(child: 2)])
    }

    @Test func `a second stop asks the sink too and leaves one second for all together`() {
        var driver = MachineDriver.running()
        _ = driver.give(.stopAsked)
        #expect(driver.give(.stopAsked, after_ns: 3 * MachineDriver.second) == [.terminate(child: 0)])
        #expect(driver.machine.phase == .stoppingSink)
        let end_ns = driver.now_ns + MachineDriver.second
        #expect(driver.machine.nextWake_ns == end_ns)
        #expect(driver.give(.ended(child: 1, .code(0)), after_ns: 10) == [])
        #expect(driver.machine.nextWake_ns == end_ns)
        #expect(driver.give(.stopAsked, after_ns: 10) == [])
        #expect(driver.machine.nextWake_ns == end_ns)
        #expect(driver.wake() == [.kill(child: 0), .kill(child: 2)])
        #expect(driver.give(.ended(child: 2, .signal(9))) == [])
        #expect(driver.give(.ended(child: 0, .signal(9))) == [.finish(code: 0)])
    }

    @Test func `a second stop never gives more time than was left`() {
        var driver = MachineDriver.running()
        _ = driver.give(.stopAsked)
        let end_ns = driver.now_ns + 10 * MachineDriver.second
        _ = driver.give(.stopAsked, after_ns: 10 * MachineDriver.second - 5)
        #expect(driver.machine.nextWake_ns == end_ns)
    }

    @Test func `a second stop while the sink is stopping only shortens its time`() {
        var driver = MachineDriver.running()
        _ = driver.give(.stopAsked)
        for child in [1, 2] { _ = driver.give(.ended(child: child, .code(0))) }
        #expect(driver.give(.stopAsked) == [])
        #expect(driver.machine.nextWake_ns == driver.now_ns + MachineDriver.second)
        #expect(driver.wake() == [.kill(child: 0)])
    }

    @Test func `a stop after a child was given up hurries, and the code stays 1`() {
        var driver = MachineDriver.running()
        _ = driver.give(.ended(child: 1, .code(64)))
        #expect(driver.give(.stopAsked) == [.terminate(child: 0)])
        #expect(driver.give(.ended(child: 2, .code(0))) == [])
        #expect(driver.give(.ended(child: 0, .code(0))) == [.finish(code: 1)])
    }
}
