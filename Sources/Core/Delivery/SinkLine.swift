import Bytes
import Mutation
import Wire

/// Which line of a producer something belongs to: what the archive records of it.
public struct LinePlace: Hashable, Sendable {
    /// The line's number; 0 is the main one.
    public var number: UInt8
    /// For a fork the number of the line that it branches off.
    public var parent: UInt8

    /// Joins the two.
    public init(number: UInt8 = 0, parent: UInt8 = 0) { (self.number, self.parent) = (number, parent) }
}

/// One line of a producer's sequences as the archive holds it: the epochs that follow each other in it.
///
/// A producer has one line. It gets another, a fork, when its outbox was rolled back or cloned: then the same
/// sequence stands for two events, and both are kept.
public struct SinkLine: Hashable, Sendable {
    /// The epochs in the order in which they took the line over, each with its first sequence in it; 0 stands for
    /// sequences of which the archive lost the record.
    public var epochs: [EpochStart]
    /// The last sequence on the archive's disk.
    public var committed: UInt64
    /// The last sequence handed to the archive.
    public var appended: UInt64
    /// The line's number among the producer's: 0 is the main one, the others are forks.
    public var number: UInt8
    /// For a fork the number of the line that it branches off,
    public var parent: UInt8
    /// and the epochs that it shares with that one.
    public var inherited: [EpochStart]
    /// Whether the line is a fork.
    public var isFork: Bool { number > 0 }

    /// Takes up a line as the archive recorded it.
    public init(epochs: [EpochStart], committed: UInt64, number: UInt8, parent: UInt8 = 0, inherited: [EpochStart] = [])
    {
        self.epochs = epochs
        self.committed = committed
        appended = committed
        self.number = number
        self.parent = parent
        self.inherited = inherited
    }

    /// The epoch that the line is in.
    public var tip: UInt64? { epochs.last?.epoch }

    /// The first sequence after `epoch` that belongs to a later epoch of the line.
    func end(of epoch: UInt64) -> UInt64 {
        guard let index = epochs.lastIndex(where: { $0.epoch == epoch }), index + 1 < epochs.count else {
            return .max
        }
        return epochs[index + 1].firstSequence
    }

    /// The epoch that has a sequence on this line, as far as the line goes back.
    func epoch(at sequence: UInt64) -> UInt64? {
        (epochs.last { $0.firstSequence <= sequence } ?? inherited.last { $0.firstSequence <= sequence })?.epoch
    }

    /// The last sequence up to which this line holds what the producer of the hello has, and whether what the line is to
    /// hold next is the producer's too.
    func agreement(with hello: Hello) -> (shared: UInt64, isMeant: Bool) {
        let oldest = hello.epochs.first?.firstSequence ?? 1
        var shared = min(appended, hello.next - 1)
        for start in hello.epochs + inherited + epochs
        where start.firstSequence >= oldest && start.firstSequence <= shared {
            let theirs = hello.epoch(at: start.firstSequence)
            guard let here = epoch(at: start.firstSequence), here != 0, here != theirs,
                !isMutated(.dedupeAcrossEpochs)
            else { continue }
            shared = start.firstSequence - 1
        }
        let next = appended + 1
        let planned = epochs.last.flatMap { $0.firstSequence == next ? $0.epoch : nil }
        return (shared, planned == nil || planned == hello.epoch(at: next))
    }

    func contains(_ epoch: UInt64) -> Bool { epochs.contains { $0.epoch == epoch } }
}

extension Hello {
    /// The epoch in which the producer accepted, or will accept, a sequence.
    func epoch(at sequence: UInt64) -> UInt64? { epochs.last { $0.firstSequence <= sequence }?.epoch }
}
