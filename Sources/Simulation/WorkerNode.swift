import Bytes
import Delivery
import Wire

/// An enricher worker: one batch after the other, nothing kept. Poison kills it or makes it hang.
final class WorkerNode: Node {
    let station: StationName
    private var machine = WorkerMachine(incarnation: .zero)
    private var batches: [UInt64: SimulatedBatch] = [:]
    private var waiting: [UInt64] = []
    private var nextTicket: UInt64 = 1
    private var isBusy = false
    /// So much slower than others.
    var slowness: Int64 = 1
    // In the run directory: what it is at, and how runs before it died.
    private var durableRecord: WorkerMessage.Death?
    private var durableDeaths: [WorkerMessage.Death] = []

    init(_ index: Int, _ station: StationName, _ world: World) {
        self.station = station
        super.init(.worker(index), world)
    }

    private var producers: [Int] {
        world.producers.indices.filter { world.producers[$0].station == station && !world.producers[$0].isRetired }
    }

    override func started() {
        machine = WorkerMachine(incarnation: world.newIdentifier(), deaths: durableDeaths)
        durableDeaths = []
        batches = [:]
        waiting = []
        isBusy = false
        connected = []
        tick()
    }

    override func died() {
        if let record = durableRecord { durableDeaths.append(record) }
        durableRecord = nil
    }

    private func tick() {
        for producer in producers where !connected.contains(producer) { connect(producer) }
        carryOut(machine.tick(now_ms: now_ms))
        after(100) { [unowned(unsafe) self] in tick() }
    }

    private var connected: Set<Int> = []

    private func connect(_ producer: Int) {
        connected.insert(producer)
        carryOut(machine.connected(producer: producer, now_ms: now_ms))
    }

    /// Finishes what it holds and goes.
    func drain() {
        isRetired = true
        carryOut(machine.drain())
    }

    override func receive(_ packet: Packet, from sender: NodeID) {
        guard case .dispatch(let batch) = packet, case .producer(let producer) = sender else { return }
        let ticket = nextTicket
        nextTicket += 1
        batches[ticket] = batch
        let key = WorkerMessage.BatchKey(epoch: batch.header.epoch, firstSequence: batch.header.firstSequence)
        carryOut(machine.received(ticket: ticket, key: key, producer: producer, now_ms: now_ms))
    }

    private func carryOut(_ actions: [WorkerMachine.Action]) {
        for action in actions {
            switch action {
            case .process(let ticket):
                waiting.append(ticket)
                work()
            case .send(let message, let producer):
                world.send(.fromWorker(message), from: id, to: .producer(producer))
            case .drop(let ticket):
                batches[ticket] = nil
                waiting.removeAll { $0 == ticket }
            case .finished:
                world.trace.note(world.now) { "\(self.id) has drained" }
                die()
            }
        }
    }

    private func work() {
        guard !isBusy, let ticket = waiting.first, let batch = batches.removeValue(forKey: ticket) else { return }
        waiting.removeFirst()
        isBusy = true
        let effort = Int64(world.dice.pick(1...12)) * slowness
        let poison = batch.lines.firstIndex { line in world.book.isPoison(line) }
        durableRecord = WorkerMessage.Death(
            dead: machine.incarnation,
            producer: batch.header.producer,
            batch: .init(epoch: batch.header.epoch, firstSequence: batch.header.firstSequence),
            sequence: batch.header.firstSequence + UInt64(poison ?? world.dice.roll(Int(batch.header.count))),
            cause: .unknown
        )
        if let poison {
            world.book.died(of: batch.lines[poison])
            return succumb(after: effort)
        }
        after(effort) { [unowned(unsafe) self] in finish(ticket, batch) }
    }

    /// A signal at once, or a hang that the watchdog ends.
    private func succumb(after effort: Int64) {
        let hangs = world.dice.chance(perMille: 250)
        if hangs { pausedUntil = world.now + Int64(Limits.workerHangMilliseconds) }
        after(effort) { [unowned(unsafe) self] in
            durableRecord?.cause = hangs ? .hang : .signal(11)
            world.crash(self, hangs ? "it does not come back from an event" : "signal 11")
        }
    }

    private func finish(_ ticket: UInt64, _ batch: SimulatedBatch) {
        durableRecord = nil
        isBusy = false
        let enriched = Enriched.batch(batch, world.crc)
        world.send(.append(enriched), from: id, to: .sink)
        carryOut(machine.forwarded(ticket: ticket, now_ms: now_ms))
        work()
    }
}
