import Audit
import Bytes
import Testing
import Wire

/// A producer and an archive in which every event has a name of its own, so that what became of it is simply known.
private struct World {
    enum Fate { case waiting, archived, dead, missing, damaged, lost }
    struct Event {
        var epoch: UInt64
        var fate: Fate
    }
    struct Box {
        var epochs: [EpochStart]
        /// The index of each sequence's event, from sequence 1 on.
        var events: [Int]
        var trimmed: UInt64 = 0
    }

    var random: any RandomNumberGenerator
    var events: [Event] = []
    var box = Box(epochs: [EpochStart(epoch: 1, firstSequence: 1)], events: [])
    var backup: Box?
    var nextEpoch: UInt64 = 2
    var records: [AuditRecord] = []
    /// The line that the outbox is on, and its last archived sequence.
    var line: (number: UInt8, watermark: UInt64) = (0, 0)
    var forked = 0

    func pick(_ bound: UInt64) -> UInt64 {
        var copy = random
        return UInt64.random(in: 0..<max(bound, 1), using: &copy)
    }
}

private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

private struct Driver {
    var random: Generator
    var world: World

    init(seed: UInt64) {
        random = Generator(state: seed)
        world = World(random: Generator(state: seed))
    }

    mutating func pick(_ bound: Int) -> Int { Int.random(in: 0..<max(bound, 1), using: &random) }

    mutating func step() {
        switch pick(100) {
        case 0..<40: accept()
        case 40..<75: archive()
        case 75..<82: restart()
        case 82..<86:
            world.backup = world.box
        case 86..<88: rollBack()
        case 88..<92: damage()
        case 92..<95: gap()
        default: trim()
        }
    }

    private mutating func accept() {
        for _ in 0...pick(5) {
            world.box.events.append(world.events.count)
            world.events.append(.init(epoch: world.box.epochs.last!.epoch, fate: .waiting))
        }
    }

    private mutating func restart() {
        let next = UInt64(world.box.events.count + 1)
        world.box.epochs.removeAll { $0.firstSequence >= next }
        world.box.epochs.append(EpochStart(epoch: world.nextEpoch, firstSequence: next))
        world.nextEpoch += 1
    }

    private func event(_ sequence: UInt64) -> Int { world.box.events[Int(sequence) - 1] }

    /// The longest run of one epoch behind the watermark, at most so many.
    private func run(_ most: Int) -> (last: UInt64, epoch: UInt64)? {
        let first = world.line.watermark + 1
        guard first <= UInt64(world.box.events.count) else { return nil }
        let epoch = world.events[event(first)].epoch
        var last = first
        while last < first + UInt64(most), last < UInt64(world.box.events.count),
            world.events[event(last + 1)].epoch == epoch
        { last += 1 }
        return (last, epoch)
    }

    private mutating func archive() {
        let isDead = pick(6) == 0
        guard let (last, epoch) = run(isDead ? 0 : pick(6)) else { return }
        let first = world.line.watermark + 1
        append(first, last, epoch: epoch, dead: isDead)
    }

    private mutating func append(_ first: UInt64, _ last: UInt64, epoch: UInt64, dead: Bool = false) {
        world.records.append(record(first, last, epoch: epoch, line: world.line.number, dead: dead))
        for sequence in first...last { world.events[event(sequence)].fate = dead ? .dead : .archived }
        if world.line.number > 0 { world.forked += Int(last - first + 1) }
        world.line.watermark = last
    }

    private mutating func trim() {
        guard world.line.watermark > world.box.trimmed else { return }
        world.box.trimmed += UInt64(pick(Int(world.line.watermark - world.box.trimmed) + 1))
    }

    /// A record of the archive turns out to be damaged: what the outbox no longer has is lost, and named.
    private mutating func damage() {
        guard let index = world.records.indices.last, world.records[index].kind == .batch,
            world.records[index].line == world.line.number, world.records[index].lastSequence <= world.box.trimmed
        else { return }
        // The line goes on behind it: the sink had committed more, and the start found the damage later.
        let record = world.records[index]
        guard let (last, epoch) = run(3) else { return }
        world.records[index].kind = .damaged
        for sequence in record.firstSequence...record.lastSequence { world.events[event(sequence)].fate = .damaged }
        if record.line > 0 { world.forked -= Int(record.lastSequence - record.firstSequence + 1) }
        append(world.line.watermark + 1, last, epoch: epoch)
    }

    /// The archive lost what the outbox no longer had, and recorded it.
    private mutating func gap() {
        guard let (last, epoch) = run(3) else { return }
        let first = world.line.watermark + 1
        world.records.append(record(.gap, first, last, epoch: epoch, line: world.line.number))
        for sequence in first...last { world.events[event(sequence)].fate = .missing }
        world.line.watermark = last
        world.box.trimmed = max(world.box.trimmed, last)
    }

    /// An older copy of the outbox is put in its place; it goes on under a new epoch, on a fork.
    private mutating func rollBack() {
        guard let backup = world.backup, backup.events.count >= 1 else { return }
        let branch = UInt64(backup.events.count)
        // The fork begins once what it shares is archived; what the lost copy alone had never was.
        guard world.line.watermark > branch, world.box.events.prefix(Int(branch)).elementsEqual(backup.events) else {
            return
        }
        let shared = Set(backup.events)
        for index in world.box.events where !shared.contains(index) && world.events[index].fate == .waiting {
            world.events[index].fate = .lost
        }
        world.box = backup
        restart()
        accept()
        world.line = (world.line.number + 1, branch)
        world.box.trimmed = max(world.box.trimmed, branch)
        world.backup = nil
    }

    var outbox: AuditOutbox {
        let next = UInt64(world.box.events.count + 1)
        return Audit.AuditOutbox(
            producer: alpha,
            name: "main",
            epochs: world.box.epochs,
            nextSequence: next,
            committed: world.box.trimmed,
            isOfOtherArchive: false,
            waiting: world.box.trimmed + 1 < next ? SequenceSet(world.box.trimmed + 1...next - 1) : SequenceSet()
        )
    }

    func count(_ fate: World.Fate) -> UInt64 { UInt64(world.events.count { $0.fate == fate }) }
}

struct ModelTests {
    @Test func `the balance is what a world in which every event is followed says it is`() {
        for seed in UInt64(0)..<500 {
            var driver = Driver(seed: seed)
            for _ in 0..<driver.pick(120) {
                driver.step()
                let audits = ledger(driver.world.records).audits(outboxes: [driver.outbox])
                let balance = audits[0].balance
                #expect(balance.isSound, "seed \(seed): \(balance)")
                #expect(addsUp(balance), "seed \(seed)")
                #expect(balance.archived == driver.count(.archived), "seed \(seed)")
                #expect(balance.deadLettered == driver.count(.dead), "seed \(seed)")
                #expect(balance.inFlight == driver.count(.waiting), "seed \(seed)")
                #expect(balance.missing == driver.count(.missing), "seed \(seed)")
                #expect(balance.damaged == driver.count(.damaged), "seed \(seed)")
                #expect(balance.forked == UInt64(driver.world.forked), "seed \(seed)")
                #expect(balance.accepted == UInt64(driver.world.events.count) - driver.count(.lost), "seed \(seed)")
                guard balance.isSound, addsUp(balance) else { return }
            }
        }
    }

    @Test func `an entry that vanishes from the index is unexplained, to the event`() {
        var vanished = 0
        for seed in UInt64(0)..<1000 {
            var driver = Driver(seed: seed)
            for _ in 0..<driver.pick(120) { driver.step() }
            // The last entry of its line would be sent again; one in front of others is gone for good.
            let records = driver.world.records
            let candidates = records.indices.filter { index in
                let victim = records[index]
                return victim.kind == .batch && victim.lastSequence <= driver.world.box.trimmed
                    && records[(index + 1)...].contains { $0.line == victim.line && $0.epoch == victim.epoch }
                    && records[..<index].contains { $0.line == victim.line && $0.epoch == victim.epoch }
            }
            guard let index = candidates.last else { continue }
            var rest = records
            let victim = rest.remove(at: index)
            let balance = ledger(rest).audits(outboxes: [driver.outbox])[0].balance
            #expect(balance.unexplained == victim.lastSequence - victim.firstSequence + 1, "seed \(seed)")
            #expect(addsUp(balance), "seed \(seed)")
            vanished += 1
        }
        #expect(vanished > 150)
    }
}
