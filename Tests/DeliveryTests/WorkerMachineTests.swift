import Bytes
import Delivery
import Testing
import Wire

@Suite struct WorkerMachineTests {
    private let me = Identifier128(high: 4, low: 4)
    private let pause = Int64(Limits.heartbeatMilliseconds)

    private func key(_ first: UInt64, epoch: UInt64 = 5) -> WorkerMessage.BatchKey {
        .init(epoch: epoch, firstSequence: first)
    }

    private func heartbeat(_ held: [UInt64] = [], capacity: UInt16 = 3, to producer: Int) -> WorkerMachine.Action {
        .send(.heartbeat(worker: me, capacity: capacity, held: held.map { key($0) }, isAlone: true), producer: producer)
    }

    private func done(_ first: UInt64, to producer: Int) -> WorkerMachine.Action {
        .send(.done(worker: me, batch: key(first)), producer: producer)
    }

    private func goodbye(to producer: Int) -> WorkerMachine.Action {
        .send(.goodbye(worker: me), producer: producer)
    }

    /// A machine that serves producers 0 and 1.
    private func connected() -> WorkerMachine {
        var machine = WorkerMachine(incarnation: me, capacity: 3)
        _ = machine.connected(producer: 1, now_ms: 0)
        _ = machine.connected(producer: 0, now_ms: 0)
        return machine
    }

    /// A machine that holds two batches of producer 0 and one of producer 1.
    private func loaded() -> WorkerMachine {
        var machine = connected()
        _ = machine.received(ticket: 1, key: key(1), producer: 0, now_ms: 0)
        _ = machine.received(ticket: 2, key: key(11), producer: 0, now_ms: 0)
        _ = machine.received(ticket: 3, key: key(1), producer: 1, now_ms: 0)
        return machine
    }

    @Test func `it begins with nothing and asks for the usual number of batches`() {
        var machine = WorkerMachine(incarnation: me)
        #expect(machine.incarnation == me)
        #expect(machine.capacity == Limits.workerCreditBatches)
        #expect(machine.heldCount == 0)
        #expect(machine.batchesDone == 0)
        #expect(!machine.isDraining)
        #expect(machine.tick(now_ms: 1_000_000).isEmpty)
    }

    @Test func `a producer is greeted with a heartbeat at once`() {
        var machine = WorkerMachine(incarnation: me, capacity: 3)
        #expect(machine.connected(producer: 0, now_ms: 0) == [heartbeat(to: 0)])
        #expect(machine.connected(producer: 1, now_ms: 0) == [heartbeat(to: 1)])
    }

    @Test func `deaths are told before each heartbeat until the producer has sent a batch`() {
        let death = WorkerMessage.Death(
            dead: Identifier128(high: 7, low: 7),
            producer: Identifier128(high: 1, low: 1),
            batch: key(1),
            sequence: 3,
            cause: .hang
        )
        var machine = WorkerMachine(incarnation: me, capacity: 3, deaths: [death])
        func told(_ producer: Int) -> [WorkerMachine.Action] {
            [.send(.died(worker: me, death), producer: producer), heartbeat(to: producer)]
        }
        #expect(machine.connected(producer: 0, now_ms: 0) == told(0))
        #expect(machine.connected(producer: 1, now_ms: 0) == told(1))
        #expect(machine.tick(now_ms: pause) == told(0) + told(1))
        _ = machine.received(ticket: 1, key: key(1), producer: 0, now_ms: pause)
        #expect(machine.tick(now_ms: 2 * pause) == [heartbeat([1], to: 0)] + told(1))
        // A producer that comes again may be another run, which knows nothing.
        _ = machine.disconnected(producer: 0)
        #expect(machine.connected(producer: 0, now_ms: 2 * pause) == told(0))
    }

    @Test func `a batch is processed, and its repeat is dropped while it is held`() {
        var machine = connected()
        #expect(machine.received(ticket: 1, key: key(1), producer: 0, now_ms: 0) == [.process(ticket: 1)])
        #expect(machine.received(ticket: 2, key: key(1), producer: 0, now_ms: 0) == [.drop(ticket: 2)])
        #expect(machine.heldCount == 1)
    }

    @Test func `the same sequence of another producer or epoch is another batch`() {
        var machine = connected()
        #expect(machine.received(ticket: 1, key: key(1), producer: 0, now_ms: 0) == [.process(ticket: 1)])
        #expect(machine.received(ticket: 2, key: key(1), producer: 1, now_ms: 0) == [.process(ticket: 2)])
        #expect(machine.received(ticket: 3, key: key(1, epoch: 6), producer: 0, now_ms: 0) == [.process(ticket: 3)])
        #expect(machine.heldCount == 3)
    }

    @Test func `a forwarded batch is reported done to its producer, whichever was received first`() {
        var machine = loaded()
        #expect(machine.forwarded(ticket: 3, now_ms: 1) == [done(1, to: 1)])
        #expect(machine.forwarded(ticket: 2, now_ms: 1) == [done(11, to: 0)])
        #expect(machine.heldCount == 1)
        #expect(machine.batchesDone == 2)
    }

    @Test func `a batch that is not held is not reported done`() {
        var machine = loaded()
        _ = machine.forwarded(ticket: 1, now_ms: 1)
        #expect(machine.forwarded(ticket: 1, now_ms: 1).isEmpty)
        #expect(machine.forwarded(ticket: 99, now_ms: 1).isEmpty)
        #expect(machine.batchesDone == 1)
        #expect(machine.heldCount == 2)
    }

    @Test func `a forwarded batch that comes again is processed again`() {
        var machine = loaded()
        _ = machine.forwarded(ticket: 1, now_ms: 1)
        #expect(machine.received(ticket: 4, key: key(1), producer: 0, now_ms: 1) == [.process(ticket: 4)])
    }

    @Test func `a failed batch is neither held nor done and may come again`() {
        var machine = loaded()
        #expect(machine.failed(ticket: 1).isEmpty)
        #expect(machine.failed(ticket: 99).isEmpty)
        #expect(machine.heldCount == 2)
        #expect(machine.batchesDone == 0)
        #expect(machine.tick(now_ms: pause) == [heartbeat([11], to: 0), heartbeat([1], to: 1)])
        #expect(machine.received(ticket: 4, key: key(1), producer: 0, now_ms: pause) == [.process(ticket: 4)])
    }

    @Test func `heartbeats go out at their pace and tell each producer what is held of it`() {
        var machine = loaded()
        #expect(machine.tick(now_ms: pause - 1).isEmpty)
        #expect(machine.tick(now_ms: pause) == [heartbeat([1, 11], to: 0), heartbeat([1], to: 1)])
        #expect(machine.tick(now_ms: 2 * pause - 1).isEmpty)
        #expect(machine.tick(now_ms: 2 * pause) == [heartbeat([1, 11], to: 0), heartbeat([1], to: 1)])
    }

    @Test func `each producer has a heartbeat clock of its own`() {
        var machine = WorkerMachine(incarnation: me, capacity: 3)
        _ = machine.connected(producer: 0, now_ms: 0)
        _ = machine.connected(producer: 1, now_ms: pause / 2)
        #expect(machine.tick(now_ms: pause) == [heartbeat(to: 0)])
        #expect(machine.tick(now_ms: pause + pause / 2) == [heartbeat(to: 1)])
    }

    @Test func `a producer given up takes its batches with it and hears nothing more`() {
        var machine = loaded()
        #expect(machine.disconnected(producer: 0) == [.drop(ticket: 1), .drop(ticket: 2)])
        #expect(machine.heldCount == 1)
        #expect(machine.tick(now_ms: pause) == [heartbeat([1], to: 1)])
        #expect(machine.forwarded(ticket: 1, now_ms: pause).isEmpty)
        #expect(machine.batchesDone == 0)
        #expect(machine.disconnected(producer: 0).isEmpty)
    }

    @Test func `a producer that comes back is greeted again`() {
        var machine = loaded()
        _ = machine.disconnected(producer: 0)
        #expect(machine.connected(producer: 0, now_ms: 1) == [heartbeat(to: 0)])
        #expect(machine.tick(now_ms: pause) == [heartbeat([1], to: 1)])
    }

    @Test func `draining with nothing held says goodbye at once, and once`() {
        var machine = connected()
        #expect(machine.drain() == [goodbye(to: 0), goodbye(to: 1), .finished])
        #expect(machine.isDraining)
        #expect(machine.drain().isEmpty)
        #expect(machine.abandon().isEmpty)
        #expect(machine.failed(ticket: 1).isEmpty)
        #expect(machine.forwarded(ticket: 1, now_ms: 1).isEmpty)
        #expect(machine.disconnected(producer: 0).isEmpty)
        #expect(machine.tick(now_ms: 100 * pause).isEmpty)
    }

    @Test func `draining without a producer finishes`() {
        var machine = WorkerMachine(incarnation: me)
        #expect(machine.drain() == [.finished])
    }

    @Test func `draining takes nothing new and asks for nothing`() {
        var machine = loaded()
        #expect(machine.drain().isEmpty)
        #expect(machine.isDraining)
        #expect(machine.drain().isEmpty)
        #expect(machine.received(ticket: 4, key: key(21), producer: 0, now_ms: 1) == [.drop(ticket: 4)])
        #expect(machine.heldCount == 3)
        #expect(
            machine.tick(now_ms: pause) == [
                heartbeat([1, 11], capacity: 0, to: 0), heartbeat([1], capacity: 0, to: 1),
            ]
        )
        #expect(machine.connected(producer: 2, now_ms: pause) == [heartbeat(capacity: 0, to: 2)])
    }

    @Test func `the last batch forwarded ends the draining`() {
        var machine = loaded()
        _ = machine.drain()
        #expect(machine.forwarded(ticket: 1, now_ms: 1) == [done(1, to: 0)])
        #expect(machine.forwarded(ticket: 99, now_ms: 1).isEmpty)
        #expect(machine.forwarded(ticket: 2, now_ms: 1) == [done(11, to: 0)])
        #expect(
            machine.forwarded(ticket: 3, now_ms: 1) == [done(1, to: 1), goodbye(to: 0), goodbye(to: 1), .finished]
        )
        #expect(machine.batchesDone == 3)
    }

    @Test func `the last batch failed ends the draining`() {
        var machine = connected()
        _ = machine.received(ticket: 1, key: key(1), producer: 0, now_ms: 0)
        #expect(machine.drain().isEmpty)
        #expect(machine.failed(ticket: 1) == [goodbye(to: 0), goodbye(to: 1), .finished])
    }

    @Test func `the last batch's producer given up ends the draining`() {
        var machine = connected()
        _ = machine.received(ticket: 1, key: key(1), producer: 0, now_ms: 0)
        #expect(machine.drain().isEmpty)
        #expect(machine.disconnected(producer: 0) == [.drop(ticket: 1), goodbye(to: 1), .finished])
    }

    @Test func `abandoning drops what is held and says goodbye`() {
        var machine = loaded()
        let drops = [UInt64(1), 2, 3].map { WorkerMachine.Action.drop(ticket: $0) }
        #expect(machine.abandon() == drops + [goodbye(to: 0), goodbye(to: 1), .finished])
        #expect(machine.isDraining)
        #expect(machine.heldCount == 0)
        #expect(machine.abandon().isEmpty)
        #expect(machine.drain().isEmpty)
        #expect(machine.forwarded(ticket: 1, now_ms: 1).isEmpty)
        #expect(machine.batchesDone == 0)
        #expect(machine.received(ticket: 4, key: key(21), producer: 0, now_ms: 1) == [.drop(ticket: 4)])
    }

    @Test func `a draining that takes too long may be abandoned`() {
        var machine = loaded()
        _ = machine.drain()
        _ = machine.forwarded(ticket: 2, now_ms: 1)
        #expect(machine.abandon() == [.drop(ticket: 1), .drop(ticket: 3), goodbye(to: 0), goodbye(to: 1), .finished])
    }
}
