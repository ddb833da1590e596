import Bytes
import Wire

// Faults by which disks lose what they had said was safe. What is lost must be told of, and nothing else may be.
extension Faults {
    static func flipBit(_ world: World) {
        let disk = world.sink.durableDisk
        let files = disk.names.keys.filter { $0.contains("/station=") }.sorted()
        guard let path = world.dice.pick(files) else { return }
        world.book.mayLoseArchived = true
        disk.flipBit(path, &world.dice)
        world.trace.note(world.now) { "a bit of \(path) flips" }
    }

    /// What a producer accepted after this many acceptances in all, and has not archived, goes with its outbox.
    private static func forgive(_ world: World, _ producer: Identifier128, after count: Int) {
        for place in world.book.order[count...] where place.producer == producer { world.book.forgiven.insert(place) }
        world.book.mayAcceptTwice = true
    }

    static func loseOutbox(_ world: World) {
        guard !world.isArchiveMistaken, let producer = world.dice.pick(world.producers) else { return }
        let old = producer.durableOutbox
        world.crash(producer, "its outbox is lost")
        forgive(world, old.producer, after: 0)
        world.book.gone.insert(old.producer)
        producer.durableOutbox = OutboxModel(producer: world.newIdentifier(), station: old.station)
    }

    static func rollBackOutbox(_ world: World) {
        guard let producer = world.dice.pick(world.producers) else { return }
        let (backup, count) = (producer.durableOutbox, world.book.order.count)
        world.at(world.now + Int64(world.dice.pick(100...3_000)), nil) { [unowned(unsafe) world] in
            guard !world.isArchiveMistaken, producer.durableOutbox.producer == backup.producer else { return }
            world.crash(producer, "its outbox is rolled back")
            forgive(world, backup.producer, after: count)
            producer.durableOutbox = backup
        }
    }

    static func cloneOutbox(_ world: World) {
        guard world.producers.count < 5, !world.isArchiveMistaken, let original = world.dice.pick(world.producers)
        else { return }
        let clone = ProducerNode(world.producers.count, original.station, world, clone: original.durableOutbox)
        world.producers.append(clone)
        world.book.mayAcceptTwice = true
        let gateway = GatewayNode(world.gateways.count, to: world.producers.count - 1, world)
        for _ in 0..<8 { gateway.add(world.book.newEvent(at: original.station, isPoison: false)) }
        world.gateways.append(gateway)
        world.trace.note(world.now) { "\(clone.id) runs on a copy of \(original.id)'s outbox" }
        clone.boot()
        gateway.boot()
    }

    static func restoreOlderArchive(_ world: World) {
        guard !world.isArchiveMistaken else { return }
        let backup = world.sink.durableDisk.copy()
        guard backup.exists(SinkNode.directory + "/_meta/archive.json") else { return }
        world.at(world.now + Int64(world.dice.pick(200...4_000)), nil) { [unowned(unsafe) world] in
            guard !world.isArchiveMistaken else { return }
            world.crash(world.sink, "an older copy of the archive is put in its place")
            world.book.mayLoseArchived = true
            noteArchived(world)
            backup.settle()
            world.sink.durableDisk = backup
            world.exchangedAt = world.now
            for tail in world.tails { tail.beginAnew() }
        }
    }

    /// Messages about what an archive had may still be on their way when it is gone.
    private static func noteArchived(_ world: World) {
        world.book.onceArchived.formUnion(places(world, world.sink.durableDisk))
    }

    private static func places(_ world: World, _ disk: SimulatedDisk) -> Set<Book.Place> {
        Set(ArchiveOracle(disk, world.stations, world.book, world.crc).entries.map(\.place))
    }

    /// The archive is gone for good; a new one begins.
    static func loseArchive(_ world: World) {
        guard !world.isArchiveMistaken, world.sink.durableDisk.exists(SinkNode.directory + "/_meta/archive.json") else {
            return
        }
        world.crash(world.sink, "the archive is lost")
        world.book.mayLoseArchived = true
        noteArchived(world)
        world.sink.durableDisk = SimulatedDisk()
        world.exchangedAt = world.now
        for tail in world.tails { tail.beginAnew() }
    }

    /// Somebody looks after the producers that refuse the archive that is there, and gives it to them.
    static func watchForLostArchives(_ world: World) {
        world.at(world.now + 700, nil) { [unowned(unsafe) world] in
            defer { watchForLostArchives(world) }
            guard !world.isArchiveMistaken, let archive = world.sink.archive else { return }
            for producer in world.producers {
                let committed = producer.durableOutbox.committed
                guard committed.archive != .zero, committed.archive != archive else { continue }
                world.crash(producer, "stopped, to be given archive \(archive)")
                producer.durableOutbox.adopt(archive)
                world.exchangedAt = world.now
            }
        }
    }

    /// Another archive is mounted for a while: its id is not the one that the producers know.
    static func mistakeArchive(_ world: World) {
        let right = world.sink.durableDisk
        guard !world.isArchiveMistaken, right.exists(SinkNode.directory + "/_meta/archive.json") else { return }
        // Only who has committed something knows which archive is the right one.
        let knows = world.producers.filter { $0.durableOutbox.committed.archive != .zero }
        guard knows.count == world.producers.count else { return }
        world.crash(world.sink, "another archive is mounted")
        world.isArchiveMistaken = true
        right.settle()
        let known = world.book.onceArchived.union(places(world, right))
        world.sink.durableDisk = SimulatedDisk()
        for tail in world.tails { tail.beginAnew() }
        world.book.hasMistakenArchive = true
        world.at(world.now + Int64(world.dice.pick(300...3_000)), nil) { [unowned(unsafe) world] in
            world.crash(world.sink, "the right archive is mounted again")
            world.isArchiveMistaken = false
            world.book.strays.append((world.sink.durableDisk, known))
            right.revive()
            (right.isFull, right.failsNextSync) = (false, false)
            world.sink.durableDisk = right
            world.exchangedAt = world.now
            for tail in world.tails { tail.beginAnew() }
        }
    }

    /// Retention takes the lines of closed segments, and keeps their manifests.
    static func purge(_ world: World) {
        let disk = world.sink.durableDisk
        let manifests = disk.names.keys.filter { $0.contains("/station=") && $0.hasSuffix(".json") }.sorted()
        for station in world.stations {
            let closed = manifests.filter { $0.contains("/station=\(station)/") }
            for directory in Set(closed.map { SimulatedDisk.parent(of: $0) }) {
                guard (try? disk.syncDirectory(directory)) != nil else { return }
            }
            for path in closed.dropLast().prefix(2) {
                for suffix in [".jsonl", ".idx", ".sha256"] { disk.remove(path.dropLast(5) + suffix) }
                world.book.purged.insert(path)
            }
        }
        world.trace.note(world.now) { "purged: \(world.book.purged.count) segments so far" }
    }
}
