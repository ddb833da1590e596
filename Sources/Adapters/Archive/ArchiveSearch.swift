import Bytes
import CPlatform
import Wire

/// A line of the archive with what the index says about it.
public struct ArchiveFinding: Sendable {
    /// Its station.
    public var station: StationName
    /// Its offset.
    public var offset: UInt64
    /// The entry of the index that it belongs to.
    public var batch: ArchiveIndexFact
    /// The line without its line feed.
    public var line: [UInt8]

    /// Its sequence.
    public var sequence: UInt64 { batch.firstSequence + (offset - batch.offset) }
}

/// Looks for bytes in the archive's lines without parsing them: gigabytes take seconds.
///
/// Belongs to one thread; keeps no file open between calls.
public final class ArchiveSearch {
    private let root: String
    private let disk: any Disk
    private let crc: CRC32C
    private let chunk: UnsafeMutableRawBufferPointer

    private static let chunkBytes = 4 << 20

    /// Prepares to search the archive in a directory.
    public init(directory: String, disk: any Disk = SystemDisk(), crc: CRC32C) {
        root = directory
        self.disk = disk
        self.crc = crc
        chunk = .allocate(byteCount: Self.chunkBytes, alignment: 4096)
    }

    deinit { chunk.deallocate() }

    /// Gives every committed line that holds the bytes, newest segment first, within one by offset. `body` returns false
    /// to end the search.
    public func lines(
        holding needle: [UInt8],
        stations: [StationName],
        _ body: (ArchiveFinding) throws -> Bool
    ) throws {
        precondition(!needle.isEmpty && needle.count < Self.chunkBytes / 2)
        var places: [SegmentPlace] = []
        for station in stations { places += try Layout.segments(disk, root, station) }
        places.sort { ($1.date, $1.first, $0.station) < ($0.date, $0.first, $1.station) }
        for place in places where disk.exists(place.data) {
            guard try search(place, needle, body) else { return }
        }
    }

    /// The line at a position, and its entry; nil when nothing is committed there.
    public func line(at position: ArchivePosition) throws(ArchiveError) -> ArchiveFinding? {
        let places = try Layout.segments(disk, root, position.station)
        guard let place = places.last(where: { $0.first <= position.offset }),
            let table = try IndexTable(disk, root, place, crc),
            let record = table.record(holding: position.offset)
        else { return nil }
        return try finding(record, position.offset, place)
    }

    /// The line with an offset that a fact of an `ArchiveIndexScan` names.
    public func line(_ station: StationName, _ offset: UInt64) throws(ArchiveError) -> ArchiveFinding? {
        try line(at: ArchivePosition(station: station, offset: offset))
    }

    private func finding(
        _ record: IndexRecord,
        _ offset: UInt64,
        _ place: SegmentPlace
    ) throws(ArchiveError) -> ArchiveFinding? {
        let finding = ArchiveFinding(
            station: place.station,
            offset: offset,
            batch: ArchiveIndexFact(record, place),
            line: []
        )
        guard record.kind != .damaged, disk.exists(place.data) else { return finding }
        let data = try disk.open(place.data, .read)
        var bytes = [UInt8](repeating: 0, count: Int(record.bytes))
        let (count, failure) = bytes.withUnsafeMutableBytes { buffer -> (Int, ArchiveError?) in
            do throws(ArchiveError) { return (try data.read(into: buffer, at: Int(record.start)), nil) } catch {
                return (0, error)
            }
        }
        if let failure { throw failure }
        var result = finding
        result.line = bytes[..<count].withUnsafeBytes { raw in
            let begin = Lines.start(of: Int(offset - record.offset), in: raw)
            let rest = UnsafeRawBufferPointer(rebasing: raw[begin...])
            return [UInt8](rest[..<max(0, Lines.start(of: 1, in: rest) - 1)])
        }
        return result
    }

    // MARK: - Searching

    /// False when the search is to end.
    private func search(
        _ place: SegmentPlace,
        _ needle: [UInt8],
        _ body: (ArchiveFinding) throws -> Bool
    ) throws -> Bool {
        let data = try disk.open(place.data, .read)
        var table: IndexTable?
        var at = 0
        var lastOffset: UInt64?
        while true {
            let count = try data.read(into: chunk, at: at)
            let view = UnsafeRawBufferPointer(rebasing: chunk[..<count])
            var from = 0
            while let found = Self.find(needle, in: view, from: from) {
                from = found + needle.count
                if table == nil { table = try IndexTable(disk, root, place, crc) }
                // Without an index nothing of the segment is committed.
                guard let table else { return true }
                guard let record = table.record(atByte: UInt64(at + found)),
                    let offset = try offset(ofByte: UInt64(at + found), record, data), offset != lastOffset,
                    let finding = try finding(record, offset, place)
                else { continue }
                lastOffset = offset
                guard try body(finding) else { return false }
            }
            guard count == chunk.count else { return true }
            // What may be the beginning of a needle is read again.
            at += count - (needle.count - 1)
        }
    }

    private static func find(_ needle: [UInt8], in view: UnsafeRawBufferPointer, from: Int) -> Int? {
        guard let base = view.baseAddress, from < view.count,
            let found = enlace_find_bytes(base + from, view.count - from, needle, needle.count)
        else { return nil }
        return found - base
    }

    /// The offset of the line that has a byte: line feeds from the batch's first byte on.
    private func offset(
        ofByte byte: UInt64,
        _ record: IndexRecord,
        _ data: any DiskFile
    ) throws(ArchiveError) -> UInt64? {
        let before = Int(byte - record.start)
        var bytes = ByteWriter(capacity: before + 1)
        bytes.reserve(before)
        let target = UnsafeMutableRawBufferPointer(start: bytes.base, count: before)
        guard try data.read(into: target, at: Int(record.start)) == before else { return nil }
        let offset = record.offset + UInt64(Lines.count(UnsafeRawBufferPointer(target)))
        return offset < record.nextOffset ? offset : nil
    }
}

/// The committed records of one segment.
private struct IndexTable {
    let records: [IndexRecord]

    init?(_ disk: any Disk, _ root: String, _ place: SegmentPlace, _ crc: CRC32C) throws(ArchiveError) {
        let mark = try CommitMark.read(disk, Layout.mark(root, place.station), crc: crc)
        guard let bytes = try disk.read(place.index) else { return nil }
        records = SegmentSummary.records(bytes, crc: crc).compactMap { record in
            guard let record, record.count > 0, mark.map({ record.nextOffset <= $0.next }) ?? true else { return nil }
            return record
        }
    }

    func record(atByte byte: UInt64) -> IndexRecord? { first { $0.end > byte }.flatMap { $0.start <= byte ? $0 : nil } }

    func record(holding offset: UInt64) -> IndexRecord? {
        first { $0.nextOffset > offset }.flatMap { $0.offset <= offset ? $0 : nil }
    }

    /// The first record for which something holds that holds for all behind it.
    private func first(_ holds: (IndexRecord) -> Bool) -> IndexRecord? {
        var (low, high) = (0, records.count)
        while low < high {
            let middle = (low + high) / 2
            if holds(records[middle]) { high = middle } else { low = middle + 1 }
        }
        return low < records.count ? records[low] : nil
    }
}
