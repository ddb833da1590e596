import Archive
import Bytes
import Foundation
import Testing
import Wire

struct IndexScanTests {
    /// The facts behind a cursor; nil when the archive is another than it was.
    func facts(
        _ scan: ArchiveIndexScan,
        _ cursor: inout ArchiveIndexScan.Cursor
    ) throws -> [ArchiveIndexFact]? {
        var facts: [ArchiveIndexFact] = []
        return try scan.read(try station("nogales"), from: &cursor) { facts.append($0) } ? facts : nil
    }

    @Test func `a cursor goes on where it stopped, over segments, and sees only what is committed`() throws {
        let scratch = try Scratch()
        var options = ArchiveOptions()
        options.segmentBytes = 600
        let writer = try open(scratch, options)
        let scan = try ArchiveIndexScan(directory: scratch.path, crc: crc)
        var cursor = ArchiveIndexScan.Cursor()
        #expect(try facts(scan, &cursor) == [])
        var all: [ArchiveIndexFact] = []
        for round in 0..<12 {
            try append(writer, UInt64(3 * round + 1), 3)
            #expect(try facts(scan, &cursor) == [], "not committed")
            try writer.sync()
            let new = try #require(try facts(scan, &cursor))
            #expect(new.map(\.firstSequence) == [UInt64(3 * round + 1)])
            all += new
        }
        #expect(scratch.files(".idx").count > 3)
        var fresh = ArchiveIndexScan.Cursor()
        #expect(try facts(scan, &fresh) == all)
        #expect(fresh == cursor)
        #expect(cursor.next == 36)
        try writer.close()
    }

    @Test func `forks, gaps, damage and unreadable entries come as what they are`() throws {
        let scratch = try Scratch()
        let writer = try open(scratch)
        try append(writer, 1, 4)
        try append(writer, 3, 2, epoch: 2, fork: true)
        try writer.sync()
        _ = try writer.recordGap(
            station: try station("nogales"),
            producer: alpha,
            parts: [(epoch: 1, from: 5, through: 7)],
            now: start
        )
        try append(writer, 8, 2)
        try append(writer, 10, 1)
        try writer.close()
        let index = try #require(scratch.files(".idx").first)
        try flip(index, at: 3 * 96 + 20)
        let scan = try ArchiveIndexScan(directory: scratch.path, crc: crc)
        var cursor = ArchiveIndexScan.Cursor()
        let found = try #require(try facts(scan, &cursor))
        #expect(found.map(\.kind) == [.batch, .fork, .gap, .unreadable, .batch])
        #expect(found.map(\.count) == [4, 2, 0, 2, 1])
        #expect(found[3].offset == 6)
    }

    @Test func `an archive in which the cursor's segment is gone is to be read from the front`() throws {
        let scratch = try Scratch()
        var options = ArchiveOptions()
        options.segmentBytes = 10
        let writer = try open(scratch, options)
        for sequence in 1...3 {
            try append(writer, UInt64(sequence), 1)
            try writer.sync()
        }
        let scan = try ArchiveIndexScan(directory: scratch.path, crc: crc)
        var cursor = ArchiveIndexScan.Cursor()
        _ = try facts(scan, &cursor)
        try writer.close()
        for suffix in [".idx", ".jsonl"] {
            for path in scratch.files(suffix) where !path.contains("000000000002.") {
                try FileManager.default.removeItem(atPath: path)
            }
        }
        var fresh = ArchiveIndexScan.Cursor()
        #expect(try facts(scan, &fresh)?.map(\.firstSequence) == [3])
        #expect(fresh.oldest == 2)
        for path in scratch.files(".idx") + scratch.files(".jsonl") { try FileManager.default.removeItem(atPath: path) }
        #expect(try facts(scan, &cursor) == nil)
    }
}
