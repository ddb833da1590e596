import Bytes
import Wire

/// One line of a producer's sequences as the archive holds it. A producer has one main line, and forks.
public struct ArchiveLine: Hashable, Sendable {
    /// The epochs in the order in which they took the line over, each with its first sequence in it.
    public var epochs: [EpochStart]
    /// Stands for sequences whose record is damaged: nobody knows whose they were.
    static let unknownEpoch: UInt64 = 0
    /// The last sequence on the disk.
    public var committed: UInt64
    /// The line's number among the producer's: 0 is the main one, the others are forks.
    public var number: UInt8
    /// For a fork the number of the line that it branches off,
    public var parent: UInt8 = 0
    /// and the epochs that it shares with that one.
    public var inherited: [EpochStart] = []
    /// Whether the line is a fork.
    public var isFork: Bool { number > 0 }
}

/// What the archive holds of one producer at one station.
public struct ArchiveProducer: Hashable, Sendable {
    /// The producer.
    public var id: Identifier128
    /// Its station.
    public var station: StationName
    /// Its lines, oldest first.
    public var lines: [ArchiveLine]
}

/// The lines of every producer of a station, built from index records in their order.
struct LineMap: Hashable, Sendable {
    private(set) var lines: [Identifier128: [ArchiveLine]] = [:]

    init(_ lines: [Identifier128: [ArchiveLine]] = [:]) { self.lines = lines }

    /// Takes a record into account. Says whether it follows on what came before it without a gap.
    @discardableResult
    mutating func apply(_ record: IndexRecord) -> Bool {
        guard record.kind != .damaged, record.producer != .zero else { return true }
        let index = place(record)
        let line = lines[record.producer]?[index].committed ?? 0
        let follows = record.firstSequence == line &+ 1
        lines[record.producer]?[index].committed = max(line, record.lastSequence)
        if !follows {
            let unknown = EpochStart(epoch: ArchiveLine.unknownEpoch, firstSequence: line + 1)
            lines[record.producer]?[index].epochs.append(unknown)
        }
        let start = EpochStart(epoch: record.epoch, firstSequence: record.firstSequence)
        if let epochs = lines[record.producer]?[index].epochs,
            !follows || !epochs.contains(where: { $0.epoch == start.epoch })
        {
            lines[record.producer]?[index].epochs.append(start)
        }
        return follows
    }

    /// The number of the line on which a sequence may stand, as far as that can be told from what stands before it: the
    /// one that it follows on, the epoch's own before others; else the main line, or a new fork where that went past it.
    func place(
        epoch: UInt64,
        sequence: UInt64,
        of producer: Identifier128
    ) -> (line: UInt8, parent: UInt8) {
        let known = lines[producer] ?? []
        let following = known.filter { $0.committed + 1 == sequence }
        if let own = following.last(where: { $0.epochs.contains { $0.epoch == epoch } }) {
            return (own.number, own.parent)
        }
        if let any = following.first { return (any.number, any.parent) }
        guard let main = known.first(where: { !$0.isFork }), main.committed >= sequence else { return (0, 0) }
        return ((known.map(\.number).max() ?? 0) + 1, 0)
    }

    /// The index of the record's line, which is made when it is new.
    private mutating func place(_ record: IndexRecord) -> Int {
        let known = lines[record.producer] ?? []
        if let index = known.firstIndex(where: { $0.number == record.line }) { return index }
        // A producer's first record may begin anywhere: an outbox may have served another archive before.
        let before = record.firstSequence > 0 ? record.firstSequence - 1 : 0
        var line = ArchiveLine(epochs: [], committed: before, number: record.line)
        if line.isFork, let parent = known.first(where: { $0.number == record.parent }) {
            line.parent = record.parent
            line.inherited = (parent.inherited + parent.epochs).filter { $0.firstSequence < record.firstSequence }
        }
        lines[record.producer] = known + [line]
        return known.count
    }
}
