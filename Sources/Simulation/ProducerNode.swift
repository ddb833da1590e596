import Bytes
import Delivery
import Mutation
import Wire

/// A producer: the shipped ledger and dispatch around an outbox that commits as a whole.
final class ProducerNode: Node {
    let station: StationName
    // On its disk.
    var durableOutbox: OutboxModel
    private(set) var ledger = GatewayLedger(rememberedCount: 0)
    private(set) var dispatch: ProducerDispatch
    private var gathered: [GatewayRequest] = []
    private var notes: [(through: UInt64, archive: Identifier128, generation: UInt32, isRewind: Bool)] = []
    private var isCommitting = false
    private var loaded: [UInt64: SimulatedBatch] = [:]
    private var routes: [Identifier128: NodeID] = [:]
    private var generation: UInt32 = 0
    /// Its disk takes nothing.
    var isFull = false

    static let staleAnswer = Array("stale".utf8)

    init(_ index: Int, _ station: StationName, _ world: World, clone: OutboxModel? = nil) {
        self.station = station
        durableOutbox = clone ?? OutboxModel(producer: world.newIdentifier(), station: station)
        dispatch = ProducerDispatch(producer: .zero, epochs: [], committed: 0, stored: 0)
        super.init(.producer(index), world)
    }

    /// Whether nothing waits.
    var isDrained: Bool { dispatch.isDrained && durableOutbox.batches.isEmpty && gathered.isEmpty && !isCommitting }

    override func started() {
        durableOutbox.open(newEpoch: world.dice.bits())
        ledger = GatewayLedger(rememberedCount: durableOutbox.gateways.count)
        (gathered, notes, loaded, routes, isCommitting) = ([], [], [:], [:], false)
        let committed = durableOutbox.committed
        generation = committed.generation
        dispatch = ProducerDispatch(
            producer: durableOutbox.producer,
            epochs: durableOutbox.epochs,
            committed: max(committed.sequence, durableOutbox.oldest - 1),
            stored: durableOutbox.nextSequence - 1,
            archive: committed.archive,
            maximumWindowBytes: world.options.holdBytes
        )
        tick()
        sayHello()
    }

    private func tick() {
        carryOut(dispatch.tick(now_ms: now_ms))
        check()
        after(50) { [unowned(unsafe) self] in tick() }
    }

    private func sayHello() {
        let committed = durableOutbox.committed
        let hello = Hello(
            producer: durableOutbox.producer,
            station: station,
            epochs: durableOutbox.epochs,
            oldest: durableOutbox.oldest,
            next: durableOutbox.nextSequence,
            archive: committed.archive,
            committed: committed.sequence,
            generation: max(committed.generation, generation)
        )
        world.send(.control(.hello(hello)), from: id, to: .sink)
        after(250) { [unowned(unsafe) self] in sayHello() }
    }

    /// What a producer may never do.
    private func check() {
        let limit = dispatch.windowBytes + 2 * (world.options.batchEvents + 1) * 200
        if dispatch.windowBytes > 0, dispatch.outstanding > max(limit, world.options.holdBytes / 2) {
            world.book.violate(
                "\(id) has \(dispatch.outstanding) bytes on their way, its window is \(dispatch.windowBytes)"
            )
        }
        let waiting = durableOutbox.nextSequence - durableOutbox.oldest
        if durableOutbox.waiting != waiting {
            world.book.violate("\(id): its outbox holds \(durableOutbox.waiting) events of \(waiting)")
        }
    }

    // MARK: - Hearing

    override func receive(_ packet: Packet, from sender: NodeID) {
        switch packet {
        case .request(let request): take(request)
        case .fromWorker(let message):
            if case .heartbeat(let worker, _, _, _) = message { routes[worker] = sender }
            carryOut(dispatch.heard(message, now_ms: now_ms))
        case .control(let message):
            if case .welcome(let welcome) = message, welcome.epoch == durableOutbox.epoch, welcome.refusal.isEmpty {
                if dispatch.isHome(welcome) { generation = welcome.generation }
            }
            carryOut(dispatch.heard(message, now_ms: now_ms))
        default: break
        }
    }

    // MARK: - Gateways

    private func take(_ request: GatewayRequest) {
        let name = "g\(request.gateway)"
        var decision = ledger.decide(name, number: request.number, lowest: request.lowest)
        if decision == .lookUp {
            let known = durableOutbox.gateways[name]
            ledger.know(name, answered: known?.answered, lowest: known?.lowest ?? 0)
            decision = ledger.decide(name, number: request.number, lowest: request.lowest)
        }
        if decision == .repeatAnswer, isMutated(.forgetAnswers) { decision = .accept }
        switch decision {
        case .accept:
            gathered.append(request)
            commitSoon()
        case .repeatAnswer:
            let answer = durableOutbox.gateways[name]?.answers[request.number]
            if let answer { reply(request, answer, isDefinitive: true) }
        case .stale: reply(request, Self.staleAnswer, isDefinitive: true)
        case .inProgress, .lookUp, .tooManyGateways: break
        }
    }

    private func reply(_ request: GatewayRequest, _ body: [UInt8], isDefinitive: Bool) {
        let packet = Packet.answer(number: request.number, body: body, isDefinitive: isDefinitive)
        world.send(packet, from: id, to: .gateway(request.gateway))
    }

    // MARK: - Commits

    private func commitSoon() {
        guard !isCommitting else { return }
        isCommitting = true
        after(Int64(world.dice.pick(0...4))) { [unowned(unsafe) self] in commit() }
    }

    /// One durable change; what it was good for is told a little later, if the process lives.
    private func commit() {
        let jobs = gathered
        gathered = []
        let effort = Int64(world.dice.pick(1...8))
        if isMutated(.answerBeforeCommit) {
            for job in jobs { reply(job, Array("accepted".utf8), isDefinitive: true) }
            after(effort * 8) { [unowned(unsafe) self] in commit(jobs, effort) }
        } else {
            commit(jobs, effort)
        }
    }

    private func commit(_ jobs: [GatewayRequest], _ effort: Int64) {
        for note in notes {
            durableOutbox.setCommitted(note.through, archive: note.archive, generation: note.generation)
            if !note.isRewind {
                world.audit(trimming: note.through, at: self)
                durableOutbox.trim(through: note.through)
            }
        }
        notes = []
        let isTaken = !isFull
        var answers: [[UInt8]] = []
        if isTaken { for job in jobs { answers.append(store(job)) } }
        let last = durableOutbox.nextSequence - 1
        after(effort) { [unowned(unsafe) self] in
            isCommitting = false
            for (index, job) in jobs.enumerated() {
                let name = "g\(job.gateway)"
                if isTaken {
                    ledger.answered(name, number: job.number)
                    reply(job, answers[index], isDefinitive: true)
                } else {
                    ledger.failed(name, number: job.number)
                    reply(job, Array("later".utf8), isDefinitive: false)
                }
            }
            if isTaken, !jobs.isEmpty { carryOut(dispatch.accepted(through: last, now_ms: now_ms)) }
            if !gathered.isEmpty || !notes.isEmpty { commitSoon() }
        }
    }

    private func store(_ job: GatewayRequest) -> [UInt8] {
        let first = durableOutbox.nextSequence
        var rest = job.events[...]
        while !rest.isEmpty {
            let part = rest.prefix(world.options.batchEvents)
            var payload: [UInt8] = []
            for event in part { payload += world.book.events[event].raw + [0x0A] }
            let sequence = durableOutbox.append(payload, count: part.count, receivedAt: wall, crc: world.crc)
            for (index, event) in part.enumerated() {
                let place = Book.Place(
                    producer: durableOutbox.producer,
                    epoch: durableOutbox.epoch,
                    sequence: sequence + UInt64(index)
                )
                world.book.accept(event, at: place)
            }
            rest = rest.dropFirst(part.count)
        }
        let answer = Array("accepted from \(first), epoch \(durableOutbox.epoch)".utf8)
        let name = "g\(job.gateway)"
        durableOutbox.storeAnswer(name, request: job.number, lowest: ledger.lowest(of: name), answer: answer)
        return answer
    }

    // MARK: - Doing

    private func carryOut(_ first: [ProducerDispatch.Action]) {
        var actions = first
        while !actions.isEmpty {
            var more: [ProducerDispatch.Action] = []
            for action in actions { more += carryOut(action) }
            actions = more
        }
    }

    private func carryOut(_ action: ProducerDispatch.Action) -> [ProducerDispatch.Action] {
        switch action {
        case .load(let sequence):
            guard let batch = durableOutbox.nextBatch(from: sequence) else {
                return dispatch.loaded(nil, now_ms: now_ms)
            }
            loaded[batch.header.firstSequence] = batch
            let key = WorkerMessage.BatchKey(epoch: batch.header.epoch, firstSequence: batch.header.firstSequence)
            let bytes = batch.payload.count
            return dispatch.loaded((key, UInt64(batch.header.count), bytes), now_ms: now_ms)
        case .dispatch(let sequence, let worker): return send(sequence, to: worker)
        case .slice(let sequence, let counts): slice(sequence, counts)
        case .deadLetter(let sequence, let reason): sendDeadLetter(sequence, reason)
        case .trim(let through, let archive):
            loaded = loaded.filter { $0.value.header.lastSequence > through }
            notes.append((through, archive, generation, false))
            commitSoon()
        case .rewind(let sequence):
            loaded = [:]
            notes.append((sequence, durableOutbox.committed.archive, generation, true))
            commitSoon()
        case .note(let note): world.trace.note(world.now) { "\(self.id): \(note)" }
        }
        return []
    }

    private func send(_ sequence: UInt64, to worker: Identifier128) -> [ProducerDispatch.Action] {
        guard let route = routes[worker], let batch = loaded[sequence] else {
            let isGone = routes[worker] == nil
            return dispatch.undeliverable(firstSequence: sequence, worker: worker, isGone: isGone, now_ms: now_ms)
        }
        if !world.isConnected(id, route), world.dice.chance(perMille: 700) {
            routes[worker] = nil
            return dispatch.undeliverable(firstSequence: sequence, worker: worker, isGone: true, now_ms: now_ms)
        }
        world.send(.dispatch(batch), from: id, to: route)
        return []
    }

    private func slice(_ sequence: UInt64, _ counts: [UInt64]) {
        guard let whole = loaded.removeValue(forKey: sequence) else { return }
        var lines = whole.lines[...]
        var header = whole.header
        for count in counts {
            let part = lines.prefix(Int(count))
            header.count = UInt32(count)
            let payload = part.flatMap { $0 + [0x0A] }
            loaded[header.firstSequence] = SimulatedBatch(header: header, payload: payload, crc: world.crc)
            header.firstSequence += count
            lines = lines.dropFirst(Int(count))
        }
    }

    private func sendDeadLetter(_ sequence: UInt64, _ reason: String) {
        guard let batch = loaded[sequence] else { return }
        for line in batch.lines where !world.book.isSuspicious(line) {
            world.book.violate("\(id) sets a healthy event aside: \(reason)")
        }
        world.send(.deadLetter(Enriched.deadLetter(batch, reason, world.crc)), from: id, to: .sink)
    }
}
