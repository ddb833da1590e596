import Archive
import Bytes
import Foundation
import Testing
import Wire

@Suite struct WriterTests {
    @Test(
        "an archive that is replaced or removed under its writer keeps nothing more, and says so",
        arguments: [true, false]
    )
    func replaced(isRemoved: Bool) throws {
        let scratch = try Scratch()
        let writer = try open(scratch)
        try append(writer, 1, 5)
        try writer.sync()
        let lines = try #require(scratch.files(".jsonl").first)
        try FileManager.default.moveItem(atPath: lines, toPath: lines + ".old")
        if !isRemoved { try FileManager.default.copyItem(atPath: lines + ".old", toPath: lines) }
        try append(writer, 6, 5)
        let error = #expect(throws: ArchiveError.self) { try writer.sync() }
        #expect(error?.code == .syncFailed)
        #expect("\(try #require(error))".contains("replaced or removed under the running sink"))
        #expect(writer.committedOffset(of: try station("nogales")) == 5)
    }

    @Test func `what is committed is there after a reopen, with its lines and watermarks`() throws {
        let scratch = try Scratch()
        do {
            let writer = try open(scratch)
            #expect(try append(writer, 1, 10) == 0)
            #expect(try append(writer, "nogales", beta, 5, 3) == 10)
            #expect(try append(writer, 8, 5, epoch: 2, skip: 3) == 13)
            #expect(writer.committedOffset(of: try station("nogales")) == 0)
            try writer.sync()
            #expect(writer.committedOffset(of: try station("nogales")) == 15)
        }
        let writer = try open(scratch)
        #expect(writer.notes.isEmpty)
        #expect(writer.nextOffset(of: try station("nogales")) == 15)
        let main = ArchiveLineView(epochs: [1: 1, 2: 11], committed: 12, isFork: false)
        #expect(writer.producers.first { $0.id == alpha }?.lines.map(ArchiveLineView.init) == [main])
        #expect(writer.producers.first { $0.id == beta }?.lines.first?.committed == 7)
        let expected = lines(alpha, 1, 10) + lines(beta, 5, 3) + lines(alpha, 11, 2, epoch: 2)
        #expect(try readAll(scratch).bytes == expected)
        #expect(try verify(scratch).isSound)
    }

    @Test func `a second writer is told that the archive is taken`() throws {
        let scratch = try Scratch()
        let first = try open(scratch)
        let error = #expect(throws: ArchiveError.self) { try open(scratch) }
        #expect(error?.code == .taken)
        #expect(error?.description.contains(scratch.path) == true)
        #expect(first.stations.isEmpty)
    }

    @Test func `readers see nothing that is not synced`() throws {
        let scratch = try Scratch()
        let writer = try open(scratch)
        try append(writer, 1, 2)
        #expect(try readAll(scratch).bytes.isEmpty)
        try writer.sync()
        try append(writer, 3, 2)
        #expect(try readAll(scratch).bytes == lines(alpha, 1, 2))
        #expect(try verify(scratch).events == 2)
        try writer.sync()
        #expect(try readAll(scratch).bytes == lines(alpha, 1, 4))
    }

    @Test(arguments: ["size", "age", "date"]) func `a segment closes by size, age or date`(_ why: String) throws {
        let scratch = try Scratch()
        var options = ArchiveOptions()
        if why == "size" { options.segmentBytes = 100 }
        if why != "age" { options.segmentSeconds = 10_000_000 }
        let writer = try open(scratch, options)
        try append(writer, 1, 3)
        try writer.sync()
        let now = later(why == "size" ? 0 : why == "age" ? 3_601 : 86_400)
        try append(writer, 4, 3, at: now)
        try writer.sync()
        #expect(scratch.files(".jsonl").count == 2)
        try closeSegments(writer)
        #expect(scratch.files(".json").count == 1)
        #expect(try readAll(scratch).bytes == lines(alpha, 1, 6))
        #expect(try verify(scratch).isSound)
        // The clock may go back; the partition's date does not.
        try writer.rotateIfDue(now: later(200_000))
        try append(writer, 7, 1, at: start)
        try writer.close()
        let dates = scratch.files(".jsonl").map { $0.split(separator: "/").first { $0.hasPrefix("date=") } ?? "" }
        #expect(dates.last ?? "" >= dates.first ?? "")
        #expect(try verify(scratch).isSound)
    }

    @Test func `other programs agree with lines, hashes and manifest`() throws {
        let scratch = try Scratch()
        var options = ArchiveOptions()
        options.segmentBytes = 1
        let writer = try open(scratch, options)
        for batch in 0..<3 {
            try append(writer, UInt64(batch * 5 + 1), 5)
            try writer.sync()
        }
        try writer.rotateIfDue(now: start)
        try closeSegments(writer)
        #expect(scratch.files(".json").count == 3)
        var before: String?
        for (manifest, data) in zip(scratch.files(".json"), scratch.files(".jsonl")) {
            let script = """
                import json,hashlib,sys
                m=json.load(open(sys.argv[1])); d=open(sys.argv[2],'rb').read().splitlines(True)
                for l in d: json.loads(l)
                h=b''.join(hashlib.sha256(l).digest() for l in d)
                assert h==open(sys.argv[2][:-6]+'.sha256','rb').read()
                assert hashlib.sha256(h).hexdigest()==m['lines_sha256']
                t=sorted(json.loads(l)['occurred_at'] for l in d)
                assert (t[0],t[-1])==(m['min_occurred_at'],m['max_occurred_at'])
                assert len(d)==m['count']==m['next_offset']-m['first_offset']
                print(m.get('previous_manifest_sha256') or '')
                """
            try script.write(toFile: scratch.path + "/oracle.py", atomically: true, encoding: .utf8)
            let chained = try shell("python3 \(scratch.path)/oracle.py \(manifest) \(data)")
            #expect(chained.trimmingCharacters(in: .whitespacesAndNewlines) == before ?? "")
            before = String(try shell("sha256sum \(manifest)").prefix(64))
        }
    }

    @Test func `a fork is a line of its own, also after a reopen`() throws {
        let scratch = try Scratch()
        for round in 0..<2 {
            let writer = try open(scratch)
            if round == 0 {
                try append(writer, 1, 10)
                try append(writer, 5, 2, epoch: 9, fork: true)
                try append(writer, 7, 2, epoch: 9, fork: true)
                try writer.sync()
            }
            let found = writer.producers.first?.lines.map(ArchiveLineView.init)
            #expect(
                found == [
                    ArchiveLineView(epochs: [1: 1], committed: 10, isFork: false),
                    ArchiveLineView(epochs: [9: 5], committed: 8, isFork: true),
                ]
            )
        }
        let report = try verify(scratch)
        #expect(report.isSound && report.forks.count == 1)
    }

    @Test func `an archive is free again although a child that was just forked has a copy of its lock`() throws {
        let scratch = try Scratch()
        var copy: Int32 = -1
        do {
            let writer = try open(scratch)
            // What a child has until it runs its own program: the same open file under another number.
            let names = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
            let number = names.compactMap { Int32($0) }.first { number in
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
                return target == scratch.path + "/_meta/lock"
            }
            copy = dup(try #require(number))
            try writer.close()
        }
        #expect(copy >= 0)
        defer { _ = Foundation.close(copy) }
        _ = try open(scratch)
    }

    @Test func `a gap's generation is newer than any that a producer has heard of`() throws {
        let scratch = try Scratch()
        let writer = try open(scratch)
        func gap(above heard: UInt32, _ sequence: UInt64) throws -> UInt32 {
            try writer.recordGap(
                station: try station("nogales"),
                producer: alpha,
                parts: [(epoch: 1, from: sequence, through: sequence)],
                above: heard,
                now: start
            )
        }
        #expect(try gap(above: 9, 1) == 10)
        #expect(try gap(above: 4, 2) == 11)
    }

    @Test func `a gap begins a generation and is reported, never silent`() throws {
        let scratch = try Scratch()
        do {
            let writer = try open(scratch)
            try append(writer, 1, 10)
            let generation = try writer.recordGap(
                station: try station("nogales"),
                producer: alpha,
                parts: [(epoch: 1, from: 11, through: 20)],
                now: start
            )
            #expect(generation == 2)
            try append(writer, 21, 1)
            try writer.sync()
        }
        let writer = try open(scratch)
        #expect(writer.generation == 2)
        #expect(writer.producers.first?.lines.first?.committed == 21)
        let report = try verify(scratch)
        #expect(report.isSound && report.gaps.count == 1)
        #expect(report.gaps.first?.what.contains("11 to 20") == true)
    }

    @Test func `a full disk takes back what is not committed and goes on later`() throws {
        guard getuid() == 0 else { return }
        let scratch = try Scratch()
        let disk = scratch.path + "/disk"
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: false)
        guard (try? shell("mount -t tmpfs -o size=1m tmpfs \(disk) && echo ok")) == "ok\n" else { return }
        defer { _ = try? shell("umount \(disk)") }
        try {
            let writer = try ArchiveWriter(
                directory: disk,
                now: start,
                newIdentifier: { Identifier128(high: 7, low: 7) },
                crc: crc
            )
            try append(writer, 1, 5)
            try writer.sync()
            try Data(repeating: 1, count: 600_000).write(to: URL(fileURLWithPath: disk + "/ballast"))
            let error = #expect(throws: ArchiveError.self) {
                for batch in 0..<100 { try append(writer, UInt64(6 + batch * 5), 5, padding: 4_000) }
                try writer.sync()
            }
            #expect(error?.isTemporary == true)
            #expect(writer.nextOffset(of: try station("nogales")) == 5)
            try FileManager.default.removeItem(atPath: disk + "/ballast")
            #expect(try append(writer, 6, 5, padding: 4_000) == 5)
            try writer.sync()
            #expect(try ArchiveVerifier.verify(directory: disk, crc: crc).isSound)
            #expect(try ArchiveVerifier.verify(directory: disk, crc: crc).events == 10)
        }()
    }

    @Test func `a batch with fewer lines than it says is refused`() throws {
        let scratch = try Scratch()
        let writer = try open(scratch)
        let payload = lines(alpha, 1, 2)
        let header = BatchHeader(
            flags: [],
            station: try station("nogales"),
            producer: alpha,
            epoch: 1,
            firstSequence: 1,
            count: 3,
            payloadBytes: UInt32(payload.count),
            receivedAt: start,
            payloadChecksum: 0
        )
        #expect(throws: ArchiveError.self) {
            try payload.withUnsafeBytes { try writer.append(header, payload: $0, line: 0, now: start) }
        }
    }
}

struct ArchiveLineView: Equatable {
    var epochs: [UInt64: UInt64]
    var committed: UInt64
    var isFork: Bool
    init(epochs: [UInt64: UInt64], committed: UInt64, isFork: Bool) {
        (self.epochs, self.committed, self.isFork) = (epochs, committed, isFork)
    }
    init(_ line: ArchiveLine) {
        epochs = Dictionary(uniqueKeysWithValues: line.epochs.map { ($0.epoch, $0.firstSequence) })
        (committed, isFork) = (line.committed, line.isFork)
    }
}
