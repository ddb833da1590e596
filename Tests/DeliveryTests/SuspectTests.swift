import Bytes
import Delivery
import Testing
import Wire

/// One event in a batch of ten kills every worker that comes to it; the machine finds it and spares its neighbours.
@Suite struct SuspectTests {
    private let producer = Identifier128(high: 1, low: 1)
    private let sink = Identifier128(high: 2, low: 2)
    private let archive = Identifier128(high: 3, low: 3)

    /// A producer's machine with batches of ten, workers that come and go, and what it ordered last.
    private struct World {
        var machine: ProducerDispatch
        var now_ms: Int64 = 0
        var lastWorker: UInt64 = 0
        var dead: UInt64 = 1_000
        var dispatched: [(first: UInt64, worker: Identifier128)] = []
        var sliced: [[UInt64]] = []
        var deadLetters: [(first: UInt64, reason: String)] = []
        var notes: [ProducerDispatch.Note] = []
        let producer: Identifier128

        init(_ producer: Identifier128, sink: Identifier128, archive: Identifier128, batches: UInt64 = 3) {
            self.producer = producer
            machine = ProducerDispatch(
                producer: producer,
                epochs: [.init(epoch: 5, firstSequence: 1)],
                committed: 0,
                stored: batches * 10
            )
            let welcome = Welcome(
                producer: producer,
                epoch: 5,
                sink: sink,
                archive: archive,
                generation: 1,
                watermark: 0,
                windowBytes: 1 << 20,
                refusal: ""
            )
            take(machine.heard(.welcome(welcome), now_ms: 0))
            for number in 0..<batches {
                let key = WorkerMessage.BatchKey(epoch: 5, firstSequence: number * 10 + 1)
                take(machine.loaded((key: key, count: 10, bytes: 1000), now_ms: 0))
            }
        }

        mutating func take(_ actions: [ProducerDispatch.Action]) {
            for action in actions {
                switch action {
                case .dispatch(let first, let worker): dispatched.append((first, worker))
                case .slice(_, let counts): sliced.append(counts)
                case .deadLetter(let first, let reason): deadLetters.append((first, reason))
                case .note(let note): notes.append(note)
                default: break
                }
            }
        }

        /// A worker says that it lives; the first time it joins.
        mutating func heartbeat(_ worker: Identifier128, _ held: [UInt64] = [], alone: Bool = true) {
            let keys = held.map { WorkerMessage.BatchKey(epoch: 5, firstSequence: $0) }
            take(
                machine.heard(.heartbeat(worker: worker, capacity: 4, held: keys, isAlone: alone), now_ms: now_ms)
            )
        }

        mutating func join(alone: Bool = true) -> Identifier128 {
            lastWorker += 1
            let worker = Identifier128(high: 4, low: lastWorker)
            heartbeat(worker, alone: alone)
            return worker
        }

        mutating func died(
            _ worker: Identifier128,
            at sequence: UInt64,
            _ cause: WorkerMessage.Cause,
            told by: Identifier128 = Identifier128(high: 9, low: 9)
        ) {
            let death = WorkerMessage.Death(
                dead: worker,
                producer: producer,
                batch: .init(epoch: 5, firstSequence: sequence),
                sequence: sequence,
                cause: cause
            )
            take(machine.heard(.died(worker: by, death), now_ms: now_ms))
        }

        /// Workers join and die at the event, one after the other.
        mutating func kill(_ times: Int, at sequence: UInt64, _ cause: WorkerMessage.Cause = .signal(11)) {
            for _ in 0..<times {
                let worker = join()
                died(worker, at: sequence, cause)
                wait(10_000)
            }
        }

        mutating func wait(_ milliseconds: Int64) {
            now_ms += milliseconds
            take(machine.tick(now_ms: now_ms))
        }

        mutating func commit(_ through: UInt64) {
            take(machine.heard(.commit(producer: producer, epoch: 5, through: through), now_ms: now_ms))
        }

        mutating func forget() { (dispatched, sliced, deadLetters, notes) = ([], [], [], []) }
    }

    private func world(batches: UInt64 = 3) -> World {
        World(producer, sink: sink, archive: archive, batches: batches)
    }

    private func isSuspected(_ world: World) -> Bool {
        world.notes.contains { if case .suspected = $0 { true } else { false } }
    }

    @Test func `two deaths by a crash are no suspicion, the third is`() {
        var world = world()
        world.kill(2, at: 15)
        #expect(!isSuspected(world))
        world.kill(1, at: 15)
        #expect(world.notes.contains(.suspected(firstSequence: 11, count: 10, .signal(11))))
    }

    @Test func `a suspect is cut around the event and its parts run alone, its neighbours together`() {
        var world = world()
        world.kill(3, at: 15)
        #expect(world.sliced == [[4, 1, 5]])
        world.forget()
        let worker = world.join()
        // The worker is idle: it gets one part of the suspect and nothing beside it.
        #expect(world.dispatched.map(\.first) == [11])
        let other = world.join()
        #expect(world.dispatched.map(\.first) == [11, 15])
        let third = world.join()
        let fourth = world.join()
        #expect(world.dispatched.map(\.first).sorted() == [1, 11, 15, 16, 21])
        #expect(world.dispatched.first { $0.first == 11 }?.worker == worker)
        #expect(world.dispatched.first { $0.first == 15 }?.worker == other)
        #expect(world.dispatched.first { $0.first == 16 }?.worker == third)
        #expect(world.dispatched.filter { [1, 21].contains($0.first) }.allSatisfy { $0.worker == fourth })
    }

    @Test(arguments: [(UInt64(11), [UInt64(1), 9]), (UInt64(20), [9, 1])])
    func `a suspect at the edge of its batch is cut in two`(_ sequence: UInt64, _ counts: [UInt64]) {
        var world = world()
        world.kill(3, at: sequence)
        #expect(world.sliced == [counts])
    }

    @Test func `three more deaths over the one event set it aside, and it is sent until it is committed`() {
        var world = world()
        world.kill(3, at: 15)
        world.kill(2, at: 15)
        #expect(world.machine.deadLetters == 0)
        world.kill(1, at: 15)
        #expect(world.machine.deadLetters == 1)
        #expect(world.notes.contains(.setAside(sequence: 15, .signal(11))))
        #expect(world.deadLetters.map(\.first).allSatisfy { $0 == 15 })
        #expect(world.deadLetters.first?.reason.contains("no worker survived it") == true)
        // What is before it is archived, nobody answers: it goes out again, and no worker gets it any more.
        world.forget()
        world.commit(14)
        world.wait(60_000)
        world.wait(60_000)
        #expect(world.deadLetters.count >= 2)
        #expect(!world.dispatched.contains { $0.first == 15 })
        // The sink that refuses what it cannot hold asks for it again.
        world.forget()
        world.take(world.machine.heard(.nack(producer: producer, epoch: 5, from: 15), now_ms: world.now_ms))
        world.wait(30_000)
        #expect(world.deadLetters.map(\.first) == [15])
        world.forget()
        world.commit(20)
        world.wait(60_000)
        #expect(world.deadLetters.isEmpty)
        #expect(world.machine.committed == 20)
        #expect(world.machine.deadLetters == 1)
    }

    @Test func `a death that is told late counts no dead letter twice`() {
        var world = world()
        world.kill(6, at: 15)
        world.forget()
        world.kill(4, at: 15)
        #expect(world.machine.deadLetters == 1)
        #expect(!world.notes.contains { if case .setAside = $0 { true } else { false } })
    }

    @Test func `neighbours of the event come through`() {
        var world = world(batches: 1)
        world.kill(6, at: 5)
        #expect(world.machine.deadLetters == 1)
        world.forget()
        let worker = world.join()
        for first: UInt64 in [1, 6] where !world.dispatched.contains(where: { $0.first == first }) {
            let held = world.dispatched.last?.first ?? 1
            world.take(
                world.machine.heard(
                    .done(worker: worker, batch: .init(epoch: 5, firstSequence: held)),
                    now_ms: world.now_ms
                )
            )
        }
        #expect(world.dispatched.map(\.first) == [1, 6])
        world.commit(10)
        #expect(world.machine.isDrained)
        #expect(world.machine.outstanding == 0)
    }

    @Test func `one death told by many counts once`() {
        var world = world()
        let worker = world.join()
        for teller: UInt64 in 1...20 {
            world.died(worker, at: 15, .signal(6), told: Identifier128(high: 9, low: teller))
        }
        #expect(!isSuspected(world))
        world.kill(1, at: 15)
        #expect(!isSuspected(world))
        world.kill(1, at: 15)
        #expect(isSuspected(world))
    }

    @Test func `deaths that nobody explains weigh less than crashes and hangs`() {
        var world = world()
        world.kill(Limits.unexplainedDeathsOfSuspect - 1, at: 15, .unknown)
        #expect(!isSuspected(world))
        world.kill(1, at: 15, .unknown)
        #expect(isSuspected(world))
        var hanging = self.world()
        hanging.kill(Limits.deathsOfSuspect, at: 15, .hang)
        #expect(isSuspected(hanging))
    }

    @Test func `deaths over other batches, other producers and what is archived blame nobody`() {
        var world = world()
        for (place, sequence) in [UInt64(5), 15, 25, 5, 15, 25].enumerated() {
            world.kill(1, at: sequence, place % 2 == 0 ? .signal(11) : .signal(6))
        }
        #expect(!isSuspected(world))
        world.commit(30)
        world.kill(10, at: 15)
        #expect(!isSuspected(world))
        #expect(world.machine.deadLetters == 0)
    }

    @Test func `two events of one batch are both found and nothing else`() {
        var world = world(batches: 1)
        world.kill(6, at: 1)
        #expect(world.machine.deadLetters == 1)
        // The rest of the batch is still a suspect; its other event is cut out at its first death.
        world.kill(4, at: 10)
        #expect(world.machine.deadLetters == 2)
        #expect(world.sliced == [[1, 9], [8, 1]])
        let letters = Set(world.deadLetters.map(\.first))
        #expect(letters == [1, 10])
    }

    @Test func `a new run of the producer begins anew`() {
        var world = world()
        world.kill(5, at: 15)
        var next = self.world()
        next.kill(2, at: 15)
        #expect(!isSuspected(next))
        #expect(next.dispatched.contains { $0.first == 11 })
    }

    @Test func `a worker with a process of its own takes the suspect before those that share one`() {
        var world = world()
        world.kill(3, at: 15)
        world.forget()
        _ = world.join(alone: false)
        #expect(!world.dispatched.isEmpty)
        var mixed = self.world()
        mixed.kill(3, at: 15)
        mixed.forget()
        let own = mixed.join(alone: true)
        _ = mixed.join(alone: false)
        let parts = mixed.dispatched.filter { [11, 15, 16].contains($0.first) }
        #expect(parts.allSatisfy { $0.worker == own })
        #expect(parts.count == 1)
    }
}
