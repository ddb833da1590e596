import Bytes
import Platform

/// What an input does to the files of a sound archive.
///
/// Each patch is one byte for what is done, one for the file, and what it needs: see `apply`.
struct ArchivePatch {
    /// The files.
    var contents: [String: [UInt8]]
    /// The files that are no longer what they were.
    private(set) var touched: Set<String> = []
    /// Whether somebody made checksums fit, or made files that were not there: no accident does.
    private(set) var isForged = false

    private static let mostPatches = 8

    init(_ template: ArchiveTemplate, _ input: UnsafeRawBufferPointer) {
        contents = template.contents
        var reader = InputReader(input)
        var count = 0
        while !reader.isAtEnd, count < Self.mostPatches {
            let kind = reader.byte()
            let path = template.paths[Int(reader.byte()) % template.paths.count]
            apply(kind, path, &reader)
            count += 1
        }
    }

    private mutating func apply(_ kind: UInt8, _ path: String, _ reader: inout InputReader) {
        var bytes = contents[path] ?? []
        switch kind % 8 {
        case 0:
            let at = bytes.isEmpty ? 0 : reader.short() % bytes.count
            for byte in reader.take(1 + Int(reader.byte() % 64)).prefix(bytes.count - at).enumerated() {
                bytes[at + byte.offset] = byte.element
            }
        case 1: bytes = Array(bytes.prefix(reader.short()))
        case 2: bytes += reader.take(Int(reader.byte()))
        case 3:
            contents[path] = nil
            touched.insert(path)
            return
        case 4: bytes = reader.take(reader.short())
        case 5: forge(path, &bytes, &reader)
        case 6: rename(path, bytes, reader.byte())
        default:
            guard !bytes.isEmpty else { return }
            let at = reader.short() % bytes.count
            bytes[at] ^= 1 << (reader.byte() & 7)
        }
        if contents[path] != bytes { touched.insert(path) }
        contents[path] = bytes
    }

    /// Changes bytes and makes the checksum fit.
    private mutating func forge(_ path: String, _ bytes: inout [UInt8], _ reader: inout InputReader) {
        isForged = true
        if path.hasSuffix(".idx"), bytes.count >= 96 {
            let begin = Int(reader.byte()) % (bytes.count / 96) * 96
            let field = Int(reader.byte()) % 92
            for (index, byte) in reader.take(8).enumerated() where field + index < 92 {
                bytes[begin + field + index] = byte
            }
            seal(&bytes, from: begin, count: 92)
        } else if path.hasSuffix("/committed"), bytes.count >= 24 {
            for (index, byte) in reader.take(12).enumerated() { bytes[8 + index] = byte }
            seal(&bytes, from: 0, count: 20)
        } else if path.hasSuffix(".json"), !path.contains("_meta") {
            let tail = 23
            var body = Array(bytes.dropLast(min(tail, bytes.count)))
            let at = body.isEmpty ? 0 : reader.short() % body.count
            for (index, byte) in reader.take(Int(reader.byte() % 32)).enumerated() where at + index < body.count {
                body[at + index] = byte
            }
            let checksum = body.withUnsafeBytes { CRC32C.hardware.checksum(of: $0) }
            bytes = body + Array(",\"~crc32c\":\"\(UInt64(checksum).hexDigits.suffix(8))\"}\n".utf8)
        }
    }

    private func seal(_ bytes: inout [UInt8], from begin: Int, count: Int) {
        let checksum = bytes.withUnsafeBytes {
            CRC32C.hardware.checksum(of: UnsafeRawBufferPointer(rebasing: $0[begin..<begin + count]))
        }
        for index in 0..<4 { bytes[begin + count + index] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * index)) }
    }

    /// Puts a copy where a start, a close or another day would.
    private mutating func rename(_ path: String, _ bytes: [UInt8], _ choice: UInt8) {
        isForged = true
        guard let slash = path.lastIndex(of: "/") else { return }
        let folder = path[..<slash]
        let first = path[path.index(after: slash)...].prefix { $0.isNumber }
        let number = UInt64(first) ?? 0
        let names = [
            "\(folder)/.recover-\(number).data", "\(folder)/.recover-\(number).index", "\(folder)/\(first)-x.jsonl",
            "\(folder)/000000000001.idx", "\(folder)/000000000002.jsonl", "\(folder)/9223372036854775806.json",
            path.replacing("date=2026", with: "date=2025"),
            "\(ArchiveTemplate.root)/station=x/date=y/000000000000.jsonl",
        ]
        let name = names[Int(choice) % names.count]
        contents[name] = bytes
        touched.insert(name)
    }
}
