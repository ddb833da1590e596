import Bytes
import Wire

/// Reads an archive's files as docs/archive.md describes them, and shares no code with those who wrote them.
struct ArchiveOracle {
    /// One archived event.
    struct Entry {
        var station: StationName
        var offset: UInt64
        var place: Book.Place
        var event: Int?
        var isFork: Bool
        var isUnenriched: Bool
        var line: [UInt8]
    }

    /// Sequences that the archive says it lost.
    struct Gap {
        var producer: Identifier128
        var sequences: ClosedRange<UInt64>
    }

    private(set) var entries: [Entry] = []
    private(set) var gaps: [Gap] = []
    /// Offsets whose lines are damaged or gone.
    private(set) var damaged: [StationName: [Range<UInt64>]] = [:]
    /// What cannot be, whoever wrote it.
    /// Records of the index that cannot be read, or that stand for such: what they told of is not known.
    private(set) var brokenRecords = 0
    private(set) var complaints: [String] = []

    private let crc: CRC32C
    private let book: Book

    init(_ disk: SimulatedDisk, _ stations: [StationName], _ book: Book, _ crc: CRC32C) {
        self.crc = crc
        self.book = book
        for station in stations { read(station, disk) }
    }

    private mutating func read(_ station: StationName, _ disk: SimulatedDisk) {
        let prefix = "\(SinkNode.directory)/station=\(station)/date="
        let stems = disk.names.keys.filter { $0.hasPrefix(prefix) && $0.hasSuffix(".idx") }.map { $0.dropLast(4) }
        let segments = stems.compactMap { stem -> (UInt64, Substring)? in
            stem.split(separator: "/").last.flatMap { UInt64($0) }.map { ($0, stem) }
        }
        var next: UInt64 = 0
        for (first, stem) in segments.sorted(by: { $0.0 < $1.0 }) {
            if first > next { damaged[station, default: []].append(next..<first) }
            if first < next {
                complaints.append("\(station): a segment begins at \(first), the one before ends at \(next)")
            }
            next = first
            let lines = disk.names[stem + ".jsonl"]?.visible ?? []
            let index = disk.names[stem + ".idx"]?.visible ?? []
            for at in stride(from: 0, to: index.count - 95, by: 96) {
                record(Array(index[at..<at + 96]), lines, station, &next)
            }
        }
    }

    private mutating func record(_ bytes: [UInt8], _ lines: [UInt8], _ station: StationName, _ next: inout UInt64) {
        func number(_ at: Int, _ size: Int) -> UInt64 {
            var value: UInt64 = 0
            for place in stride(from: at + size - 1, through: at, by: -1) { value = value << 8 | UInt64(bytes[place]) }
            return value
        }
        func big(_ at: Int) -> UInt64 { (0..<8).reduce(0) { $0 << 8 | UInt64(bytes[at + $1]) } }
        guard bytes[0..<92].withUnsafeBytes({ crc.checksum(of: $0) }) == UInt32(number(92, 4)) else {
            brokenRecords += 1
            return
        }
        let (kind, offset, count) = (bytes[0], number(8, 8), number(24, 4))
        let producer = Identifier128(high: big(32), low: big(40))
        let (first, last) = (number(56, 8), number(64, 8))
        if kind == 3 {
            if last >= first { gaps.append(Gap(producer: producer, sequences: first...last)) }
            return
        }
        if kind == 4, count == 0 { brokenRecords += 1 }
        if offset > next { damaged[station, default: []].append(next..<offset) }
        if offset < next { complaints.append("\(station)@\(offset) is given out twice") }
        next = offset + count
        let (start, size) = (Int(number(16, 8)), Int(number(28, 4)))
        let body = start + size <= lines.count ? lines[start..<start + size] : []
        guard kind != 4, !body.isEmpty, body.withUnsafeBytes({ crc.checksum(of: $0) }) == UInt32(number(88, 4)) else {
            damaged[station, default: []].append(offset..<next)
            return
        }
        let parts = body.lines
        if parts.count != Int(count) { complaints.append("\(station)@\(offset): \(parts.count) lines, not \(count)") }
        for (index, line) in parts.enumerated() {
            let place = Book.Place(producer: producer, epoch: number(48, 8), sequence: first + UInt64(index))
            if Self.place(line) != place {
                complaints.append("\(station)@\(offset + UInt64(index)): the line is not what the index says")
            }
            entries.append(
                Entry(
                    station: station,
                    offset: offset + UInt64(index),
                    place: place,
                    event: book.event(line),
                    isFork: bytes[3] > 0,
                    isUnenriched: bytes[2] & 2 != 0,
                    line: Array(line)
                )
            )
        }
    }

    private static let mark = Array("\"ingest\":{\"producer\":\"".utf8)

    /// What a line says about itself: `"ingest":{"producer":"32 digits","epoch":"16 digits","seq":N,`.
    private static func place(_ line: ArraySlice<UInt8>) -> Book.Place? {
        let found = line.withUnsafeBytes { bytes in
            (0..<max(0, bytes.count - mark.count)).first { at in
                bytes[at] == mark[0] && bytes[at + 1] == mark[1] && bytes[at..<at + mark.count].elementsEqual(mark)
            }
        }
        guard let found else { return nil }
        let start = line.startIndex + found
        var rest = line[(start + mark.count)...]
        func hex(_ digits: Int) -> UInt64? {
            defer { rest = rest.dropFirst(digits) }
            return UInt64(String(decoding: rest.prefix(digits), as: UTF8.self), radix: 16)
        }
        guard let high = hex(16), let low = hex(16) else { return nil }
        rest = rest.dropFirst("\",\"epoch\":\"".utf8.count)
        guard let epoch = hex(16) else { return nil }
        rest = rest.dropFirst("\",\"seq\":".utf8.count)
        let digits = String(decoding: rest.prefix { (48...57).contains($0) }, as: UTF8.self)
        guard let sequence = UInt64(digits) else { return nil }
        return Book.Place(producer: Identifier128(high: high, low: low), epoch: epoch, sequence: sequence)
    }
}
