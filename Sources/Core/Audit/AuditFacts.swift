import Bytes
import Wire

/// What one entry of the archive's index says, as far as the audit needs it.
public struct AuditRecord: Hashable, Sendable {
    /// What an entry stands for.
    public enum Kind: Hashable, Sendable {
        /// Events of one of a producer's lines.
        case batch
        /// Sequences that the archive lost and said so.
        case gap
        /// Events that were damaged and set aside.
        case damaged
    }

    /// What it stands for.
    public var kind: Kind
    /// Whether its events were archived without tags: dead letters.
    public var isDeadLetter: Bool
    /// The number of the producer's line: 0 is the main one, the others are forks.
    public var line: UInt8
    /// Whose events.
    public var producer: Identifier128
    /// The epoch that accepted them.
    public var epoch: UInt64
    /// The first sequence.
    public var firstSequence: UInt64
    /// The last sequence; for an empty gap one less than the first.
    public var lastSequence: UInt64

    /// Joins the fields.
    public init(
        kind: Kind,
        isDeadLetter: Bool = false,
        line: UInt8 = 0,
        producer: Identifier128,
        epoch: UInt64,
        firstSequence: UInt64,
        lastSequence: UInt64
    ) {
        self.kind = kind
        self.isDeadLetter = isDeadLetter
        self.line = line
        self.producer = producer
        self.epoch = epoch
        self.firstSequence = firstSequence
        self.lastSequence = lastSequence
    }
}

/// What an outbox says, read before the archive.
public struct AuditOutbox: Hashable, Sendable {
    /// The producer.
    public var producer: Identifier128
    /// Its name among those of the station.
    public var name: String
    /// Its epochs, oldest first, as far as it remembers them.
    public var epochs: [EpochStart]
    /// The sequence that the next event gets.
    public var nextSequence: UInt64
    /// The last sequence that an archive has committed.
    public var committed: UInt64
    /// Whether that was another archive than the one that is audited.
    public var isOfOtherArchive: Bool
    /// The sequences that lie in it.
    public var waiting: SequenceSet

    /// Joins the fields.
    public init(
        producer: Identifier128,
        name: String,
        epochs: [EpochStart],
        nextSequence: UInt64,
        committed: UInt64,
        isOfOtherArchive: Bool,
        waiting: SequenceSet
    ) {
        self.producer = producer
        self.name = name
        self.epochs = epochs
        self.nextSequence = nextSequence
        self.committed = committed
        self.isOfOtherArchive = isOfOtherArchive
        self.waiting = waiting
    }
}

/// Where a producer's accepted events are. `accepted` is the sum of all that follow it but `forked` and `doubled`.
public struct AuditBalance: Hashable, Sendable {
    /// Events that the producer said yes to.
    public var accepted: UInt64 = 0
    /// Of these in the archive, with their tags.
    public var archived: UInt64 = 0
    /// In the archive without tags, withheld from everyone.
    public var deadLettered: UInt64 = 0
    /// In the outbox, and not yet in the archive.
    public var inFlight: UInt64 = 0
    /// Lost by the archive's disk; it recorded which.
    public var missing: UInt64 = 0
    /// Damaged on the archive's disk and set aside.
    public var damaged: UInt64 = 0
    /// In segments that were removed from the archive.
    public var removed: UInt64 = 0
    /// In another archive.
    public var elsewhere: UInt64 = 0
    /// Nowhere: a broken promise.
    public var unexplained: UInt64 = 0
    /// Archived more than once: a broken promise.
    public var doubled: UInt64 = 0
    /// Archived on a fork's line; a part of `archived` and `deadLettered`.
    public var forked: UInt64 = 0

    /// Nothing anywhere.
    public init() {}

    /// Whether every event is where it belongs.
    public var isSound: Bool { unexplained == 0 && doubled == 0 }

    /// Adds another producer's.
    public static func += (left: inout AuditBalance, right: AuditBalance) {
        left.accepted += right.accepted
        left.archived += right.archived
        left.deadLettered += right.deadLettered
        left.inFlight += right.inFlight
        left.missing += right.missing
        left.damaged += right.damaged
        left.removed += right.removed
        left.elsewhere += right.elsewhere
        left.unexplained += right.unexplained
        left.doubled += right.doubled
        left.forked += right.forked
    }

    /// Each number with its name, as JSON and the metrics call it.
    public var named: [(name: String, value: UInt64)] {
        [
            ("accepted", accepted), ("archived", archived), ("dead_lettered", deadLettered), ("in_flight", inFlight),
            ("missing", missing), ("damaged", damaged), ("removed", removed), ("elsewhere", elsewhere),
            ("unexplained", unexplained), ("doubled", doubled), ("forked", forked),
        ]
    }
}

/// A producer's balance.
public struct ProducerAudit: Hashable, Sendable {
    /// The producer.
    public var producer: Identifier128
    /// Its name; nil when its outbox is not here, so that nobody can say what it may have held.
    public var name: String?
    /// Where its events are.
    public var balance: AuditBalance
    /// The first sequences that are nowhere, for messages.
    public var unexplained: [ClosedRange<UInt64>]
}
