import Archive
import Bytes
import Foundation
import Testing
import Wire

@Suite struct DamageTests {
    /// Three batches of ten at `nogales`, committed, the writer gone.
    private func three(_ scratch: Scratch) throws {
        let writer = try open(scratch)
        for batch in 0..<3 {
            try append(writer, UInt64(batch * 10 + 1), 10)
            try writer.sync()
        }
    }

    private func closed(_ scratch: Scratch) throws {
        var options = ArchiveOptions()
        options.segmentBytes = 1
        let writer = try open(scratch, options)
        for batch in 0..<3 {
            try append(writer, UInt64(batch * 10 + 1), 10)
            try writer.sync()
        }
        try closeSegments(writer)
    }

    @Test(arguments: [0, 1, 50, 95, 96, 200])
    func `bytes that were never committed go away at start`(_ extra: Int) throws {
        let scratch = try Scratch()
        try three(scratch)
        try addBytes(scratch.files(".jsonl")[0], Array(lines(alpha, 31, 3).prefix(extra)))
        try addBytes(scratch.files(".idx")[0], [UInt8](repeating: 0x5A, count: extra))
        #expect(try readAll(scratch).bytes == lines(alpha, 1, 30))
        let writer = try open(scratch)
        #expect(writer.nextOffset(of: try station("nogales")) == 30)
        #expect(writer.producers.first?.lines.first?.committed == 30)
        #expect(try append(writer, 31, 1) == 30)
        try writer.sync()
        #expect(try readAll(scratch).bytes == lines(alpha, 1, 31))
        #expect(try verify(scratch).isSound)
    }

    @Test func `a bit flipped in a line costs its batch, by name, and no other`() throws {
        let scratch = try Scratch()
        try three(scratch)
        try flip(scratch.files(".jsonl")[0], at: lines(alpha, 1, 10).count + 40)
        #expect(try verify(scratch).damage.map(\.offsets) == [10..<20])
        #expect(try readAll(scratch).damaged == [10..<20])
        for _ in 0..<2 {
            let writer = try open(scratch)
            #expect(writer.nextOffset(of: try station("nogales")) == 30)
            #expect(writer.producers.first?.lines.first?.committed == 30)
            let found = try readAll(scratch)
            #expect(found.bytes == lines(alpha, 1, 10) + lines(alpha, 21, 10))
            #expect(found.damaged == [10..<20])
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/_meta/damaged").count == 1)
    }

    @Test func `a watermark does not advance over damage at the end`() throws {
        let scratch = try Scratch()
        try three(scratch)
        try flip(scratch.files(".jsonl")[0], at: -10)
        let writer = try open(scratch)
        #expect(writer.producers.first?.lines.first?.committed == 20)
        #expect(writer.nextOffset(of: try station("nogales")) == 30)
        #expect(!writer.notes.isEmpty)
        #expect(try append(writer, 21, 10) == 30)
        try writer.sync()
        #expect(try verify(scratch).damage.map(\.offsets) == [20..<30])
    }

    @Test(arguments: [0, 1, 2]) func `a bit flipped in the index costs its batch`(_ number: Int) throws {
        let scratch = try Scratch()
        try three(scratch)
        try flip(scratch.files(".idx")[0], at: number * 96 + 60)
        #expect(!(try verify(scratch).isSound))
        let lost = UInt64(number * 10)..<UInt64(number * 10 + 10)
        #expect(try readAll(scratch).damaged == [lost])
        let writer = try open(scratch)
        #expect(writer.nextOffset(of: try station("nogales")) == 30)
        #expect(try readAll(scratch).damaged == [lost])
    }

    @Test func `a missing index is rebuilt from the lines, and said`() throws {
        let scratch = try Scratch()
        try three(scratch)
        try FileManager.default.removeItem(atPath: scratch.files(".idx")[0])
        #expect(!(try verify(scratch).isSound))
        let writer = try open(scratch)
        #expect(writer.notes.contains { $0.contains("rebuilt") })
        #expect(writer.producers.first?.lines.first?.committed == 30)
        #expect(try readAll(scratch).bytes == lines(alpha, 1, 30))
        #expect(try verify(scratch).isSound)
    }

    @Test func `a missing or damaged manifest is named, and made again`() throws {
        for isRemoved in [true, false] {
            let scratch = try Scratch()
            try closed(scratch)
            let last = try #require(scratch.files(".json").last)
            if isRemoved { try FileManager.default.removeItem(atPath: last) } else { try flip(last, at: 30) }
            let before = try verify(scratch)
            #expect(before.damage.count + before.notes.count > 0)
            let writer = try open(scratch)
            #expect(writer.producers.first?.lines.first?.committed == 30)
            try closeSegments(writer)
            let after = try verify(scratch)
            #expect(after.isSound, "\(after.text)")
            #expect(after.notes.isEmpty && after.events == 30)
        }
    }

    @Test func `every flipped byte of a closed segment is found`() throws {
        let scratch = try Scratch()
        try closed(scratch)
        #expect(try verify(scratch).isSound)
        for suffix in [".jsonl", ".idx", ".json", ".sha256"] {
            let path = scratch.files(suffix)[0]
            let size = try Data(contentsOf: URL(fileURLWithPath: path)).count
            for offset in stride(from: 0, to: size, by: max(size / 23, 1)) {
                try flip(path, at: offset)
                #expect(!(try verify(scratch).isSound), "\(suffix) \(offset)")
                try flip(path, at: offset)
            }
        }
        let report = try verify(scratch)
        #expect(report.isSound)
        try report.json.write(toFile: scratch.path + "/report", atomically: true, encoding: .utf8)
        #expect(
            try shell(
                "python3 -c 'import json,sys;print(json.load(open(sys.argv[1]))[\"events\"])' \(scratch.path)/report"
            ) == "30\n"
        )
    }

    @Test func `a missing segment is named and its offsets are not given out again`() throws {
        let scratch = try Scratch()
        try closed(scratch)
        for suffix in [".jsonl", ".idx", ".json", ".sha256"] {
            try FileManager.default.removeItem(atPath: scratch.files(suffix)[1])
        }
        #expect(try verify(scratch).damage.contains { $0.offsets == 10..<20 })
        #expect(try readAll(scratch).damaged == [10..<20])
        let writer = try open(scratch)
        #expect(writer.nextOffset(of: try station("nogales")) == 30)
    }
}

@Suite struct ReaderTests {
    @Test func `a read begins at any event and is filtered by both times`() throws {
        let scratch = try Scratch()
        let writer = try open(scratch)
        for batch in 0..<5 { try append(writer, UInt64(batch * 10 + 1), 10, at: later(batch)) }
        try writer.sync()
        let reader = try ArchiveReader(directory: scratch.path, crc: crc)
        let name = try station("nogales")
        for from in 0..<50 {
            var bytes = ByteWriter()
            let slice = try reader.read(station: name, from: UInt64(from), into: &bytes)
            #expect(slice.next == 50 && slice.count == 50 - from)
            #expect(bytes.array == lines(alpha, UInt64(from) + 1, 50 - from))
        }
        var bytes = ByteWriter()
        var slice = try reader.read(
            station: name,
            from: 0,
            filter: ArchiveFilter(received: later(1)..<later(3)),
            into: &bytes
        )
        #expect(bytes.array == lines(alpha, 11, 20) && slice.offsets == [10..<30])
        bytes.removeAll()
        slice = try reader.read(
            station: name,
            from: 0,
            filter: ArchiveFilter(occurred: later(8)..<later(13)),
            into: &bytes
        )
        #expect(bytes.array == lines(alpha, 8, 5) && slice.offsets == [7..<12] && slice.next == 50)
    }
}
