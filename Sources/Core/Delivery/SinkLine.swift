import Bytes
import Wire

/// One line of a producer's sequences as the archive holds it: the epochs that follow each other in it.
///
/// A producer has one line. It gets another, a fork, when its outbox was rolled back or cloned: then the same
/// sequence stands for two events, and both are kept.
public struct SinkLine: Hashable, Sendable {
    /// The epochs in the order in which they took the line over, each with its first sequence in it.
    public var epochs: [EpochStart]
    /// The last sequence on the archive's disk.
    public var committed: UInt64
    /// The last sequence handed to the archive.
    public var appended: UInt64
    /// Whether the line is a fork.
    public var isFork: Bool

    /// Takes up a line as the archive recorded it.
    public init(epochs: [EpochStart], committed: UInt64, isFork: Bool) {
        self.epochs = epochs
        self.committed = committed
        appended = committed
        self.isFork = isFork
    }

    /// The epoch that the line is in.
    public var tip: UInt64? { epochs.last?.epoch }

    /// The first sequence after `epoch` that belongs to a later epoch of the line.
    func end(of epoch: UInt64) -> UInt64 {
        guard let index = epochs.firstIndex(where: { $0.epoch == epoch }), index + 1 < epochs.count else {
            return .max
        }
        return epochs[index + 1].firstSequence
    }

    func contains(_ epoch: UInt64) -> Bool { epochs.contains { $0.epoch == epoch } }
}
