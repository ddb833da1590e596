import Wire

/// Everything that a schedule may do, as probabilities and sizes; made from a seed, or by hand for a test.
public struct SimulationOptions: Sendable {
    /// Decides everything.
    public var seed: UInt64
    /// Stations, each with its own position space.
    public var stations = 2
    /// Producers a station.
    public var producersPerStation = 1
    /// Workers a station at the beginning.
    public var workersPerStation = 2
    /// Gateways in all; each publishes to one producer.
    public var gateways = 3
    /// Analysts.
    public var tails = 2
    /// Events in all.
    public var events = 240
    /// How many of them no worker survives.
    public var poisonEvents = 0
    /// Faults in all.
    public var faults = 24
    /// For how long events come and faults happen, in virtual milliseconds.
    public var busyMilliseconds: Int64 = 12_000
    /// By when, after the last fault, everything accepted must be archived and every tail must have caught up.
    public var settleMilliseconds: Int64 = 180_000

    /// Of a thousand messages so many are lost,
    public var dropPerMille = 10
    /// come twice,
    public var duplicatePerMille = 5
    /// or come late, behind others.
    public var delayPerMille = 20
    /// The longest ordinary way of a message.
    public var latencyMilliseconds = 5

    /// Of a thousand crashes so many take the power with them.
    public var powerCutPerMille = 400
    /// What disks may do to what they had synced.
    public enum Hostility: Sendable, CaseIterable {
        /// They keep it.
        case none
        /// Outboxes are lost, rolled back, cloned.
        case outboxes
        /// Archives are put back from older copies, or mistaken for another.
        case archives
        /// Bits of the archive flip, and retention takes segments.
        case bits
    }
    /// What disks may do to what they had synced.
    public var hostility = Hostility.none
    /// Whether an archive is lost for good, and the outboxes are given a new one.
    public var losesArchive = false

    /// A segment of the archive closes at this size.
    public var segmentBytes = 6_000
    /// What the sink holds.
    public var holdBytes = 24_000
    /// The most events of a batch.
    public var batchEvents = 6

    /// A schedule's options, drawn from its seed.
    public init(seed: UInt64) {
        self.seed = seed
        var dice = Dice(seed: seed ^ 0x0517)
        stations = dice.pick(1...2)
        producersPerStation = dice.chance(perMille: 250) ? 2 : 1
        workersPerStation = dice.pick(1...3)
        gateways = dice.pick(2...4)
        tails = dice.pick(1...2)
        events = dice.pick(200...280)
        poisonEvents = dice.chance(perMille: 350) ? dice.pick(1...3) : 0
        faults = dice.pick(20...32)
        dropPerMille = [0, 5, 20, 60][dice.roll(4)]
        duplicatePerMille = [0, 5, 20][dice.roll(3)]
        delayPerMille = [0, 20, 80][dice.roll(3)]
        latencyMilliseconds = dice.pick(1...30)
        powerCutPerMille = [0, 300, 700][dice.roll(3)]
        if dice.chance(perMille: 400) { hostility = [.outboxes, .archives, .bits][dice.roll(3)] }
        segmentBytes = dice.pick(2_000...20_000)
        holdBytes = dice.pick(12_000...60_000)
        batchEvents = dice.pick(1...10)
        // With dice of its own, and a number by which the schedules that seeds.txt lists stay what they were.
        var loss = Dice(seed: seed ^ 0x1052)
        losesArchive = hostility == .archives && loss.chance(perMille: 400)
    }
}
