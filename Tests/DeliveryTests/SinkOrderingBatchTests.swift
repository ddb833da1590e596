import Bytes
import Delivery
import Testing
import Wire

@Suite struct SinkOrderingBatchTests: SinkFixture {
    @Test func `a line begins where the archive left it`() {
        let line = self.line([(5, 1), (6, 21)], committed: 40)
        #expect(line.tip == 6)
        #expect(line.appended == 40)
        #expect(self.line([], committed: 0).tip == nil)
    }

    @Test func `a batch of an unknown producer or epoch is released`() {
        var machine = greeted()
        #expect(machine.received(batch(1, of: q), slot: 1, bytes: 100) == [.release(slot: 1, .unknownEpoch)])
        #expect(machine.received(batch(1, epoch: 9), slot: 2, bytes: 100) == [.release(slot: 2, .unknownEpoch)])
        #expect(machine.heldBytes == 0)
    }

    @Test func `batches in order are appended at once, the tickets dense over all producers`() {
        var machine = greeted()
        _ = machine.heard(hello([(5, 1)], of: q))
        #expect(machine.received(batch(1), slot: 7, bytes: 100) == [append(7, 1)])
        #expect(machine.received(batch(1, of: q), slot: 8, bytes: 100) == [append(8, 2)])
        #expect(machine.received(batch(11), slot: 9, bytes: 100) == [append(9, 3)])
        #expect(machine.heldBytes == 300)
        #expect(machine.line(of: p, epoch: 5)?.appended == 20)
        #expect(machine.line(of: p, epoch: 5)?.committed == 0)
    }

    @Test func `a batch waits for those before it and follows them`() {
        var machine = greeted()
        #expect(machine.received(batch(21), slot: 3, bytes: 100).isEmpty)
        #expect(machine.received(batch(11), slot: 2, bytes: 100).isEmpty)
        #expect(machine.waitingBatches == 2)
        #expect(machine.heldBytes == 200)
        #expect(machine.received(batch(1), slot: 1, bytes: 100) == [append(1, 1), append(2, 2), append(3, 3)])
        #expect(machine.waitingBatches == 0)
        #expect(machine.heldBytes == 300)
        #expect(machine.duplicateEvents == 0)
    }

    @Test func `a batch that was appended or waits already is a duplicate`() {
        var machine = greeted()
        _ = machine.received(batch(1), slot: 1, bytes: 100)
        _ = machine.received(batch(21), slot: 2, bytes: 100)
        #expect(machine.received(batch(1), slot: 3, bytes: 100) == [.release(slot: 3, .duplicate)])
        #expect(machine.received(batch(21), slot: 4, bytes: 100) == [.release(slot: 4, .duplicate)])
        #expect(machine.received(batch(21, count: 5), slot: 5, bytes: 50) == [.release(slot: 5, .duplicate)])
        #expect(machine.duplicateEvents == 25)
        #expect(machine.heldBytes == 200)
    }

    @Test func `of a batch that overlaps only the rest is appended`() {
        var machine = greeted()
        _ = machine.received(batch(1), slot: 1, bytes: 100)
        #expect(machine.received(batch(6), slot: 2, bytes: 100) == [append(2, 2, skip: 5)])
        #expect(machine.duplicateEvents == 5)
        #expect(machine.received(batch(16), slot: 3, bytes: 100) == [append(3, 3)])
    }

    @Test func `a longer batch takes the place of a shorter one that waits`() {
        var machine = greeted()
        _ = machine.received(batch(11, count: 5), slot: 1, bytes: 50)
        #expect(machine.received(batch(11), slot: 2, bytes: 100) == [.release(slot: 1, .duplicate)])
        #expect(machine.heldBytes == 100)
        #expect(machine.received(batch(1), slot: 3, bytes: 100) == [append(3, 1), append(2, 2)])
    }

    @Test func `a waiting batch that a longer one has covered is released`() {
        var machine = greeted()
        _ = machine.received(batch(11), slot: 1, bytes: 100)
        let release = Action.release(slot: 1, .duplicate)
        #expect(machine.received(batch(1, count: 25), slot: 2, bytes: 250) == [append(2, 1), release])
        #expect(machine.heldBytes == 250)
        #expect(machine.waitingBatches == 0)
        #expect(machine.duplicateEvents == 10)
    }

    @Test func `beyond the budget a batch is dropped and asked for, but the next one is taken up to twice it`() {
        var machine = greeted(hold: 200)
        _ = machine.received(batch(11), slot: 1, bytes: 200)
        #expect(machine.received(batch(21), slot: 2, bytes: 1) == [.release(slot: 2, .noRoom), nack(21)])
        #expect(machine.received(batch(1), slot: 3, bytes: 201) == [.release(slot: 3, .noRoom), nack(1)])
        #expect(machine.droppedBatches == 2)
        #expect(machine.heldBytes == 200)
        #expect(machine.received(batch(1), slot: 4, bytes: 200) == [append(4, 1), append(1, 2)])
        #expect(machine.heldBytes == 400)
        #expect(machine.received(batch(21), slot: 5, bytes: 1) == [.release(slot: 5, .noRoom), nack(21)])
        #expect(machine.committed(through: 2) == [commit(20)])
        #expect(machine.heldBytes == 0)
        #expect(machine.received(batch(21), slot: 6, bytes: 1) == [append(6, 3)])
    }

    @Test func `a commit tells each producer how far it is on disk`() {
        var machine = greeted()
        _ = machine.heard(hello([(5, 1)], of: q))
        _ = machine.received(batch(1), slot: 1, bytes: 100)
        _ = machine.received(batch(1, of: q), slot: 2, bytes: 100)
        _ = machine.received(batch(11), slot: 3, bytes: 100)
        _ = machine.received(batch(21), slot: 4, bytes: 100)
        #expect(machine.committed(through: 0).isEmpty)
        #expect(machine.committed(through: 3) == [commit(20), commit(10, of: q)])
        #expect(machine.heldBytes == 100)
        #expect(machine.committed(through: 3).isEmpty)
        #expect(machine.heard(hello([(5, 1)])) == [welcome(20)])
        #expect(machine.committed(through: 4) == [commit(30)])
        #expect(machine.line(of: p, epoch: 5)?.committed == 30)
    }

    @Test func `a new epoch waits for the last batch of the one before and takes the line over`() {
        var machine = greeted()
        _ = machine.received(batch(1), slot: 1, bytes: 100)
        #expect(machine.heard(hello([(5, 1), (6, 21)])) == [welcome(0, epoch: 6)])
        #expect(machine.received(batch(21, epoch: 6), slot: 2, bytes: 100).isEmpty)
        #expect(machine.received(batch(11), slot: 3, bytes: 100) == [append(3, 2), append(2, 3)])
        #expect(machine.committed(through: 3) == [commit(30, epoch: 6)])
        #expect(machine.line(of: p, epoch: 6) == line([(5, 1), (6, 21)], committed: 30))
        #expect(machine.received(batch(11), slot: 4, bytes: 100) == [.release(slot: 4, .duplicate)])
    }

    @Test func `what the archive could not keep is released and asked for, line by line`() {
        var machine = greeted()
        _ = machine.heard(hello([(5, 1)], of: q))
        _ = machine.received(batch(1), slot: 1, bytes: 100)
        _ = machine.received(batch(1, of: q), slot: 2, bytes: 100)
        _ = machine.received(batch(11), slot: 3, bytes: 100)
        _ = machine.received(batch(31), slot: 4, bytes: 100)
        #expect(
            machine.failed(from: 2) == [
                .release(slot: 2, .noRoom), .release(slot: 3, .noRoom), nack(11), nack(1, of: q),
            ]
        )
        #expect(machine.droppedBatches == 2)
        #expect(machine.heldBytes == 200)
        #expect(machine.failed(from: 2).isEmpty)
        #expect(machine.committed(through: 1) == [commit(10)])
        #expect(machine.received(batch(11), slot: 5, bytes: 100) == [append(5, 4)])
        #expect(machine.received(batch(21), slot: 6, bytes: 100) == [append(6, 5), append(4, 6)])
        #expect(machine.received(batch(1, of: q), slot: 7, bytes: 100) == [append(7, 7)])
    }

    @Test func `an epoch whose first batch failed has not taken the line over`() {
        var machine = greeted()
        _ = machine.received(batch(1), slot: 1, bytes: 100)
        _ = machine.heard(hello([(5, 1), (6, 11)]))
        _ = machine.received(batch(11, epoch: 6), slot: 2, bytes: 100)
        #expect(machine.failed(from: 1).suffix(1) == [nack(1)])
        #expect(machine.line(of: p, epoch: 6) == nil)
        #expect(machine.line(of: p, epoch: 5) == line([(5, 1)], committed: 0))
        #expect(machine.received(batch(1), slot: 3, bytes: 100) == [append(3, 3)])
        #expect(machine.received(batch(11, epoch: 6), slot: 4, bytes: 100) == [append(4, 4)])
        #expect(
            machine.line(of: p, epoch: 6)?.epochs == [
                EpochStart(epoch: 5, firstSequence: 1), EpochStart(epoch: 6, firstSequence: 11),
            ]
        )
    }

    @Test(arguments: UInt64(1)...60)
    func `whatever the way loses, repeats and reorders, each event is archived once and in order`(seed: UInt64) {
        var model = SinkModel(seed: seed)
        for _ in 0..<1500 { model.step() }
        model.settle()
        for producer in model.producers {
            #expect(producer.archived == Array(1..<producer.next))
            #expect(producer.committed == producer.next - 1)
        }
        #expect(model.machine.heldBytes == 0)
        #expect(model.machine.waitingBatches == 0)
        #expect(model.machine.duplicateEvents > 0)
        #expect(model.machine.droppedBatches > 0)
    }

    @Test func `what a lost run of an outbox had sent makes room for the epoch that took its sequences over`() {
        var machine = greeted(hold: 10_000)
        _ = machine.received(batch(1), slot: 1, bytes: 100)
        _ = machine.committed(through: 1)
        // The next is lost on its way, and what follows it waits; then the outbox goes back to sequence 10.
        _ = machine.received(batch(21), slot: 2, bytes: 100)
        _ = machine.received(batch(31), slot: 3, bytes: 100)
        _ = machine.heard(hello([(5, 1), (6, 11)]))
        // The new epoch's batch does not wait for the old one's to be told apart,
        #expect(machine.received(batch(31, epoch: 6), slot: 4, bytes: 100) == [.release(slot: 4, .noRoom)])
        let taken = machine.received(batch(11, epoch: 6), slot: 5, bytes: 100)
        #expect(taken == [append(5, 2), .release(slot: 2, .noRoom), .release(slot: 3, .noRoom)])
        // and the next ones find their places free.
        #expect(machine.waitingBatches == 0)
        #expect(machine.received(batch(31, epoch: 6), slot: 6, bytes: 100).isEmpty)
        #expect(machine.received(batch(21, epoch: 6), slot: 7, bytes: 100) == [append(7, 3), append(6, 4)])
    }
}

/// Producers that keep what is not committed, a way that mistreats batches, a shell and an archive that may fail.
private struct SinkModel: SinkFixture {
    struct Producer {
        var id: Identifier128
        var epochs: [(UInt64, UInt64)]
        var next: UInt64 = 1
        var committed: UInt64 = 0
        var batches: [BatchHeader] = []
        var archived: [UInt64] = []
    }

    static let hold = 800

    var producers: [Producer] = []
    var machine: SinkOrdering
    private var random: SmallRandom
    private var underWay: [BatchHeader] = []
    /// What the shell keeps for the machine.
    private var slots: [UInt64: BatchHeader] = [:]
    private var nextSlot: UInt64 = 1
    /// Appended, not yet synced.
    private var pending: [(ticket: UInt64, slot: UInt64, skip: UInt32)] = []
    private var lastTicket: UInt64 = 0

    init(seed: UInt64) {
        random = SmallRandom(state: seed)
        machine = SinkOrdering(
            archive: Identifier128(high: 3, low: 3),
            generation: 1,
            sink: Identifier128(high: 2, low: 2),
            holdBytes: Self.hold,
            producers: []
        )
        for low in 1...3 as ClosedRange<UInt64> {
            producers.append(Producer(id: Identifier128(high: 1, low: low), epochs: [(low * 100, 1)]))
        }
        for index in producers.indices { greet(index) }
    }

    mutating func step() {
        let index = Int.random(in: 0..<producers.count, using: &random)
        switch Int.random(in: 0..<20, using: &random) {
        case 0...3: accept(index)
        case 4...7: dispatch(index)
        case 8...14: arrive()
        case 15: greet(index)
        case 16: if Int.random(in: 0..<4, using: &random) == 0 { restart(index) }
        case 17: if Int.random(in: 0..<4, using: &random) == 0 { fail() }
        default: sync(Int.random(in: 0...pending.count, using: &random))
        }
    }

    /// From here on everything arrives, and what is not committed is sent until it is.
    mutating func settle() {
        while !underWay.isEmpty { arrive() }
        for _ in 0..<200 where producers.contains(where: { !$0.batches.isEmpty }) {
            for index in producers.indices {
                greet(index)
                for batch in producers[index].batches { receive(batch) }
                sync(pending.count)
            }
        }
    }

    private mutating func accept(_ index: Int) {
        guard producers[index].batches.count < 12 else { return }
        let count = UInt32.random(in: 1...9, using: &random)
        let epoch = producers[index].epochs.last!.0
        producers[index].batches.append(
            batch(producers[index].next, count: count, epoch: epoch, of: producers[index].id)
        )
        producers[index].next += UInt64(count)
    }

    private mutating func restart(_ index: Int) {
        let (epoch, first) = producers[index].epochs.last!
        guard first < producers[index].next else { return }
        producers[index].epochs.append((epoch + 1, producers[index].next))
        greet(index)
    }

    /// Some batch goes out, in whatever order: lost, once or twice, now and then joined with the one behind it.
    private mutating func dispatch(_ index: Int) {
        let batches = producers[index].batches
        guard let at = batches.indices.randomElement(using: &random) else { return }
        var batch = batches[at]
        let joins = Int.random(in: 0..<8, using: &random) == 0
        if joins, at + 1 < batches.count, batches[at + 1].epoch == batch.epoch { batch.count += batches[at + 1].count }
        let copies = [0, 1, 1, 2][Int.random(in: 0..<4, using: &random)]
        for _ in 0..<copies { underWay.append(batch) }
    }

    private mutating func arrive() {
        guard let at = underWay.indices.randomElement(using: &random) else { return }
        receive(underWay.remove(at: at))
    }

    private mutating func receive(_ batch: BatchHeader) {
        slots[nextSlot] = batch
        nextSlot += 1
        take(machine.received(batch, slot: nextSlot - 1, bytes: bytes(batch)))
    }

    private func bytes(_ batch: BatchHeader) -> Int { 10 * Int(batch.count) }

    private mutating func greet(_ index: Int) {
        let producer = producers[index]
        var message = hello(producer.epochs, of: producer.id, committed: producer.committed)
        message.archive = producer.committed > 0 ? archive : .zero
        take(machine.heard(message))
    }

    private mutating func sync(_ count: Int) {
        guard count > 0 else { return }
        for (_, slot, skip) in pending.prefix(count) {
            guard let batch = slots.removeValue(forKey: slot) else { continue }
            let index = producers.firstIndex { $0.id == batch.producer }!
            producers[index].archived += Array(batch.firstSequence + UInt64(skip)...batch.lastSequence)
        }
        let last = pending[count - 1].ticket
        pending.removeFirst(count)
        take(machine.committed(through: last))
    }

    private mutating func fail() {
        guard let first = pending.randomElement(using: &random)?.ticket else { return }
        sync(pending.firstIndex { $0.ticket == first }!)
        pending = []
        take(machine.failed(from: first))
    }

    private mutating func take(_ actions: [Action]) {
        for action in actions {
            switch action {
            case .append(let slot, let ticket, let skip, let line):
                #expect(slots[slot] != nil && line == LinePlace() && ticket == lastTicket + 1)
                lastTicket = ticket
                pending.append((ticket, slot, skip))
            case .release(let slot, let reason):
                #expect(slots.removeValue(forKey: slot) != nil)
                #expect(reason == .duplicate || reason == .noRoom || reason == .unknownEpoch)
            case .send(.commit(let id, _, let through), let to, _):
                #expect(id == to)
                committed(id, through)
            case .send(.welcome(let welcome), let to, _):
                #expect(welcome.refusal == "" && welcome.producer == to)
                committed(to, welcome.watermark)
            case .send(.nack, _, _), .note(.producerJoined): break
            default: Issue.record("nothing here calls for \(action)")
            }
        }
        #expect(machine.heldBytes == slots.values.reduce(0) { $0 + bytes($1) })
        #expect(machine.heldBytes <= 2 * Self.hold)
    }

    /// The producer trims what the sink says is on disk, which must be there.
    private mutating func committed(_ id: Identifier128, _ through: UInt64) {
        let index = producers.firstIndex { $0.id == id }!
        #expect(through >= producers[index].committed && through <= producers[index].archived.last ?? 0)
        producers[index].committed = max(producers[index].committed, through)
        producers[index].batches.removeAll { $0.lastSequence <= through }
    }
}
