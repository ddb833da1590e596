import Archive
import Bytes
import CPlatform
import Foundation
import Testing
import Wire

let crc = CRC32C.portable
let start = Timestamp(microseconds: 1_795_500_000_000_000)
let alpha = Identifier128(high: 0xA, low: 1)
let beta = Identifier128(high: 0xB, low: 2)

func station(_ name: String) throws -> StationName { try #require(StationName(name)) }

/// A directory of a test's own, removed at the end.
final class Scratch {
    let path: String
    init() throws {
        path = NSTemporaryDirectory() + "enlace-archive-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func files(_ suffix: String) -> [String] {
        let all = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return all.filter { $0.hasSuffix(suffix) && !$0.hasPrefix("_meta") }.sorted().map { path + "/" + $0 }
    }
}

func open(
    _ scratch: Scratch,
    _ options: ArchiveOptions = ArchiveOptions(),
    at now: Timestamp = start
) throws -> ArchiveWriter {
    try ArchiveWriter(
        directory: scratch.path,
        options: options,
        now: now,
        newIdentifier: { Identifier128(high: 7, low: 7) },
        crc: crc
    )
}

/// The lines of a producer's events as an enricher leaves them.
func lines(_ producer: Identifier128, _ first: UInt64, _ count: Int, epoch: UInt64 = 1, padding: Int = 0) -> [UInt8] {
    var text = ""
    for sequence in first..<first + UInt64(count) {
        let moment = Timestamp(microseconds: start.microseconds + Int64(sequence) * 1_000_000)
        text += "{\"narrative\":\"\\\"occurred_at\\\":\\\"x\\\" año \(String(repeating: "x", count: padding))\","
        text += "\"occurred_at\": \"\(moment)\",\"extra\":{\"occurred_at\":\"1999\"},"
        text += "\"ingest\":{\"producer\":\"\(producer)\",\"epoch\":\"\(epoch.hexDigits)\",\"seq\":\(sequence),"
        text += "\"received_at\":\"\(start)\"}}\n"
    }
    return Array(text.utf8)
}

@discardableResult
func append(
    _ writer: ArchiveWriter,
    _ name: String,
    _ producer: Identifier128,
    _ first: UInt64,
    _ count: Int,
    epoch: UInt64 = 1,
    fork: Bool = false,
    skip: UInt32 = 0,
    at now: Timestamp = start,
    padding: Int = 0
) throws -> UInt64 {
    let payload = lines(producer, first, count, epoch: epoch, padding: padding)
    let header = BatchHeader(
        flags: .enriched,
        station: try station(name),
        producer: producer,
        epoch: epoch,
        firstSequence: first,
        count: UInt32(count),
        payloadBytes: UInt32(payload.count),
        receivedAt: now,
        payloadChecksum: payload.withUnsafeBytes { crc.checksum(of: $0) }
    )
    return try payload.withUnsafeBytes {
        try writer.append(header, payload: $0, skip: skip, line: fork ? 1 : 0, now: now)
    }
}

/// Appends events of the first producer at `nogales`.
@discardableResult
func append(
    _ writer: ArchiveWriter,
    _ first: UInt64,
    _ count: Int,
    epoch: UInt64 = 1,
    fork: Bool = false,
    skip: UInt32 = 0,
    at now: Timestamp = start,
    padding: Int = 0
) throws -> UInt64 {
    try append(
        writer,
        "nogales",
        alpha,
        first,
        count,
        epoch: epoch,
        fork: fork,
        skip: skip,
        at: now,
        padding: padding
    )
}

/// Everything committed at a station, by the reader.
func readAll(_ scratch: Scratch, _ name: String = "nogales", limit: Int = 4096) throws -> (
    bytes: [UInt8], damaged: [Range<UInt64>]
) { try readAll(scratch.path, disk: SystemDisk(), name, limit: limit) }

/// The same of an archive on any disk.
func readAll(_ directory: String, disk: any Disk, _ name: String, limit: Int) throws -> (
    bytes: [UInt8], damaged: [Range<UInt64>]
) {
    let reader = try ArchiveReader(directory: directory, disk: disk, crc: crc)
    var writer = ByteWriter()
    var damaged: [Range<UInt64>] = []
    var at: UInt64 = 0
    while true {
        let slice = try reader.read(station: try station(name), from: at, limitBytes: limit, into: &writer)
        damaged += slice.damaged
        guard slice.next > at else { break }
        at = slice.next
    }
    return (writer.array, damaged)
}

func closeSegments(_ writer: ArchiveWriter) throws { for work in writer.takeCloseWork() { try work.run() } }

func verify(_ scratch: Scratch) throws -> ArchiveReport {
    try ArchiveVerifier.verify(directory: scratch.path, crc: crc)
}

/// Changes one byte of a file.
func flip(_ path: String, at offset: Int) throws {
    var data = try Data(contentsOf: URL(fileURLWithPath: path))
    data[offset < 0 ? data.count + offset : offset] ^= 0x04
    try data.write(to: URL(fileURLWithPath: path))
}

func addBytes(_ path: String, _ bytes: [UInt8]) throws {
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(bytes))
    try handle.close()
}

/// Runs a command and gives its output, and fails when the command does.
func shell(_ command: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", command]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(command)")
    return String(decoding: output, as: UTF8.self)
}

func later(_ seconds: Int) -> Timestamp { Timestamp(microseconds: start.microseconds + Int64(seconds) * 1_000_000) }
