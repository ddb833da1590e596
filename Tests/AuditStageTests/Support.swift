import Archive
import AuditStage
import Bytes
import Foundation
import Outbox
import Testing
import Wire

let crc = CRC32C.portable
let nogales = StationName("nogales")!
let start = Timestamp(microseconds: 1_795_500_000_000_000)

/// A state directory of a test's own.
final class State {
    let path: String
    var archivePath: String { path + "/archive" }

    init() throws {
        path = NSTemporaryDirectory() + "enlace-audit-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// An outbox must be let go before it is looked into: LMDB's locks belong to the process.
    func outbox(_ name: String = "main") throws -> Outbox {
        try Outbox.open(
            directory: "\(path)/outbox/nogales.\(name)",
            station: nogales,
            name: name,
            capBytes: 64 * 1_048_576,
            reservePercent: 0,
            now: start,
            newIdentifier: { Identifier128(high: .random(in: 1 ... .max), low: 1) },
            newEpoch: { .random(in: 1 ... .max) },
            crc: crc
        )
    }

    func archive(segmentBytes: Int = 1 << 26) throws -> ArchiveWriter {
        var options = ArchiveOptions()
        options.segmentBytes = segmentBytes
        return try ArchiveWriter(
            directory: archivePath,
            options: options,
            now: start,
            newIdentifier: { Identifier128(high: 7, low: 7) },
            crc: crc
        )
    }

    func auditor() -> Auditor {
        Auditor(options: Auditor.Options(stateDirectory: path, archiveDirectory: archivePath), crc: crc)
    }
}

func event(_ number: Int, id: String? = nil) -> String {
    "{\"station\":\"nogales\",\"n\":\(number)" + (id.map { ",\"id\" : \"\($0)\"" } ?? "") + "}\n"
}

func accept(_ outbox: Outbox, _ events: [String]) throws {
    let bytes = Array(events.joined().utf8)
    _ = try outbox.write { (write: inout OutboxWrite) throws(OutboxError) in
        let raw = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
        defer { raw.deallocate() }
        raw.copyBytes(from: bytes)
        return try write.append(
            payload: UnsafeRawBufferPointer(raw),
            count: events.count,
            receivedAt: start,
            checksum: crc.checksum(of: UnsafeRawBufferPointer(raw))
        )
    }
}

/// Archives the outbox's batches from a sequence on, and lets the outbox know.
func archive(_ outbox: Outbox, _ writer: ArchiveWriter, from: UInt64, batches: Int, dead: Bool = false) throws -> UInt64
{
    var next = from
    for _ in 0..<batches {
        var bytes = ByteWriter()
        guard var header = try outbox.nextBatch(from: next, into: &bytes) else { break }
        if dead { header.flags = [.enriched, .unenriched] }
        let payload = UnsafeRawBufferPointer(rebasing: bytes.bytes[BatchHeader.encodedBytes...])
        _ = try writer.append(
            header,
            payload: payload,
            skip: UInt32(next - header.firstSequence),
            line: 0,
            now: start
        )
        next = header.lastSequence + 1
    }
    try writer.sync()
    try outbox.write { (write: inout OutboxWrite) throws(OutboxError) in
        _ = try write.trim(through: next - 1)
        try write.setCommitted(next - 1, archive: writer.identifier, generation: writer.generation)
    }
    return next
}
