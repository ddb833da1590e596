import Bytes
import Glibc

/// Where one segment's files are.
struct SegmentPlace: Hashable, Sendable {
    var station: StationName
    var date: String
    var first: UInt64
    var directory: String

    private var stem: String {
        let digits = String(first)
        return directory + "/" + String(repeating: "0", count: max(12 - digits.count, 0)) + digits
    }
    var data: String { stem + ".jsonl" }
    var index: String { stem + ".idx" }
    var manifest: String { stem + ".json" }
    var hashes: String { stem + ".sha256" }
    var temporaryData: String { "\(directory)/.recover-\(first).data" }
    var temporaryIndex: String { "\(directory)/.recover-\(first).index" }
}

/// The names in an archive's directory.
enum Layout {
    static func meta(_ root: String) -> String { root + "/_meta/archive.json" }
    static func stationDirectory(_ root: String, _ station: StationName) -> String { "\(root)/station=\(station)" }
    static func mark(_ root: String, _ station: StationName) -> String {
        stationDirectory(root, station) + "/committed"
    }

    static func place(_ root: String, _ station: StationName, date: String, first: UInt64) -> SegmentPlace {
        let directory = stationDirectory(root, station) + "/date=" + date
        return SegmentPlace(station: station, date: date, first: first, directory: directory)
    }

    static func stations(_ disk: any Disk, _ root: String) throws(ArchiveError) -> [StationName] {
        try disk.list(root, .directory).compactMap { $0.hasPrefix("station=") ? StationName($0.dropFirst(8)) : nil }
    }

    /// `date=2026-11-23`, and no other name of that beginning.
    private static func isDate(_ name: String) -> Bool {
        name.hasPrefix("date=") && name.utf8.count == 15
            && name.utf8.dropFirst(5).enumerated().allSatisfy { at, byte in
                at == 4 || at == 7 ? byte == UInt8(ascii: "-") : (48...57).contains(byte)
            }
    }

    /// The first offset that a segment's file is named after. `7.jsonl` and `+7.jsonl` are not names that a writer gives.
    private static func first(_ name: String) -> UInt64? {
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return nil }
        let digits = name[..<dot].utf8
        guard [".jsonl", ".idx", ".json"].contains(String(name[dot...])), digits.count >= 12,
            digits.count == 12 || digits.first != 48, digits.allSatisfy({ (48...57).contains($0) }),
            let first = UInt64(name[..<dot]), first < UInt64(Int64.max)
        else { return nil }
        return first
    }

    /// Every segment of a station that has lines or an index, by first offset.
    static func segments(_ disk: any Disk, _ root: String, _ station: StationName) throws(ArchiveError)
        -> [SegmentPlace]
    {
        var places: Set<SegmentPlace> = []
        for entry in try disk.list(stationDirectory(root, station), .directory) where isDate(entry) {
            let date = String(entry.dropFirst(5))
            for name in try disk.list(stationDirectory(root, station) + "/" + entry, .file) {
                if let first = first(name) { places.insert(place(root, station, date: date, first: first)) }
            }
        }
        return places.sorted { ($0.first, $0.date) < ($1.first, $1.date) }
    }
}

/// How far a station's archive is on the disk: 24 bytes, overwritten in place after each sync.
struct CommitMark {
    static let magic: UInt32 = 0x4D43_4E45
    static let encodedBytes = 24
    var next: UInt64
    var generation: UInt32

    func encode(into writer: inout ByteWriter, crc: CRC32C) {
        let begin = writer.count
        writer.append(littleEndian: Self.magic)
        writer.append(littleEndian: UInt32(1))
        writer.append(littleEndian: next)
        writer.append(littleEndian: generation)
        writer.append(littleEndian: crc.checksum(of: UnsafeRawBufferPointer(rebasing: writer.bytes[begin...])))
    }

    /// The mark in a file; nothing when there is none or it is torn.
    static func read(_ disk: any Disk, _ path: String, crc: CRC32C) throws(ArchiveError) -> CommitMark? {
        // A reader may meet the writer in the middle of its 24 bytes: look again.
        for _ in 0..<8 {
            guard let bytes = try disk.read(path) else { return nil }
            let mark: CommitMark? = bytes.withUnsafeBytes { raw in
                guard raw.count == encodedBytes else { return nil }
                func load<Value: FixedWidthInteger>(_ offset: Int, _ type: Value.Type) -> Value {
                    Value(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: type))
                }
                guard load(0, UInt32.self) == magic, load(8, UInt64.self) < UInt64(Int64.max),
                    crc.checksum(of: UnsafeRawBufferPointer(rebasing: raw[0..<20])) == load(20, UInt32.self)
                else { return nil }
                return CommitMark(next: load(8, UInt64.self), generation: load(16, UInt32.self))
            }
            if let mark { return mark }
            disk.pause()
        }
        return nil
    }
}

/// The lines in a run of bytes.
enum Lines {
    /// How many line feeds.
    static func count(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard var at = bytes.baseAddress else { return 0 }
        let end = at + bytes.count
        var found = 0
        while at < end, let feed = memchr(at, 10, end - at) {
            found += 1
            at = UnsafeRawPointer(feed) + 1
        }
        return found
    }

    /// Where the line behind the first `skip` lines begins; the end when there are fewer.
    static func start(of skip: Int, in bytes: UnsafeRawBufferPointer) -> Int {
        guard let base = bytes.baseAddress else { return 0 }
        var at = 0
        for _ in 0..<max(skip, 0) {
            guard at < bytes.count, let feed = memchr(base + at, 10, bytes.count - at) else { return bytes.count }
            at = UnsafeRawPointer(feed) - base + 1
        }
        return at
    }
}
