import Bytes
import Mutation
import Wire

/// Makes an open segment trustworthy at start: copies what is valid to new files, syncs and renames them.
///
/// What the page cache shows may not be on the disk, so nothing of the old files is built upon.
struct Recovery: ~Copyable {
    let disk: any Disk
    let root: String
    let place: SegmentPlace
    let crc: CRC32C
    let generation: UInt32
    /// The offset below which everything was acknowledged, as far as is known.
    let committed: UInt64
    private(set) var records: [IndexRecord] = []
    private(set) var notes: [String] = []
    private(set) var next: UInt64
    private(set) var bytes = 0
    private var buffer = ByteWriter(capacity: 1 << 20)

    init(
        disk: any Disk,
        root: String,
        place: SegmentPlace,
        crc: CRC32C,
        generation: UInt32,
        committed: UInt64
    ) {
        self.disk = disk
        self.root = root
        self.place = place
        self.crc = crc
        self.generation = generation
        self.committed = committed
        next = place.first
    }

    mutating func run(lines: LineMap) throws(ArchiveError) {
        try finishEarlier()
        let source = try openLines()
        let size = try source.size()
        var index = try disk.read(place.index)
        if index == nil || index?.isEmpty == true, size > 0, index == nil || committed > place.first {
            notes.append("\(place.index) was missing and is rebuilt from the lines")
            index = try rebuild(source, size: size, lines: lines)
        }
        do throws(ArchiveError) { try copy(source, size: size, index: index ?? []) } catch {
            guard discardCopy(), error.isTemporary else { throw error }
            // The last run may have asked for room ahead: given back, it may be enough for the copy.
            try source.truncate(to: size)
            (records, next, bytes) = ([], place.first, 0)
            do throws(ArchiveError) { try copy(source, size: size, index: index ?? []) } catch {
                _ = discardCopy()
                throw error
            }
        }
    }

    /// The file of lines. What has its name and is none is moved out of the way, or no start would ever get past it.
    private mutating func openLines() throws(ArchiveError) -> any DiskFile {
        do throws(ArchiveError) { return try disk.open(place.data, .update) } catch {
            guard error.isDirectory else { throw error }
        }
        let directory = root + "/_meta/damaged"
        try disk.makeDirectories(directory)
        let target = "\(directory)/\(place.station)-\(place.first)-directory"
        try disk.rename(place.data, to: target)
        try disk.syncDirectory(place.directory)
        notes.append("\(place.data) was a directory; it is now \(target)")
        return try disk.open(place.data, .update)
    }

    /// A copy that was not finished must not take room from others; one whose lines have their name stays, and then it is
    /// false.
    private func discardCopy() -> Bool {
        guard disk.exists(place.temporaryData) else { return false }
        disk.remove(place.temporaryIndex)
        disk.remove(place.temporaryData)
        return true
    }

    /// A run that ended between its two renames is brought to its end; one that ended before them is undone.
    private func finishEarlier() throws(ArchiveError) {
        if disk.exists(place.temporaryIndex), !disk.exists(place.temporaryData) {
            try disk.publish(place.temporaryIndex, as: place.index)
        }
        disk.remove(place.temporaryIndex)
        disk.remove(place.temporaryData)
    }

    /// Reads `count` bytes at `start` into the buffer; false when the file is shorter.
    private mutating func load(_ source: any DiskFile, _ start: UInt64, _ count: Int) throws(ArchiveError) -> Bool {
        buffer.removeAll()
        buffer.reserve(count)
        let target = UnsafeMutableRawBufferPointer(start: buffer.base, count: count)
        return try source.read(into: target, at: Int(start)) == count
    }

    private func view(_ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: buffer.base, count: count)
    }

    private mutating func copy(_ source: any DiskFile, size: Int, index: [UInt8]) throws(ArchiveError) {
        let data = try disk.open(place.temporaryData, .replace)
        let found = decode(index)
        var start: UInt64 = 0
        var at = 0
        while at < found.count {
            guard let record = found[at], record.offset == next, record.start == start else {
                // The index itself is damaged: go on at the next record that can follow.
                let rest = found[(at + 1)...].firstIndex { entry in
                    entry.map { $0.offset >= next && $0.start >= start && $0.end <= UInt64(size) } ?? false
                }
                guard let resume = rest, let record = found[resume] else { break }
                guard record.nextOffset <= committed || isSynced(found, record, behind: resume) else { break }
                try setAside(source, start..<record.start, offsets: next..<record.offset, like: nil)
                start = record.start
                at = resume
                continue
            }
            var isWhole = false
            if record.end <= UInt64(size), try load(source, record.start, Int(record.bytes)) {
                isWhole =
                    crc.checksum(of: view(Int(record.bytes))) == record.checksum || isMutated(.watermarkFromDamage)
            }
            if isWhole || record.bytes == 0 {
                var kept = record
                kept.start = UInt64(bytes)
                try data.write(view(Int(record.bytes)), at: bytes)
                bytes += Int(record.bytes)
                records.append(kept)
                next = record.nextOffset
            } else {
                if record.nextOffset > committed, !isSynced(found, record, behind: at) { break }
                let end = min(record.end, UInt64(size))
                try setAside(
                    source,
                    min(start, end)..<end,
                    offsets: next..<record.nextOffset,
                    like: record
                )
            }
            start = record.end
            at += 1
        }
        if next < committed {
            let from = min(start, UInt64(size))
            try setAside(source, from..<UInt64(size), offsets: next..<committed, like: nil)
        } else if start < UInt64(size) {
            notes.append("\(place.data): \(UInt64(size) - start) bytes that were never acknowledged are dropped")
        }
        try publish(data)
    }

    /// Whether a record was on the disk before its writer went on. The commits follow each other: a record of a later
    /// one proves it. Without one it may never have been acknowledged, whatever of its commit has reached the disk.
    private func isSynced(_ found: [IndexRecord?], _ record: IndexRecord, behind place: Int) -> Bool {
        found[(place + 1)...].contains { $0.map { $0.commit > record.commit } ?? false }
    }

    private func decode(_ index: [UInt8]) -> [IndexRecord?] {
        index.withUnsafeBytes { raw in
            (0..<raw.count / IndexRecord.encodedBytes).map { number in
                let begin = number * IndexRecord.encodedBytes
                return IndexRecord.decode(
                    UnsafeRawBufferPointer(rebasing: raw[begin..<begin + IndexRecord.encodedBytes]),
                    crc: crc
                )
            }
        }
    }

    /// Keeps the offsets of a damaged range and moves its bytes out of the way.
    private mutating func setAside(
        _ source: any DiskFile,
        _ range: Range<UInt64>,
        offsets: Range<UInt64>,
        like record: IndexRecord?
    ) throws(ArchiveError) {
        let directory = root + "/_meta/damaged"
        try disk.makeDirectories(directory)
        let path = "\(directory)/\(place.station)-\(offsets.lowerBound)-\(offsets.upperBound).bin"
        let target = try disk.open(path, .replace)
        var at = range.lowerBound
        while at < range.upperBound {
            let count = Int(min(range.upperBound - at, 1 << 20))
            guard try load(source, at, count) else { break }
            try target.write(view(count), at: Int(at - range.lowerBound))
            at += UInt64(count)
        }
        try target.sync()
        try disk.syncDirectory(directory)
        notes.append(
            "\(place.station)@\(offsets.lowerBound) to @\(offsets.upperBound) is damaged; its bytes are in \(path)"
        )
        records.append(
            IndexRecord(
                kind: .damaged,
                flags: record?.flags ?? 0,
                line: record?.line ?? 0,
                parent: record?.parent ?? 0,
                generation: generation,
                offset: offsets.lowerBound,
                start: UInt64(bytes),
                count: UInt32(clamping: offsets.count),
                bytes: 0,
                producer: record?.producer ?? .zero,
                epoch: record?.epoch ?? 0,
                firstSequence: record?.firstSequence ?? 0,
                lastSequence: record?.lastSequence ?? 0,
                receivedAt: record?.receivedAt ?? Timestamp(microseconds: 0),
                checksum: 0
            )
        )
        next = offsets.upperBound
    }

    private mutating func publish(_ data: any DiskFile) throws(ArchiveError) {
        if !isMutated(.trustPageCache) { try data.sync() }
        buffer.removeAll()
        for record in records { record.encode(into: &buffer, crc: crc) }
        let index = try disk.open(place.temporaryIndex, .replace)
        try index.write(buffer.bytes, at: 0)
        if !isMutated(.trustPageCache) { try index.sync() }
        try disk.syncDirectory(place.directory)
        try disk.publish(place.temporaryData, as: place.data)
        try disk.publish(place.temporaryIndex, as: place.index)
    }

    /// An index from what the lines say about themselves.
    private mutating func rebuild(
        _ source: any DiskFile,
        size: Int,
        lines: LineMap
    ) throws(ArchiveError) -> [UInt8] {
        var writer = ByteWriter(capacity: 1 << 16)
        var open: IndexRecord?
        var (offset, at) = (place.first, 0)
        var map = lines
        func flush(_ record: IndexRecord?) {
            guard let record else { return }
            record.encode(into: &writer, crc: crc)
            map.apply(record)
        }
        while at < size {
            let count = min(size - at, Limits.enrichedPayloadBytes)
            guard try load(source, UInt64(at), count) else { break }
            var used = 0
            while let feed = view(count)[used...].firstIndex(of: 10) {
                let line = UnsafeRawBufferPointer(rebasing: view(count)[used...feed])
                let stamp = EventScanner.ingest(line)
                let sequence = stamp?.sequence ?? 0
                if var record = open, let stamp, record.producer == stamp.producer, record.epoch == stamp.epoch,
                    record.lastSequence + 1 == sequence, record.count < Limits.batchEvents,
                    Int(record.bytes) + line.count <= Limits.enrichedPayloadBytes
                {
                    record.count += 1
                    record.bytes += UInt32(line.count)
                    record.lastSequence = sequence
                    record.checksum = crc.extend(record.checksum, over: line)
                    open = record
                } else {
                    flush(open)
                    let (number, parent) =
                        stamp.map { map.place(epoch: $0.epoch, sequence: sequence, of: $0.producer) } ?? (0, 0)
                    open = IndexRecord(
                        kind: number > 0 ? .fork : .batch,
                        flags: stamp == nil ? 2 : 1,
                        line: number,
                        parent: parent,
                        generation: generation,
                        offset: offset,
                        start: UInt64(at + used),
                        count: 1,
                        bytes: UInt32(line.count),
                        producer: stamp?.producer ?? .zero,
                        epoch: stamp?.epoch ?? 0,
                        firstSequence: sequence,
                        lastSequence: sequence,
                        receivedAt: stamp?.receivedAt ?? Timestamp(microseconds: 0),
                        checksum: crc.checksum(of: line)
                    )
                }
                offset += 1
                used = feed + 1
            }
            // The rest is not a line: a torn tail.
            if used == 0 { break }
            at += used
        }
        flush(open)
        return writer.array
    }
}
