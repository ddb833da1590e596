import Bytes
import Wire

/// Checks everything that an archive says about itself against its bytes. Reads only; may run beside the writer,
/// and then checks what was committed when it began.
public enum ArchiveVerifier {
    /// Checks the archive in `directory`. Throws only when there is none or it cannot be read.
    public static func verify(
        directory: String,
        disk: any Disk = SystemDisk(),
        crc: CRC32C
    ) throws(ArchiveError) -> ArchiveReport {
        guard let meta = try ArchiveMeta.read(disk, directory) else {
            throw ArchiveError(code: .invalid, operation: "find an archive in", path: directory)
        }
        var report = ArchiveReport(archive: meta.id, generation: meta.generation)
        for station in try Layout.stations(disk, directory) {
            var check = try StationCheck(disk: disk, root: directory, station: station, archive: meta.id, crc: crc)
            try check.run(&report)
        }
        return report
    }
}

/// One station's segments, front to back.
private struct StationCheck: ~Copyable {
    let disk: any Disk
    let root: String
    let station: StationName
    let archive: String
    let crc: CRC32C
    let mark: CommitMark?
    var next: UInt64 = 0
    var isFirst = true
    var lines = LineMap()
    /// Offsets whose events are damaged, and which no jump in sequences has been put down to yet.
    var lost: UInt64 = 0
    var previous: [UInt8]?
    var buffer = ByteWriter(capacity: 1 << 20)

    init(
        disk: any Disk,
        root: String,
        station: StationName,
        archive: String,
        crc: CRC32C
    ) throws(ArchiveError) {
        self.disk = disk
        self.root = root
        self.station = station
        self.archive = archive
        self.crc = crc
        mark = try CommitMark.read(disk, Layout.mark(root, station), crc: crc)
    }

    mutating func run(_ report: inout ArchiveReport) throws(ArchiveError) {
        var summary = ArchiveReport.Station(station: station)
        let places = try Layout.segments(disk, root, station)
        for place in places {
            let isLast = place == places.last
            if !isFirst, place.first != next {
                if place.first > next { lost += place.first - next }
                damage(
                    &report,
                    place.data,
                    min(next, place.first)..<max(next, place.first),
                    "a segment is missing or doubled here"
                )
            }
            isFirst = false
            next = place.first
            summary.segments += 1
            try segment(place, isLast: isLast, &summary, &report)
        }
        if let mark, mark.next > next {
            damage(&report, Layout.mark(root, station), next..<mark.next, "committed, and not in any segment")
        }
        summary.nextOffset = next
        report.stations.append(summary)
    }

    private func damage(_ report: inout ArchiveReport, _ path: String, _ offsets: Range<UInt64>?, _ what: String) {
        report.damage.append(.init(station: station, path: path, offsets: offsets, what: what))
    }

    private mutating func segment(
        _ place: SegmentPlace,
        isLast: Bool,
        _ summary: inout ArchiveReport.Station,
        _ report: inout ArchiveReport
    ) throws(ArchiveError) {
        let stored: [UInt8]?
        do throws(ArchiveError) { stored = try disk.read(place.index) } catch {
            guard error.isMissing else { throw error }
            stored = nil
        }
        let data: any DiskFile
        do throws(ArchiveError) { data = try disk.open(place.data, .read) } catch {
            guard error.isMissing else { throw error }
            previous = try disk.read(place.manifest)
            return missing(place, stored ?? [], &report)
        }
        guard let index = stored else {
            previous = try disk.read(place.manifest)
            return damage(&report, place.index, nil, "the index is missing")
        }
        let size = try data.size()
        let limit = isLast ? mark?.next ?? .max : .max
        var start: UInt64 = 0
        let entries = SegmentSummary.records(index, crc: crc)
        for (number, entry) in entries.enumerated() {
            guard let record = entry else {
                // Behind the commit mark the writer may be in the middle of a record.
                if isLast, next >= limit { break }
                damage(&report, place.index, next..<next, "record \(number) of the index does not match its checksum")
                continue
            }
            if record.nextOffset > limit { break }
            if record.offset != next || record.start != start {
                if record.offset > next { lost += record.offset - next }
                damage(
                    &report,
                    place.index,
                    min(next, record.offset)..<max(next, record.offset),
                    "record \(number) of the index does not follow on the one before it"
                )
            }
            try check(record, data, size, place, &report)
            next = record.nextOffset
            start = record.end
            if record.kind != .damaged { summary.events += UInt64(record.count) }
        }
        summary.bytes += start
        if disk.exists(place.manifest) {
            if index.count % IndexRecord.encodedBytes != 0 {
                damage(&report, place.index, nil, "the index has a torn end")
            }
            if start != UInt64(size) {
                damage(&report, place.data, nil, "\(size) bytes, of which the index knows \(start)")
            }
            try manifest(place, index, &report)
        } else if !isLast {
            report.notes.append(
                .init(station: station, path: place.manifest, offsets: place.first..<next, what: "no manifest yet")
            )
            previous = nil
        }
    }

    /// The lines are gone; what the index still says tells which.
    private mutating func missing(_ place: SegmentPlace, _ index: [UInt8], _ report: inout ArchiveReport) {
        for record in SegmentSummary.records(index, crc: crc) {
            guard let record, record.offset == next else { continue }
            lines.apply(record)
            next = record.nextOffset
        }
        damage(&report, place.data, next > place.first ? place.first..<next : nil, "the file of lines is missing")
    }

    private mutating func check(
        _ record: IndexRecord,
        _ data: any DiskFile,
        _ size: Int,
        _ place: SegmentPlace,
        _ report: inout ArchiveReport
    ) throws(ArchiveError) {
        let offsets = record.offset..<record.nextOffset
        switch record.kind {
        case .damaged:
            damage(&report, place.data, offsets, "damaged earlier and set aside")
            lost += UInt64(record.count)
            return
        case .gap:
            let what =
                "producer \(record.producer): sequences \(record.firstSequence) to \(record.lastSequence) are "
                + "missing, generation \(record.generation)"
            report.gaps.append(.init(station: station, path: place.index, offsets: offsets, what: what))
            lines.apply(record)
            return
        case .fork, .batch: break
        }
        let isKnown = lines.lines[record.producer]?.contains {
            $0.number == record.line
        }
        if record.kind == .fork, isKnown != true {
            let what =
                "producer \(record.producer) forked: epoch \(record.epoch.hexDigits) from sequence \(record.firstSequence)"
            report.forks.append(.init(station: station, path: place.index, offsets: offsets, what: what))
        }
        let before = lines.lines[record.producer]?.first { $0.number == record.line }?.committed ?? 0
        let jump = record.firstSequence > before ? record.firstSequence - before - 1 : .max
        let follows = lines.apply(record) || record.producer == .zero
        if !follows, jump <= lost {
            // The events in between were what is damaged; these ones are as they were written.
            lost -= jump
        } else if !follows {
            damage(
                &report,
                place.index,
                offsets,
                "producer \(record.producer), epoch \(record.epoch.hexDigits): sequence \(record.firstSequence) does "
                    + "not follow on the one before it"
            )
        }
        buffer.removeAll()
        let count = Int(record.bytes)
        guard record.end <= UInt64(size) else { return damage(&report, place.data, offsets, "the lines are missing") }
        buffer.reserve(count)
        let target = UnsafeMutableRawBufferPointer(start: buffer.base, count: count)
        guard try data.read(into: target, at: Int(record.start)) == count else {
            return damage(&report, place.data, offsets, "the lines are missing")
        }
        let view = UnsafeRawBufferPointer(target)
        if crc.checksum(of: view) != record.checksum {
            damage(&report, place.data, offsets, "bytes \(record.start) to \(record.end) do not match their checksum")
        } else if Lines.count(view) != Int(record.count) || view.last != 10 {
            damage(&report, place.data, offsets, "not as many lines as the index says")
        }
    }

    private mutating func manifest(
        _ place: SegmentPlace,
        _ index: [UInt8],
        _ report: inout ArchiveReport
    ) throws(ArchiveError) {
        let bytes = try disk.read(place.manifest) ?? []
        defer { previous = bytes }
        let range = place.first..<max(next, place.first)
        guard let manifest = Manifest.decode(bytes, crc: crc) else {
            return damage(&report, place.manifest, range, "the manifest does not match its checksum")
        }
        func expect(_ holds: Bool, _ what: String) {
            if !holds { damage(&report, place.manifest, range, "the manifest's \(what)") }
        }
        let summary = try SegmentSummary(disk, place, crc: crc)
        let stored = try disk.read(place.hashes)
        expect(manifest.archive == archive, "archive is another one")
        expect(manifest.station == station.description && manifest.date == place.date, "station or date is wrong")
        expect(manifest.first_offset == place.first && manifest.next_offset == next, "positions are wrong")
        expect(manifest.count == UInt64(summary.hashes.count / 32), "count of lines is wrong")
        expect(manifest.bytes == UInt64(summary.bytes) && summary.torn == 0, "count of bytes is wrong")
        expect(
            manifest.index_crc32c == SegmentSummary.hex(index.withUnsafeBytes { crc.checksum(of: $0) }),
            "checksum of the index is wrong"
        )
        expect(manifest.lines_sha256 == SegmentSummary.sha256(summary.hashes), "SHA-256 of the lines is wrong")
        expect(
            manifest.min_occurred_at == summary.earliest?.description
                && manifest.max_occurred_at == summary.latest?.description,
            "range of occurred_at is wrong"
        )
        if stored != summary.hashes { damage(&report, place.hashes, range, "the lines' hashes are missing or wrong") }
        if let previous {
            expect(manifest.previous_manifest_sha256 == SegmentSummary.sha256(previous), "chain is broken")
        }
    }
}
