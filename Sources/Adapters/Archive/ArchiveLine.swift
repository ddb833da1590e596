import Bytes
import Wire

/// One line of a producer's sequences as the archive holds it. A producer has one main line, and forks.
public struct ArchiveLine: Hashable, Sendable {
    /// The epochs in the order in which they took the line over, each with its first sequence in it.
    public var epochs: [EpochStart]
    /// The last sequence on the disk.
    public var committed: UInt64
    /// Whether the line is a fork.
    public var isFork: Bool
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
        let follows = record.kind == .gap || record.firstSequence == line &+ 1
        lines[record.producer]?[index].committed = max(line, record.lastSequence)
        let start = EpochStart(
            epoch: record.epoch,
            firstSequence: record.kind == .gap ? record.lastSequence + 1 : record.firstSequence
        )
        if let epochs = lines[record.producer]?[index].epochs, !epochs.contains(where: { $0.epoch == start.epoch }) {
            lines[record.producer]?[index].epochs.append(start)
        }
        return follows
    }

    /// The index of the record's line, which is made when it is new.
    private mutating func place(_ record: IndexRecord) -> Int {
        let known = lines[record.producer] ?? []
        let isFork = record.kind == .fork
        if let index = known.lastIndex(where: { line in
            (line.isFork == isFork || record.kind == .gap) && line.epochs.contains { $0.epoch == record.epoch }
        }) {
            return index
        }
        // A later epoch of the main line, or one that goes on where a fork stands.
        if let index = known.lastIndex(where: { line in
            line.isFork == isFork && (!isFork || line.committed + 1 == record.firstSequence)
        }) {
            return index
        }
        // A producer's first record may begin anywhere: an outbox may have served another archive before.
        let before = record.firstSequence > 0 ? record.firstSequence - 1 : 0
        let line = ArchiveLine(epochs: [], committed: before, isFork: isFork)
        lines[record.producer] = known + [line]
        return known.count
    }
}
