import Archive
import Bytes
import Delivery
import Wire

/// Runs schedules: the shipped machines under faults, on one thread, with a virtual clock.
public struct Simulation {
    /// What came of a schedule.
    public struct Outcome: Sendable {
        /// The seed.
        public var seed: UInt64
        /// What is wrong; empty when all promises held.
        public var violations: [String]
        /// What happened, when it was asked for.
        public var trace: [String]
        /// Events accepted.
        public var events: Int
        /// Faults injected.
        public var faults: Int
        /// Virtual milliseconds.
        public var milliseconds: Int64
    }

    private let options: SimulationOptions
    private let crc: CRC32C

    /// Prepares a schedule.
    public init(_ options: SimulationOptions, crc: CRC32C) {
        self.options = options
        self.crc = crc
    }

    /// Runs it and checks everything.
    public func run(isTracing: Bool = false) -> Outcome {
        let world = World(options, crc: crc, isTracing: isTracing)
        var faults = Faults(world)
        faults.schedule()
        world.at(options.busyMilliseconds, nil) { [unowned(unsafe) world] in world.endFaults() }
        let deadline = options.busyMilliseconds + options.settleMilliseconds
        var nextLook = options.busyMilliseconds
        while world.book.violations.isEmpty, world.step() {
            guard world.now >= nextLook else { continue }
            nextLook = world.now + 100
            if world.areFaultsOver, world.isSettled { break }
            if world.now > deadline {
                world.book.violate(
                    "not settled \(options.settleMilliseconds / 1000) s after the faults: \(world.whatWaits)"
                )
            }
        }
        if world.book.violations.isEmpty { check(world) }
        world.takeDown()
        return Outcome(
            seed: options.seed,
            violations: world.book.violations,
            trace: world.trace.lines,
            events: world.book.accepted.count,
            faults: faults.injected,
            milliseconds: world.now
        )
    }

    private func check(_ world: World) {
        let disk = world.sink.durableDisk
        let checks = FinalChecks(world, disk, "at the end")
        checks.run()
        checks.checkTails()
        if !world.book.mayLoseArchived, world.book.purged.isEmpty { world.verify(disk, "at the end") }
        // Old messages may bring it what the right archive has; nothing else.
        for stray in world.book.strays {
            let taken = ArchiveOracle(stray.disk, world.stations, world.book, crc).entries
            if taken.contains(where: { !stray.known.contains($0.place) }) {
                world.book.violate("a mistaken archive took events")
            }
        }
        // What is acknowledged survives the loss of everything that is not synced.
        // Where bits flipped nobody could say what a lost commit mark stood for: the producers would.
        if world.options.hostility != .bits, let recovered = world.recovered(disk.copy()) {
            FinalChecks(world, recovered, "after a power cut").run()
        }
    }
}

extension World {
    /// No more faults: what was broken is mended, who is down comes back.
    func endFaults() {
        areFaultsOver = true
        trace.note(now) { "the faults are over" }
        sink.durableDisk.isFull = false
        sink.durableDisk.failsNextSync = false
        sink.durableDisk.operationsUntilCrash = nil
        for producer in producers { producer.isFull = false }
        for worker in workers { worker.slowness = 1 }
        for node in allNodes { node.boot() }
    }

    /// Whether everything is published, archived and shown.
    var isSettled: Bool {
        // After a start of the sink it takes a hello of each producer to find out what the archive lacks.
        guard !isArchiveMistaken, now > exchangedAt + 5_000, now > sink.startedAt + 1_000,
            producers.allSatisfy({ now > $0.pausedUntil + 1_000 }), gateways.allSatisfy(\.isDone),
            producers.allSatisfy(\.isDrained), sink.isUp
        else {
            return false
        }
        return stations.allSatisfy { station in
            guard let head = sink.head(of: station) else { return false }
            return tails.allSatisfy { $0.isCaughtUp(station, head: head) }
        }
    }

    /// For the words of a failure.
    var whatWaits: String {
        var words: [String] = []
        for gateway in gateways where !gateway.isDone { words.append("\(gateway.id)") }
        for producer in producers where !producer.isDrained {
            let machine = producer.dispatch
            words.append(
                "\(producer.id) (committed \(machine.committed) of \(machine.stored), \(machine.workerCount) workers, "
                    + "window \(machine.windowBytes) \(machine.refusal))"
            )
        }
        if let held = sink.ordering?.waitingWords, !held.isEmpty { words.append("the sink holds \(held)") }
        for tail in tails {
            for station in stations where !tail.isCaughtUp(station, head: sink.head(of: station) ?? .max) {
                words.append("\(tail.id) at \(station)")
            }
        }
        return words.isEmpty ? "the sink" : words.joined(separator: ", ")
    }

    /// Now and then, when an outbox forgets events: would the archive still have them if the power went now?
    func audit(trimming through: UInt64, at producer: ProducerNode) {
        guard !book.mayLoseArchived, !book.hasMistakenArchive, book.purged.isEmpty, dice.chance(perMille: 40),
            let disk = recovered(sink.durableDisk.copy())
        else { return }
        let known = ArchiveOracle(disk, stations, book, crc)
        let archived = Set(known.entries.map(\.place))
        for batch in producer.durableOutbox.batches where batch.header.lastSequence <= through {
            for sequence in batch.header.firstSequence...batch.header.lastSequence {
                let place = Book.Place(producer: batch.header.producer, epoch: batch.header.epoch, sequence: sequence)
                if !archived.contains(place) {
                    book.violate(
                        "\(producer.id) forgets sequence \(sequence), which a power cut would take from the archive"
                    )
                }
            }
        }
    }

    /// A copy of the archive's disk after a power cut and a start; nil when the start fails, which is a violation.
    func recovered(_ disk: SimulatedDisk) -> SimulatedDisk? {
        disk.revive()
        var own = Dice(seed: dice.bits())
        disk.cutPower(&own)
        do throws(ArchiveError) {
            let writer = try ArchiveWriter(
                directory: SinkNode.directory,
                disk: disk,
                now: Timestamp(microseconds: World.epoch_us + now * 1000),
                newIdentifier: newIdentifier,
                crc: crc
            )
            for close in writer.takeCloseWork() { try close.run() }
            try writer.close()
        } catch {
            book.violate("after a power cut the archive cannot be opened: \(error)")
            return nil
        }
        if !book.mayLoseArchived, book.purged.isEmpty { verify(disk, "after a power cut") }
        return disk
    }

    /// The shipped verifier must agree.
    func verify(_ disk: SimulatedDisk, _ occasion: String) {
        do throws(ArchiveError) {
            let report = try ArchiveVerifier.verify(directory: SinkNode.directory, disk: disk, crc: crc)
            for finding in report.damage { book.violate("\(occasion): verify: \(finding.path): \(finding.what)") }
        } catch { book.violate("\(occasion): verify: \(error)") }
    }

    /// Breaks the ties between nodes, so that their memory goes.
    func takeDown() { for node in allNodes { node.die() } }
}
