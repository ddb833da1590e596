import Bytes
import Glibc
import Wire

/// One segment as a reader sees it.
public struct ArchiveSegment: Hashable, Sendable {
    /// The station.
    public var station: StationName
    /// The sink's UTC date when the segment was opened, `2026-11-23`.
    public var date: String
    /// The offset of its first event.
    public var firstOffset: UInt64
    /// The file of lines.
    public var path: String
    /// Whether it has its manifest.
    public var isClosed: Bool
    /// The size of the file of lines; of an open segment some may not be committed.
    public var bytes: Int
}

/// Which events a reader wants. The ranges are half-open.
public struct ArchiveFilter: Hashable, Sendable {
    /// When the producer took them.
    public var received: Range<Timestamp>?
    /// When they happened.
    public var occurred: Range<Timestamp>?
    /// Every event.
    public static let all = ArchiveFilter()
    /// Joins the two; an event must be in both.
    public init(received: Range<Timestamp>? = nil, occurred: Range<Timestamp>? = nil) {
        self.received = received
        self.occurred = occurred
    }
}

/// What one read brought.
public struct ArchiveSlice: Hashable, Sendable {
    /// Where the read began.
    public var first: UInt64
    /// Where the next read begins; equal to `first` when nothing more is committed.
    public var next: UInt64
    /// How many lines were appended to the writer.
    public var count = 0
    /// The offsets of those lines, in their order.
    public var offsets: [Range<UInt64>] = []
    /// Offsets whose events are damaged and were left out.
    public var damaged: [Range<UInt64>] = []
}

/// Reads an archive, also while another process writes it: never beyond what that process has committed. Belongs to
/// one thread; keeps no file open between calls.
public final class ArchiveReader {
    /// The archive's random name.
    public let identifier: Identifier128
    private let root: String
    private let disk: any Disk
    private let crc: CRC32C
    private var known: [StationName: [SegmentPlace]] = [:]
    private var bytes = ByteWriter(capacity: 1 << 16)

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

    /// The generation as it is now.
    public func currentGeneration() throws(ArchiveError) -> UInt32 { try ArchiveMeta.read(disk, root)?.generation ?? 0 }

    /// The stations that have a directory.
    public func stations() throws(ArchiveError) -> [StationName] { try Layout.stations(disk, root) }

    /// A station's segments, oldest first.
    public func segments(of station: StationName) throws(ArchiveError) -> [ArchiveSegment] {
        var segments: [ArchiveSegment] = []
        for place in try Layout.segments(disk, root, station) {
            let size = (try? disk.open(place.data, .read).size()) ?? 0
            segments.append(
                ArchiveSegment(
                    station: station,
                    date: place.date,
                    firstOffset: place.first,
                    path: place.data,
                    isClosed: disk.exists(place.manifest),
                    bytes: size
                )
            )
        }
        return segments
    }

    /// The station's events below this offset are on the archive's disk; 0 for a station that it does not know.
    public func committedOffset(of station: StationName) throws(ArchiveError) -> UInt64 {
        if let mark = try CommitMark.read(disk, Layout.mark(root, station), crc: crc) { return mark.next }
        // A copy without the mark: nobody writes it, so all that its index holds counts.
        guard let last = try Layout.segments(disk, root, station).last else { return 0 }
        let records = SegmentSummary.records(try disk.read(last.index) ?? [], crc: crc)
        return records.last { $0 != nil }??.nextOffset ?? last.first
    }

    /// The first offset that the archive still has.
    public func oldestOffset(of station: StationName) throws(ArchiveError) -> UInt64 {
        try Layout.segments(disk, root, station).first?.first ?? 0
    }

    /// Appends whole lines to `writer`, from the event at `from` on, until they are `limitBytes` (or one batch, if
    /// that is longer), the segment ends, or nothing more is committed. Lines that the filter leaves out count as
    /// read: `next` goes past them.
    public func read(
        station: StationName,
        from: UInt64,
        limitBytes: Int = Limits.replayBytes,
        filter: ArchiveFilter = .all,
        into writer: inout ByteWriter
    ) throws(ArchiveError) -> ArchiveSlice {
        let committed = try committedOffset(of: station)
        guard from < committed else { return ArchiveSlice(first: from, next: from) }
        var attempt = 0
        while true {
            let start = writer.count
            do throws(ArchiveError) {
                return try readSegment(station, from, committed, limitBytes, filter, &writer)
            } catch {
                // The name went away under us when the segment was replaced: look at the names again.
                writer.truncate(to: start)
                known[station] = nil
                attempt += 1
                guard error.isMissing else { throw error }
                guard attempt < 5 else { return try passOver(station, from, committed, error) }
                disk.pause()
            }
        }
    }

    /// The files of the segment are gone for good, by retention or by an accident: its offsets are left out.
    private func passOver(
        _ station: StationName,
        _ from: UInt64,
        _ committed: UInt64,
        _ error: ArchiveError
    ) throws(ArchiveError) -> ArchiveSlice {
        guard let (_, following) = try place(station, of: from), let following else { throw error }
        let end = min(following, committed)
        return ArchiveSlice(first: from, next: end, damaged: [from..<end])
    }

    private func place(_ station: StationName, of offset: UInt64) throws(ArchiveError) -> (SegmentPlace, UInt64?)? {
        for isFresh in [false, true] {
            if isFresh || known[station] == nil { known[station] = try Layout.segments(disk, root, station) }
            guard let places = known[station], let index = places.lastIndex(where: { $0.first <= offset }) else {
                continue
            }
            // The newest known one may have got a successor since.
            if index + 1 == places.count, !isFresh { continue }
            return (places[index], index + 1 < places.count ? places[index + 1].first : nil)
        }
        return nil
    }

    private func readSegment(
        _ station: StationName,
        _ from: UInt64,
        _ committed: UInt64,
        _ limitBytes: Int,
        _ filter: ArchiveFilter,
        _ writer: inout ByteWriter
    ) throws(ArchiveError) -> ArchiveSlice {
        var slice = ArchiveSlice(first: from, next: from)
        guard let (place, following) = try place(station, of: from) else {
            // What came before the oldest segment is gone; without a segment, all of it.
            let oldest = try Layout.segments(disk, root, station).first?.first ?? committed
            slice.next = max(from, min(oldest, committed))
            if slice.next > from { slice.damaged.append(from..<slice.next) }
            return slice
        }
        let end = min(following ?? committed, committed)
        let index = try disk.open(place.index, .read)
        let data = try disk.open(place.data, .read)
        let count = try index.size() / IndexRecord.encodedBytes
        var number = try seek(index, count, from)
        let begin = writer.count
        while number < count, slice.next < end {
            let entry = try record(index, number)
            number += 1
            guard let record = entry, record.nextOffset > slice.next, record.count > 0 else { continue }
            guard record.offset < end else { break }
            if record.offset > slice.next {
                slice.damaged.append(slice.next..<record.offset)
                slice.next = record.offset
            }
            let room = limitBytes - (writer.count - begin)
            if Int(record.bytes) > room, slice.next > from { return slice }
            try append(record, data, filter, &slice, &writer)
            if writer.count - begin >= limitBytes { return slice }
        }
        if slice.next < end {
            slice.damaged.append(slice.next..<end)
            slice.next = end
        }
        return slice
    }

    private func record(_ index: any DiskFile, _ number: Int) throws(ArchiveError) -> IndexRecord? {
        bytes.removeAll()
        bytes.reserve(IndexRecord.encodedBytes)
        let target = UnsafeMutableRawBufferPointer(start: bytes.base, count: IndexRecord.encodedBytes)
        let count = try index.read(into: target, at: number * IndexRecord.encodedBytes)
        return IndexRecord.decode(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(target)[..<count]), crc: crc)
    }

    /// The number of the first record that ends behind `offset`, or one before it. A damaged record on the way makes
    /// the search begin at the front.
    private func seek(_ index: any DiskFile, _ count: Int, _ offset: UInt64) throws(ArchiveError) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            guard let record = try record(index, middle) else { return 0 }
            if record.nextOffset <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func append(
        _ record: IndexRecord,
        _ data: any DiskFile,
        _ filter: ArchiveFilter,
        _ slice: inout ArchiveSlice,
        _ writer: inout ByteWriter
    ) throws(ArchiveError) {
        let from = slice.next
        slice.next = record.nextOffset
        if let received = filter.received, !received.contains(record.receivedAt), record.kind != .damaged { return }
        let size = Int(record.bytes)
        bytes.removeAll()
        bytes.reserve(size)
        let target = UnsafeMutableRawBufferPointer(start: bytes.base, count: size)
        guard record.kind != .damaged, size > 0, try data.read(into: target, at: Int(record.start)) == size,
            crc.checksum(of: UnsafeRawBufferPointer(target)) == record.checksum
        else {
            slice.damaged.append(from..<record.nextOffset)
            return
        }
        let all = UnsafeRawBufferPointer(target)
        let view = UnsafeRawBufferPointer(rebasing: all[Lines.start(of: Int(from - record.offset), in: all)...])
        guard let occurred = filter.occurred else {
            writer.append(view)
            slice.add(from..<record.nextOffset)
            return
        }
        var at = 0
        var offset = from
        while at < view.count {
            let rest = UnsafeRawBufferPointer(rebasing: view[at...])
            let line = UnsafeRawBufferPointer(rebasing: rest[..<Lines.start(of: 1, in: rest)])
            if let moment = EventScanner.occurredAt(line), occurred.contains(moment) {
                writer.append(line)
                slice.add(offset..<offset + 1)
            }
            at += line.count
            offset += 1
        }
    }
}

extension ArchiveSlice {
    fileprivate mutating func add(_ range: Range<UInt64>) {
        count += range.count
        if let last = offsets.last, last.upperBound == range.lowerBound {
            offsets[offsets.count - 1] = last.lowerBound..<range.upperBound
        } else {
            offsets.append(range)
        }
    }
}
