import Bytes
import Crypto
import Glibc
import Wire

/// A segment that waits for its manifest. Run it off the commit path; running it again gives the same files.
public struct SegmentClose: Sendable {
    let disk: any Disk
    let root: String
    let archive: Identifier128
    let place: SegmentPlace
    let generation: UInt32
    let next: UInt64
    let lines: LineMap
    let crc: CRC32C

    /// The segment's file of lines.
    public var path: String { place.data }

    /// Reads the segment, writes the hashes of its lines and then its manifest.
    public func run() throws(ArchiveError) {
        let index = try disk.read(place.index) ?? []
        let summary = try SegmentSummary(disk, place, crc: crc)
        try disk.write(summary.hashes, to: place.hashes)
        let previous = try Layout.segments(disk, root, place.station).last { $0.first < place.first }
        var chained: [UInt8]?
        if let previous { chained = try disk.read(previous.manifest) }
        let records = SegmentSummary.records(index, crc: crc).compactMap { $0 }
        let manifest = Manifest(
            archive: archive.description,
            station: place.station.description,
            date: place.date,
            generation: generation,
            first_offset: place.first,
            next_offset: next,
            count: UInt64(summary.hashes.count / 32),
            bytes: UInt64(summary.bytes),
            min_occurred_at: summary.earliest?.description,
            max_occurred_at: summary.latest?.description,
            sequences: SegmentSummary.runs(records),
            producers: Manifest.producers(lines),
            index_crc32c: SegmentSummary.hex(index.withUnsafeBytes { crc.checksum(of: $0) }),
            lines_sha256: SegmentSummary.sha256(summary.hashes),
            previous_manifest_sha256: chained.map { SegmentSummary.sha256($0) }
        )
        try disk.write(try manifest.encoded(crc: crc), to: place.manifest)
    }
}

/// What one pass over a segment's lines finds.
struct SegmentSummary {
    var hashes: [UInt8] = []
    var bytes = 0
    var earliest: Timestamp?
    var latest: Timestamp?
    /// Bytes behind the last line feed.
    var torn = 0

    init(_ disk: any Disk, _ place: SegmentPlace, crc: CRC32C) throws(ArchiveError) {
        let file = try disk.open(place.data, .read)
        let capacity = 1 << 20
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try file.read(into: buffer, at: bytes)
            let view = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
            var used = 0
            while used < count, let base = view.baseAddress, let feed = memchr(base + used, 10, count - used) {
                let end = UnsafeRawPointer(feed) - base + 1
                add(UnsafeRawBufferPointer(rebasing: view[used..<end]))
                used = end
            }
            bytes += used
            guard used > 0 else {
                torn = count
                return
            }
        }
    }

    private mutating func add(_ line: UnsafeRawBufferPointer) {
        var hash = SHA256()
        hash.update(bufferPointer: line)
        hash.finalize().withUnsafeBytes { hashes.append(contentsOf: $0) }
        guard let moment = EventScanner.occurredAt(line) else { return }
        earliest = earliest.map { min($0, moment) } ?? moment
        latest = latest.map { max($0, moment) } ?? moment
    }

    static func sha256(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in SHA256.hash(data: bytes) {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func hex(_ value: UInt32) -> String { String(UInt64(value).hexDigits.suffix(8)) }

    static func records(_ index: [UInt8], crc: CRC32C) -> [IndexRecord?] {
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

    /// The stretches of sequences in a segment, those that follow each other joined.
    static func runs(_ records: [IndexRecord]) -> [Manifest.Run] {
        var runs: [Manifest.Run] = []
        var latest: [String: Int] = [:]
        for record in records where record.kind != .damaged {
            let run = Manifest.Run(
                producer: record.producer.description,
                epoch: record.epoch.hexDigits,
                kind: "\(record.kind)",
                first_sequence: record.firstSequence,
                last_sequence: record.lastSequence,
                generation: record.generation
            )
            let key = run.producer + run.epoch + run.kind
            if record.kind != .gap, let index = latest[key], runs[index].last_sequence + 1 == run.first_sequence,
                runs[index].generation == run.generation
            {
                runs[index].last_sequence = run.last_sequence
            } else {
                latest[key] = runs.count
                runs.append(run)
            }
        }
        return runs
    }
}
