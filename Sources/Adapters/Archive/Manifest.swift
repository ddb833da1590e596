import Bytes
import FoundationEssentials
import Wire

/// `_meta/archive.json`.
struct ArchiveMeta: Codable, Sendable {
    var version = 1
    var id: String
    var generation: UInt32
}

/// What a closed segment holds; `docs/archive.md` describes the fields.
struct Manifest: Codable, Hashable, Sendable {
    struct Epoch: Codable, Hashable, Sendable {
        var epoch: String
        var first_sequence: UInt64
    }
    struct Line: Codable, Hashable, Sendable {
        /// 0 is the main line.
        var number: UInt8
        var parent: UInt8
        var inherited: [Epoch]
        var committed: UInt64
        var epochs: [Epoch]
    }
    struct Producer: Codable, Hashable, Sendable {
        var producer: String
        var lines: [Line]
    }
    struct Run: Codable, Hashable, Sendable {
        var producer: String
        var epoch: String
        var kind: String
        var first_sequence: UInt64
        var last_sequence: UInt64
        var generation: UInt32
    }

    var version = 1
    var archive: String
    var station: String
    var date: String
    var generation: UInt32
    var first_offset: UInt64
    var next_offset: UInt64
    /// Lines in the file; less than the offsets only where damage was set aside.
    var count: UInt64
    var bytes: UInt64
    var min_occurred_at: String?
    var max_occurred_at: String?
    var sequences: [Run]
    var producers: [Producer]
    var index_crc32c: String
    var lines_sha256: String
    var previous_manifest_sha256: String?

    static func producers(_ map: LineMap) -> [Producer] {
        map.lines.sorted { $0.key < $1.key }.map { id, lines in
            Producer(
                producer: id.description,
                lines: lines.map { line in
                    Line(
                        number: line.number,
                        parent: line.parent,
                        inherited: epochs(line.inherited),
                        committed: line.committed,
                        epochs: epochs(line.epochs)
                    )
                }
            )
        }
    }

    private static func epochs(_ starts: [EpochStart]) -> [Epoch] {
        starts.map { Epoch(epoch: $0.epoch.hexDigits, first_sequence: $0.firstSequence) }
    }

    private static func starts(_ epochs: [Epoch]) -> [EpochStart]? {
        var starts: [EpochStart] = []
        for entry in epochs {
            guard let epoch = UInt64(entry.epoch, radix: 16) else { return nil }
            starts.append(EpochStart(epoch: epoch, firstSequence: entry.first_sequence))
        }
        return starts
    }

    /// The map that the writer goes on from.
    var lineMap: LineMap? {
        var map: [Identifier128: [ArchiveLine]] = [:]
        for entry in producers {
            guard let id = Identifier128(entry.producer) else { return nil }
            var lines: [ArchiveLine] = []
            for line in entry.lines {
                guard let epochs = Self.starts(line.epochs), let inherited = Self.starts(line.inherited) else {
                    return nil
                }
                guard line.committed < UInt64(Int64.max) else { return nil }
                lines.append(
                    ArchiveLine(
                        epochs: epochs,
                        committed: line.committed,
                        number: line.number,
                        parent: line.parent,
                        inherited: inherited
                    )
                )
            }
            map[id] = lines
        }
        return LineMap(map)
    }

    /// The file's bytes: one JSON object whose last member is the CRC-32C of everything before it.
    func encoded(crc: CRC32C) throws(ArchiveError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let json = try? encoder.encode(self) else {
            throw ArchiveError(code: .system, operation: "write the manifest of", path: station)
        }
        let body = [UInt8](json.dropLast())
        let checksum = body.withUnsafeBytes { crc.checksum(of: $0) }
        return body + Array(",\"~crc32c\":\"\(String(UInt64(checksum).hexDigits.suffix(8)))\"}\n".utf8)
    }

    /// Reads a manifest; nothing when it is not whole.
    static func decode(_ bytes: [UInt8], crc: CRC32C) -> Manifest? {
        let tail = #","~crc32c":"00000000"}"#.utf8.count + 1
        guard bytes.count > tail else { return nil }
        let body = bytes.dropLast(tail)
        let checksum = body.withUnsafeBytes { crc.checksum(of: $0) }
        let wanted = ",\"~crc32c\":\"\(String(UInt64(checksum).hexDigits.suffix(8)))\"}\n"
        guard bytes.suffix(tail).elementsEqual(wanted.utf8) else { return nil }
        return try? JSONDecoder().decode(Manifest.self, from: Data(bytes))
    }

    static func read(_ disk: any Disk, _ path: String, crc: CRC32C) throws(ArchiveError) -> Manifest? {
        guard let bytes = try disk.read(path) else { return nil }
        return decode(bytes, crc: crc)
    }
}

extension ArchiveMeta {
    static func read(_ disk: any Disk, _ root: String) throws(ArchiveError) -> ArchiveMeta? {
        guard let bytes = try disk.read(Layout.meta(root)) else { return nil }
        guard let meta = try? JSONDecoder().decode(ArchiveMeta.self, from: Data(bytes)), meta.version == 1,
            Identifier128(meta.id) != nil
        else { throw ArchiveError(code: .damaged, operation: "understand", path: Layout.meta(root)) }
        return meta
    }

    func write(_ disk: any Disk, _ root: String) throws(ArchiveError) {
        let text = "{\"version\":1,\"id\":\"\(id)\",\"generation\":\(generation)}\n"
        try disk.write(Array(text.utf8), to: Layout.meta(root))
    }
}
