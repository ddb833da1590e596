import Bytes
import Wire

/// What one entry of a station's index says.
public struct ArchiveIndexFact: Hashable, Sendable {
    /// What an entry stands for.
    public enum Kind: Hashable, Sendable {
        /// Events of a producer's main line.
        case batch
        /// Events of a fork.
        case fork
        /// Sequences that the archive lost; no offsets.
        case gap
        /// Events that were damaged and set aside.
        case damaged
        /// Offsets whose entry in the index cannot be read: nobody knows whose they are.
        case unreadable
    }

    /// What it stands for.
    public var kind: Kind
    /// Whether its events were archived without tags.
    public var isUnenriched: Bool
    /// The number of the producer's line: 0 is the main one.
    public var line: UInt8
    /// The offset of the first event; for a gap the offset that comes next.
    public var offset: UInt64
    /// How many events.
    public var count: UInt64
    /// Whose events; zero when nobody knows.
    public var producer: Identifier128
    /// The epoch that accepted them; for a gap the one that they belonged to.
    public var epoch: UInt64
    /// The first sequence.
    public var firstSequence: UInt64
    /// The last sequence; for an empty gap one less than the first.
    public var lastSequence: UInt64
    /// When the producer took them.
    public var receivedAt: Timestamp
    /// The segment's file.
    public var path: String
}

/// Reads the index files of an archive, also beside the process that writes it: never beyond what is committed.
///
/// Belongs to one thread; keeps no file open between calls.
public final class ArchiveIndexScan {
    /// How far a station's index is read; a fresh one begins at the front.
    public struct Cursor: Hashable, Sendable {
        fileprivate var segment: UInt64?
        fileprivate var record = 0
        /// Where the lines end that were counted in this segment.
        fileprivate var end: UInt64 = 0
        /// The offset behind what is read.
        public fileprivate(set) var next: UInt64 = 0
        /// The first offset that the archive still has; those before it are in segments that are gone.
        public fileprivate(set) var oldest: UInt64 = 0

        /// Nothing is read.
        public init() {}
    }

    /// The archive's random name.
    public let identifier: Identifier128
    private let root: String
    private let disk: any Disk
    private let crc: CRC32C
    private var buffer = ByteWriter(capacity: chunkRecords * IndexRecord.encodedBytes)

    private static let chunkRecords = 8192

    /// Opens an archive; throws `.invalid` when there is none.
    public init(directory: String, disk: any Disk = SystemDisk(), crc: CRC32C) throws(ArchiveError) {
        guard let meta = try ArchiveMeta.read(disk, directory), let id = Identifier128(meta.id) else {
            throw ArchiveError(code: .invalid, operation: "find an archive in", path: directory)
        }
        root = directory
        self.disk = disk
        self.crc = crc
        identifier = id
    }

    /// Whether there is an archive in a directory.
    public static func isThere(_ directory: String, disk: any Disk = SystemDisk()) -> Bool {
        disk.exists(Layout.meta(directory))
    }

    /// The stations that have a directory.
    public func stations() throws(ArchiveError) -> [StationName] { try Layout.stations(disk, root) }

    /// Gives every fact behind the cursor that is committed, in the archive's order, and moves the cursor.
    ///
    /// - Returns: False when the archive is no longer what the cursor was moved over: read it again from the front.
    public func read(
        _ station: StationName,
        from cursor: inout Cursor,
        _ body: (ArchiveIndexFact) -> Void
    ) throws(ArchiveError) -> Bool {
        // First what is committed, then the names: what is committed later is for the next time.
        let mark = try CommitMark.read(disk, Layout.mark(root, station), crc: crc)
        let places = try Layout.segments(disk, root, station)
        var index = 0
        if let segment = cursor.segment {
            guard let found = places.firstIndex(where: { $0.first == segment }) else { return false }
            index = found
        } else if let first = places.first {
            cursor.oldest = first.first
            cursor.next = first.first
        }
        while index < places.count, mark.map({ places[index].first <= $0.next }) ?? true {
            if cursor.segment != places[index].first {
                cursor.segment = places[index].first
                (cursor.record, cursor.end) = (0, 0)
                // Offsets between two segments that nothing accounts for stay unexplained.
                cursor.next = max(cursor.next, places[index].first)
            }
            guard try read(places[index], mark?.next, &cursor, body) else { return false }
            index += 1
        }
        return true
    }

    private func read(
        _ place: SegmentPlace,
        _ committed: UInt64?,
        _ cursor: inout Cursor,
        _ body: (ArchiveIndexFact) -> Void
    ) throws(ArchiveError) -> Bool {
        guard disk.exists(place.index) else { return true }
        let index = try disk.open(place.index, .read)
        let bytes = try dataBytes(place)
        guard try index.size() / IndexRecord.encodedBytes >= cursor.record, bytes ?? .max >= cursor.end else {
            return false
        }
        var number = cursor.record
        while true {
            buffer.removeAll()
            let wanted = Self.chunkRecords * IndexRecord.encodedBytes
            buffer.reserve(wanted)
            let target = UnsafeMutableRawBufferPointer(start: buffer.base, count: wanted)
            let whole = try index.read(into: target, at: number * IndexRecord.encodedBytes) / IndexRecord.encodedBytes
            for position in 0..<whole {
                let begin = position * IndexRecord.encodedBytes
                let view = UnsafeRawBufferPointer(rebasing: target[begin..<begin + IndexRecord.encodedBytes])
                number += 1
                // A record that cannot be read is passed over; the next one says which offsets it had.
                guard let record = IndexRecord.decode(view, crc: crc) else { continue }
                guard record.offset >= cursor.next else { return false }
                if let committed, record.offset > committed || record.offset == committed && record.count > 0 {
                    return true
                }
                if record.offset > cursor.next { body(unreadable(cursor.next..<record.offset, place)) }
                cursor.record = number
                cursor.next = record.nextOffset
                // An event whose bytes are not there is not archived, whatever the index says.
                guard record.bytes == 0 || record.end <= bytes ?? .max else { continue }
                cursor.end = record.end
                body(ArchiveIndexFact(record, place))
            }
            if whole < Self.chunkRecords { return true }
        }
    }

    /// The size of a segment's lines; nil when they are kept in another form.
    private func dataBytes(_ place: SegmentPlace) throws(ArchiveError) -> UInt64? {
        if disk.exists(place.data) { return UInt64(try disk.open(place.data, .read).size()) }
        return disk.exists(place.data + ".zst") ? nil : 0
    }

    private func unreadable(_ offsets: Range<UInt64>, _ place: SegmentPlace) -> ArchiveIndexFact {
        ArchiveIndexFact(
            kind: .unreadable,
            isUnenriched: false,
            line: 0,
            offset: offsets.lowerBound,
            count: offsets.upperBound - offsets.lowerBound,
            producer: .zero,
            epoch: 0,
            firstSequence: 0,
            lastSequence: 0,
            receivedAt: Timestamp(microseconds: 0),
            path: place.data
        )
    }
}

extension ArchiveIndexFact {
    init(_ record: IndexRecord, _ place: SegmentPlace) {
        let kind: Kind =
            switch record.kind {
            case .batch: .batch
            case .fork: .fork
            case .gap: .gap
            case .damaged: record.producer == .zero ? .unreadable : .damaged
            }
        self.init(
            kind: kind,
            isUnenriched: record.flags & BatchHeader.Flags.unenriched.rawValue != 0,
            line: record.line,
            offset: record.offset,
            count: UInt64(record.count),
            producer: record.producer,
            epoch: record.epoch,
            firstSequence: record.firstSequence,
            lastSequence: record.lastSequence,
            receivedAt: record.receivedAt,
            path: place.data
        )
    }
}
