import Wire

/// What goes wrong, when, and to whom: drawn once, at the beginning of a schedule.
struct Faults {
    private let world: World
    private(set) var injected = 0

    init(_ world: World) { self.world = world }

    /// Those that no promise excuses.
    private static let ordinary: [(weight: Int, inject: @Sendable (World) -> Void)] = [
        (5, killProducer), (5, killWorker), (6, killSink), (2, killGateway), (2, killTail), (3, cutAllPower),
        (5, partition), (4, reset), (4, pause), (3, slowWorker), (2, fillProducersDisk), (3, fillArchivesDisk),
        (3, failSync), (3, jumpClock), (2, addWorker), (2, drainWorker), (6, killSinkAtOperation), (1, isolateProducer),
    ]

    /// Those by which disks lose what they had synced.
    private static func hostile(
        _ hostility: SimulationOptions.Hostility
    ) -> [(weight: Int, inject: @Sendable (World) -> Void)] {
        switch hostility {
        case .none: []
        case .outboxes: [(2, loseOutbox), (3, rollBackOutbox), (3, cloneOutbox)]
        case .archives: [(3, restoreOlderArchive), (2, mistakeArchive)]
        case .bits: [(3, flipBit), (1, purge)]
        }
    }

    /// Spreads the faults over the busy time.
    mutating func schedule() {
        var dice = Dice(seed: world.options.seed ^ 0xFA17)
        for _ in 0..<world.options.faults {
            let time = Int64(dice.roll(Int(world.options.busyMilliseconds)))
            let hostile = Self.hostile(world.options.hostility)
            let kinds = !hostile.isEmpty && dice.chance(perMille: 150) ? hostile : Self.ordinary
            var left = dice.roll(kinds.reduce(0) { $0 + $1.weight })
            for kind in kinds {
                left -= kind.weight
                guard left < 0 else { continue }
                world.at(time, nil) { [unowned(unsafe) world] in kind.inject(world) }
                break
            }
            injected += 1
        }
        guard world.options.losesArchive else { return }
        for _ in 0..<dice.pick(1...2) {
            let time = Int64(dice.roll(Int(world.options.busyMilliseconds)))
            world.at(time, nil) { [unowned(unsafe) world] in Self.loseArchive(world) }
            injected += 1
        }
        Self.watchForLostArchives(world)
    }

    // MARK: - Processes

    private static func killProducer(_ world: World) {
        if let victim = world.dice.pick(world.producers) { world.crash(victim, "killed") }
    }

    private static func killWorker(_ world: World) {
        if let victim = world.dice.pick(world.workers) { world.crash(victim, "killed") }
    }

    private static func killSink(_ world: World) {
        world.sink.losesPower = world.dice.chance(perMille: world.options.powerCutPerMille)
        world.crash(world.sink, world.sink.losesPower ? "the power is cut" : "killed")
    }

    /// In the middle of whatever it does to its disk next.
    private static func killSinkAtOperation(_ world: World) {
        world.sink.losesPower = world.dice.chance(perMille: world.options.powerCutPerMille)
        world.sink.durableDisk.operationsUntilCrash = world.dice.roll(40)
        world.trace.note(world.now) { "the sink will die at an operation of its disk" }
    }

    private static func killGateway(_ world: World) {
        if let victim = world.dice.pick(world.gateways) { world.crash(victim, "killed") }
    }

    private static func killTail(_ world: World) {
        if let victim = world.dice.pick(world.tails) { world.crash(victim, "killed") }
    }

    private static func cutAllPower(_ world: World) {
        world.sink.losesPower = true
        for node in world.allNodes { world.crash(node, "the power is cut") }
    }

    private static func pause(_ world: World) {
        guard let victim = world.dice.pick(world.allNodes.filter(\.isUp)) else { return }
        victim.pausedUntil = world.now + Int64(world.dice.pick(50...4_000))
        world.trace.note(world.now) { "\(victim.id) is stopped for \(victim.pausedUntil - world.now) ms" }
    }

    private static func slowWorker(_ world: World) {
        world.dice.pick(world.workers)?.slowness = Int64(world.dice.pick(1...60))
    }

    private static func addWorker(_ world: World) {
        guard let station = world.dice.pick(world.stations), world.workers.count < 12 else { return }
        let worker = WorkerNode(world.workers.count, station, world)
        world.workers.append(worker)
        worker.boot()
    }

    private static func drainWorker(_ world: World) {
        guard let worker = world.dice.pick(world.workers.filter { $0.isUp && !$0.isRetired }) else { return }
        let others = world.workers.filter { $0.station == worker.station && !$0.isRetired }
        if others.count > 1 { worker.drain() }
    }

    private static func jumpClock(_ world: World) {
        guard let node = world.dice.pick(world.allNodes) else { return }
        node.wallOffset += Int64(world.dice.pick(-100_000_000...100_000_000))
        if !node.isUp { node.drift = Int64(world.dice.pick(-50...50)) }
    }

    // MARK: - Network

    private static func partition(_ world: World) {
        guard let left = world.dice.pick(world.allNodes), let right = world.dice.pick(world.allNodes) else { return }
        world.partition(left.id, right.id, until: world.now + Int64(world.dice.pick(100...5_000)))
        world.trace.note(world.now) { "\(left.id) and \(right.id) do not reach each other" }
    }

    private static func isolateProducer(_ world: World) {
        guard let producer = world.dice.pick(world.producers) else { return }
        let until = world.now + Int64(world.dice.pick(500...6_000))
        for node in world.allNodes { world.partition(producer.id, node.id, until: until) }
        world.trace.note(world.now) { "\(producer.id) reaches nobody" }
    }

    private static func reset(_ world: World) {
        guard let left = world.dice.pick(world.allNodes), let right = world.dice.pick(world.allNodes) else { return }
        world.reset(left.id, right.id)
        world.reset(world.sink.id, left.id)
    }

    // MARK: - Disks that are full or broken

    private static func fillProducersDisk(_ world: World) {
        guard let producer = world.dice.pick(world.producers) else { return }
        producer.isFull = true
        world.at(world.now + Int64(world.dice.pick(100...4_000)), nil) { producer.isFull = false }
    }

    private static func fillArchivesDisk(_ world: World) {
        let room = world.dice.chance(perMille: 500) ? 0 : world.dice.roll(3_000)
        world.sink.durableDisk.room_bytes = room
        world.trace.note(world.now) { "the archive's disk is full but for \(room) bytes" }
        world.at(world.now + Int64(world.dice.pick(100...4_000)), nil) { [unowned(unsafe) world] in
            world.sink.durableDisk.isFull = false
        }
    }

    private static func failSync(_ world: World) {
        world.sink.durableDisk.failsNextSync = true
        world.trace.note(world.now) { "the next sync of the archive's disk fails" }
    }
}
