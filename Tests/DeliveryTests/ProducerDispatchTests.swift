import Bytes
import Delivery
import Testing
import Wire

@Suite struct ProducerDispatchTests {
    private let producer = Identifier128(high: 1, low: 1)
    private let sink = Identifier128(high: 2, low: 2)
    private let archive = Identifier128(high: 3, low: 3)
    private let worker = Identifier128(high: 4, low: 4)

    private func welcome(
        _ watermark: UInt64,
        sink: Identifier128? = nil,
        generation: UInt32 = 1,
        refusal: String = ""
    ) -> ControlMessage {
        .welcome(
            Welcome(
                producer: producer,
                epoch: 5,
                sink: sink ?? self.sink,
                archive: archive,
                generation: generation,
                watermark: watermark,
                windowBytes: 1 << 20,
                refusal: refusal
            )
        )
    }

    private func heartbeat(_ held: [UInt64] = [], capacity: UInt16 = 4) -> WorkerMessage {
        .heartbeat(
            worker: worker,
            capacity: capacity,
            held: held.map { .init(epoch: 5, firstSequence: $0) },
            isAlone: true
        )
    }

    private func batch(_ first: UInt64) -> (key: WorkerMessage.BatchKey, count: UInt64, bytes: Int) {
        (.init(epoch: 5, firstSequence: first), 10, 1000)
    }

    /// A machine whose first batch of two is with the worker.
    private func dispatched() -> ProducerDispatch {
        var machine = ProducerDispatch(
            producer: producer,
            epochs: [.init(epoch: 5, firstSequence: 1)],
            committed: 0,
            stored: 20
        )
        _ = machine.heard(welcome(0), now_ms: 0)
        _ = machine.heard(heartbeat(), now_ms: 0)
        _ = machine.loaded(batch(1), now_ms: 0)
        return machine
    }

    @Test func `nothing moves before the sink has answered`() {
        var machine = ProducerDispatch(
            producer: producer,
            epochs: [.init(epoch: 5, firstSequence: 1)],
            committed: 0,
            stored: 20
        )
        #expect(machine.heard(heartbeat(), now_ms: 0) == [.note(.workerJoined(worker))])
        #expect(machine.heard(welcome(0), now_ms: 0) == [.note(.sinkChanged(sink)), .load(from: 1)])
        #expect(
            machine.loaded(batch(1), now_ms: 0) == [.dispatch(firstSequence: 1, worker: worker), .load(from: 11)]
        )
    }

    @Test func `a sink with another archive gets nothing, whatever it says`() {
        var machine = ProducerDispatch(
            producer: producer,
            epochs: [.init(epoch: 5, firstSequence: 1)],
            committed: 10,
            stored: 20,
            archive: Identifier128(high: 9, low: 9)
        )
        _ = machine.heard(heartbeat(), now_ms: 0)
        let words =
            "it serves archive \(archive), this outbox belongs to \(Identifier128(high: 9, low: 9)); "
            + "put that archive back, or see enlace archive adopt"
        #expect(machine.heard(welcome(0), now_ms: 0) == [.note(.sinkRefuses(words))])
        #expect(machine.tick(now_ms: 100).isEmpty)
        #expect(machine.windowBytes == 0)
        // Old messages may have brought it events of this epoch: it has no say about them.
        #expect(machine.heard(.commit(producer: producer, epoch: 5, through: 20), now_ms: 100).isEmpty)
        #expect(machine.committed == 10)
    }

    @Test func `a commit trims and moves the frontier, a repeated or impossible one does nothing`() {
        var machine = dispatched()
        let commit = ControlMessage.commit(producer: producer, epoch: 5, through: 10)
        #expect(machine.heard(commit, now_ms: 1) == [.trim(through: 10, archive: archive)])
        #expect(machine.heard(commit, now_ms: 1).isEmpty)
        #expect(machine.heard(.commit(producer: producer, epoch: 5, through: 99), now_ms: 1).isEmpty)
        #expect(machine.heard(.commit(producer: sink, epoch: 5, through: 20), now_ms: 1).isEmpty)
        #expect(machine.committed == 10)
        #expect(machine.outstanding == 0)
        #expect(!machine.isDrained)
    }

    @Test func `a worker may have handed on what it holds or what is archived, and nothing else`() {
        var machine = dispatched()
        let liar = Identifier128(high: 9, low: 9)
        let held = WorkerMessage.BatchKey(epoch: 5, firstSequence: 1)
        #expect(machine.mayHaveHandedOn(held, worker))
        #expect(!machine.mayHaveHandedOn(held, liar))
        #expect(!machine.mayHaveHandedOn(.init(epoch: 6, firstSequence: 1), worker))
        #expect(!machine.mayHaveHandedOn(.init(epoch: 5, firstSequence: 2), worker))
        _ = machine.heard(.commit(producer: producer, epoch: 5, through: 10), now_ms: 1)
        #expect(machine.mayHaveHandedOn(held, liar))
        #expect(machine.serves(worker))
        #expect(!machine.serves(liar))
    }

    @Test func `a worker is served up to the most batches that any may hold`() {
        var machine = ProducerDispatch(
            producer: producer,
            epochs: [.init(epoch: 5, firstSequence: 1)],
            committed: 0,
            stored: 2_000
        )
        _ = machine.heard(welcome(0), now_ms: 0)
        _ = machine.heard(heartbeat(capacity: .max), now_ms: 0)
        var given = 0
        for index in 0..<UInt64(100) {
            given +=
                machine.loaded(batch(1 + index * 10), now_ms: 0).filter {
                    if case .dispatch = $0 { return true }
                    return false
                }.count
        }
        #expect(given == Limits.workerCapacityBatches)
    }

    @Test func `a refusal closes the window and is told once`() {
        var machine = ProducerDispatch(
            producer: producer,
            epochs: [.init(epoch: 5, firstSequence: 1)],
            committed: 0,
            stored: 20
        )
        #expect(machine.heard(welcome(0, refusal: "no"), now_ms: 0) == [.note(.sinkRefuses("no"))])
        #expect(machine.heard(welcome(0, refusal: "no"), now_ms: 0).isEmpty)
        #expect(machine.windowBytes == 0)
    }

    @Test func `a silent worker's batches go out again`() {
        var machine = dispatched()
        #expect(machine.tick(now_ms: 400).isEmpty)
        #expect(machine.tick(now_ms: 501) == [.note(.workerSilent(worker, returned: 1))])
        let other = Identifier128(high: 9, low: 9)
        let actions = machine.heard(.heartbeat(worker: other, capacity: 1, held: [], isAlone: true), now_ms: 502)
        #expect(actions == [.note(.workerJoined(other)), .dispatch(firstSequence: 1, worker: other)])
        #expect(machine.redeliveries == 1)
    }

    @Test func `what a worker handed on before its goodbye stays with the sink`() {
        var machine = dispatched()
        _ = machine.heard(.done(worker: worker, batch: batch(1).key), now_ms: 1)
        #expect(machine.heard(.goodbye(worker: worker), now_ms: 2) == [.note(.workerLeft(worker, returned: 0))])
        #expect(machine.heard(.goodbye(worker: worker), now_ms: 2).isEmpty)
    }

    @Test func `a batch that the heartbeat does not name is lost and goes out again`() {
        var machine = dispatched()
        #expect(machine.heard(heartbeat([1]), now_ms: 400).isEmpty)
        #expect(machine.heard(heartbeat([1]), now_ms: 800).isEmpty)
        #expect(machine.heard(heartbeat([]), now_ms: 900) == [.dispatch(firstSequence: 1, worker: worker)])
    }

    @Test func `an undeliverable batch waits for the next heartbeat, or for another worker`() {
        var machine = dispatched()
        #expect(machine.undeliverable(firstSequence: 1, worker: worker, isGone: false, now_ms: 1).isEmpty)
        #expect(machine.heard(heartbeat(), now_ms: 2) == [.dispatch(firstSequence: 1, worker: worker)])
        #expect(
            machine.undeliverable(firstSequence: 1, worker: worker, isGone: true, now_ms: 3)
                == [.note(.workerLeft(worker, returned: 0))]
        )
        #expect(machine.workerCount == 0)
    }

    @Test func `a nack sends again after a pause`() {
        var machine = dispatched()
        _ = machine.heard(.done(worker: worker, batch: batch(1).key), now_ms: 1)
        #expect(machine.heard(.nack(producer: producer, epoch: 5, from: 1), now_ms: 2).isEmpty)
        #expect(machine.heard(heartbeat(), now_ms: 50).isEmpty)
        #expect(machine.heard(heartbeat(), now_ms: 200) == [.dispatch(firstSequence: 1, worker: worker)])
    }

    @Test func `another run of the sink gets again what the old one had not committed`() {
        var machine = dispatched()
        _ = machine.heard(.done(worker: worker, batch: batch(1).key), now_ms: 1)
        let next = Identifier128(high: 8, low: 8)
        #expect(
            machine.heard(welcome(0, sink: next), now_ms: 2)
                == [.note(.sinkChanged(next)), .dispatch(firstSequence: 1, worker: worker)]
        )
    }

    @Test func `a still frontier sends again with growing pauses`() {
        var machine = dispatched()
        _ = machine.heard(.done(worker: worker, batch: batch(1).key), now_ms: 1)
        for time in stride(from: Int64(100), through: 1900, by: 100) { _ = machine.heard(heartbeat(), now_ms: time) }
        #expect(
            machine.tick(now_ms: 2001) == [
                .note(.redelivered(firstSequence: 1, attempt: 2)), .dispatch(firstSequence: 1, worker: worker),
            ]
        )
    }

    @Test func `a batch that came no further with one worker goes to another, however much room the first has`() {
        var machine = dispatched()
        let other = Identifier128(high: 9, low: 9)
        let small = WorkerMessage.heartbeat(worker: other, capacity: 1, held: [], isAlone: true)
        var given: [Identifier128] = []
        for step in 1...40 {
            let now_ms = Int64(step) * 100
            var actions = machine.heard(heartbeat([1]), now_ms: now_ms) + machine.heard(small, now_ms: now_ms)
            actions += machine.tick(now_ms: now_ms)
            for case .dispatch(_, let to) in actions { given.append(to) }
        }
        #expect(given.first == other)
    }

    @Test func `a newer generation with less rewinds, an older message does not`() {
        var machine = dispatched()
        _ = machine.heard(.commit(producer: producer, epoch: 5, through: 10), now_ms: 1)
        #expect(machine.heard(welcome(4), now_ms: 2).isEmpty)
        #expect(machine.committed == 10)
        #expect(machine.heard(welcome(4, generation: 2), now_ms: 3).contains(.rewind(to: 4)))
        #expect(machine.committed == 4)
    }

    @Test func `accepted events are loaded`() {
        var machine = ProducerDispatch(
            producer: producer,
            epochs: [.init(epoch: 5, firstSequence: 1)],
            committed: 20,
            stored: 20
        )
        _ = machine.heard(welcome(20), now_ms: 0)
        #expect(machine.isDrained)
        #expect(machine.accepted(through: 30, now_ms: 1) == [.load(from: 21)])
        #expect(machine.loaded(nil, now_ms: 1).isEmpty)
    }
}
