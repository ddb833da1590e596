import Bytes
import Delivery
import Testing
import Wire

@Suite("A worker")
struct WorkerMachineTests {
    private let me = Identifier128(high: 1, low: 2)
    private let first = WorkerMessage.BatchKey(epoch: 9, firstSequence: 1)
    private let second = WorkerMessage.BatchKey(epoch: 9, firstSequence: 11)

    private func heartbeat(_ capacity: UInt16, _ held: [WorkerMessage.BatchKey]) -> WorkerMachine.Action {
        .send(.heartbeat(worker: me, capacity: capacity, held: held), producer: 0)
    }

    @Test("says hello with its capacity, and again every 100 ms with what it holds")
    func heartbeats() {
        var worker = WorkerMachine(incarnation: me, capacity: 4)
        #expect(worker.connected(producer: 0, now_ms: 0) == [heartbeat(4, [])])
        #expect(worker.tick(now_ms: 99) == [])
        #expect(worker.received(ticket: 1, key: first, producer: 0, now_ms: 99) == [.process(ticket: 1)])
        #expect(worker.tick(now_ms: 100) == [heartbeat(4, [first])])
        #expect(worker.tick(now_ms: 150) == [])
    }

    @Test("a batch is done when the sink's socket has it; a repeat is dropped while it is held")
    func done() {
        var worker = WorkerMachine(incarnation: me)
        _ = worker.connected(producer: 0, now_ms: 0)
        #expect(worker.received(ticket: 1, key: first, producer: 0, now_ms: 0) == [.process(ticket: 1)])
        #expect(worker.received(ticket: 2, key: first, producer: 0, now_ms: 0) == [.drop(ticket: 2)])
        #expect(worker.forwarded(ticket: 1, now_ms: 1) == [.send(.done(worker: me, batch: first), producer: 0)])
        #expect(worker.batchesDone == 1)
        #expect(worker.heldCount == 0)
        // Another dispatch of it is work again: only the sink knows what it has.
        #expect(worker.received(ticket: 3, key: first, producer: 0, now_ms: 2) == [.process(ticket: 3)])
    }

    @Test("what cannot be read is let go without a word")
    func failed() {
        var worker = WorkerMachine(incarnation: me)
        _ = worker.connected(producer: 0, now_ms: 0)
        _ = worker.received(ticket: 1, key: first, producer: 0, now_ms: 0)
        #expect(worker.failed(ticket: 1) == [])
        #expect(worker.heldCount == 0)
        #expect(worker.tick(now_ms: 100) == [heartbeat(UInt16(worker.capacity), [])])
    }

    @Test("a drain takes nothing new, finishes what it holds, then says goodbye")
    func drain() {
        var worker = WorkerMachine(incarnation: me)
        _ = worker.connected(producer: 0, now_ms: 0)
        _ = worker.received(ticket: 1, key: first, producer: 0, now_ms: 0)
        #expect(worker.drain() == [])
        #expect(worker.received(ticket: 2, key: second, producer: 0, now_ms: 0) == [.drop(ticket: 2)])
        #expect(worker.tick(now_ms: 100) == [heartbeat(0, [first])])
        #expect(
            worker.forwarded(ticket: 1, now_ms: 101)
                == [
                    .send(.done(worker: me, batch: first), producer: 0), .send(.goodbye(worker: me), producer: 0),
                    .finished,
                ]
        )
        #expect(worker.tick(now_ms: 500) == [])
        #expect(worker.drain() == [])
    }

    @Test("an idle drain ends at once; one that cannot finish gives everything back")
    func abandon() {
        var idle = WorkerMachine(incarnation: me)
        _ = idle.connected(producer: 0, now_ms: 0)
        #expect(idle.drain() == [.send(.goodbye(worker: me), producer: 0), .finished])
        var busy = WorkerMachine(incarnation: me)
        _ = busy.connected(producer: 0, now_ms: 0)
        _ = busy.received(ticket: 1, key: first, producer: 0, now_ms: 0)
        _ = busy.drain()
        #expect(busy.abandon() == [.drop(ticket: 1), .send(.goodbye(worker: me), producer: 0), .finished])
        // The thread comes back with it afterwards: nothing more to say.
        #expect(busy.forwarded(ticket: 1, now_ms: 5) == [])
    }

    @Test("a producer that is gone takes its batches along, the others' stay")
    func disconnected() {
        var worker = WorkerMachine(incarnation: me)
        _ = worker.connected(producer: 0, now_ms: 0)
        _ = worker.connected(producer: 1, now_ms: 0)
        _ = worker.received(ticket: 1, key: first, producer: 0, now_ms: 0)
        _ = worker.received(ticket: 2, key: first, producer: 1, now_ms: 0)
        #expect(worker.heldCount == 2)
        #expect(worker.disconnected(producer: 0) == [.drop(ticket: 1)])
        #expect(worker.heldCount == 1)
        #expect(worker.forwarded(ticket: 2, now_ms: 1) == [.send(.done(worker: me, batch: first), producer: 1)])
    }
}
