import Archive
import Bytes
import Platform
import Wire

/// A small sound archive: two stations, closed and open segments, a fork and a gap.
struct ArchiveTemplate {
    static let root = "/archive"
    static let start = Timestamp(microseconds: 1_795_500_000_000_000)
    static let alpha = Identifier128(high: 0xA, low: 1)
    static let beta = Identifier128(high: 0xB, low: 2)
    static let nogales = station("nogales")
    static let douglas = station("douglas")

    /// Every file.
    let contents: [String: [UInt8]]
    /// Their paths, in an order that stays the same.
    let paths: [String]
    /// Each segment's station, the path of its files without their suffixes, and its lines by offset.
    var segments: [(station: StationName, stem: String, lines: [UInt64: [UInt8]])] = []

    static let shared: ArchiveTemplate = {
        do { return try ArchiveTemplate() } catch { fatalError("no archive to begin with: \(error)") }
    }()

    private init() throws {
        let disk = MemoryDisk()
        let writer = try Self.open(disk)
        var lines: [StationName: [[UInt8]]] = [:]
        func add(
            _ station: StationName,
            _ producer: Identifier128,
            _ first: UInt64,
            _ count: Int,
            epoch: UInt64 = 1,
            isFork: Bool = false
        ) throws {
            let events = (first..<first + UInt64(count)).map { Self.line(producer, epoch, $0) }
            try Self.append(writer, station, producer, first, events, epoch: epoch, isFork: isFork)
            lines[station, default: []] += events
            try writer.sync()
            for work in writer.takeCloseWork() { try work.run() }
        }
        try add(Self.nogales, Self.alpha, 1, 3)
        try add(Self.nogales, Self.beta, 5, 2)
        try add(Self.nogales, Self.alpha, 4, 2)
        try add(Self.douglas, Self.beta, 1, 2)
        try add(Self.nogales, Self.alpha, 3, 2, epoch: 9, isFork: true)
        _ = try writer.recordGap(
            station: Self.nogales,
            producer: Self.alpha,
            parts: [(epoch: 1, from: 6, through: 7)],
            now: Self.start
        )
        try add(Self.nogales, Self.alpha, 8, 2)
        try writer.close()
        let files = disk.contents
        contents = files
        paths = files.keys.sorted()
        let data = paths.filter { $0.hasSuffix(".jsonl") }
        for path in data {
            let station = path.contains("nogales") ? Self.nogales : Self.douglas
            guard let first = UInt64(path.dropLast(6).suffix(12)) else { continue }
            let bytes = files[path] ?? []
            var map: [UInt64: [UInt8]] = [:]
            let count = bytes.count { $0 == 10 }
            for offset in first..<first + UInt64(count) { map[offset] = lines[station]?[Int(offset)] }
            segments.append((station, String(path.dropLast(6)), map))
        }
        guard segments.count > 3 else { throw Finding("an archive of \(segments.count) segments") }
    }

    private static func station(_ name: String) -> StationName {
        guard let station = StationName(name) else { fatalError("\(name) is no station's name") }
        return station
    }

    static func open(_ disk: any Disk, root: String = ArchiveTemplate.root) throws(ArchiveError) -> ArchiveWriter {
        var options = ArchiveOptions()
        options.segmentBytes = 700
        options.syncWorkers = 0
        return try ArchiveWriter(
            directory: root,
            options: options,
            disk: disk,
            now: start,
            newIdentifier: { Identifier128(high: 7, low: 7) },
            crc: .hardware
        )
    }

    static func line(_ producer: Identifier128, _ epoch: UInt64, _ sequence: UInt64) -> [UInt8] {
        let text =
            #"{"occurred_at":"2026-11-23T14:05:00-07:00","status":"exercise","narrative":"\"seq\":9 año","#
            + #""ingest":{"producer":"\#(producer)","epoch":"\#(epoch.hexDigits)","seq":\#(sequence),"#
            + #""received_at":"\#(start)"}}"# + "\n"
        return Array(text.utf8)
    }

    static func append(
        _ writer: ArchiveWriter,
        _ station: StationName,
        _ producer: Identifier128,
        _ first: UInt64,
        _ events: [[UInt8]],
        epoch: UInt64,
        isFork: Bool
    ) throws(ArchiveError) {
        let payload = Array(events.joined())
        let header = BatchHeader(
            flags: .enriched,
            station: station,
            producer: producer,
            epoch: epoch,
            firstSequence: first,
            count: UInt32(events.count),
            payloadBytes: UInt32(payload.count),
            receivedAt: start,
            payloadChecksum: payload.withUnsafeBytes { CRC32C.hardware.checksum(of: $0) }
        )
        let result = payload.withUnsafeBytes { raw in
            Result { () throws(ArchiveError) in
                _ = try writer.append(header, payload: raw, line: isFork ? 1 : 0, now: start)
            }
        }
        try result.get()
    }
}
