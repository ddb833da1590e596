import Archive
import Bytes
import Foundation
import Testing
import Wire

/// Damage by name. Each is made on an archive of three closed segments and an open one, ten events a batch, two batches
/// a closed segment; then the sink starts, everything else is read, `verify` names the positions, and it goes on.
@Suite struct CorruptionTests {
    private let name = StationName("nogales")!
    private let scratch: Scratch
    private var options = ArchiveOptions()
    private var files: FileManager { .default }

    init() throws {
        scratch = try Scratch()
        options.segmentBytes = 2 * lines(alpha, 1, 10).count
        let writer = try open(scratch, options)
        for batch in 0..<8 {
            if batch == 7 { try closeSegments(writer) }
            try append(writer, UInt64(batch * 10 + 1), 10)
            try writer.sync()
        }
        try writer.rotateIfDue(now: start)
        // The last of the closed ones has no manifest yet.
        _ = writer.takeCloseWork()
        try append(writer, 81, 10)
        try writer.sync()
        try append(writer, 91, 10)
        try writer.sync()
    }

    private func path(_ segment: Int, _ suffix: String) -> String {
        let digits = String(segment * 20)
        return "\(scratch.path)/station=nogales/date=2026-11-24/\(String(repeating: "0", count: 12 - digits.count))"
            + digits + suffix
    }

    private func edit(_ path: String, _ change: (inout Data) -> Void) throws {
        var data = try Data(contentsOf: URL(fileURLWithPath: path))
        change(&data)
        try data.write(to: URL(fileURLWithPath: path))
    }

    private func zero(_ path: String, at: Int, count: Int) throws {
        try edit(path) {
            $0.replaceSubrange(at..<min(at + count, $0.count), with: Data(count: min(count, $0.count - at)))
        }
    }

    /// Starts the sink, checks what is left, goes on, and starts it again. `lost` are whole batches.
    private func check(lost: [Range<UInt64>], watermark: UInt64 = 100, _ comment: Comment? = nil) throws {
        var expected: [UInt8] = []
        for batch in 0..<10 where !lost.contains(where: { $0.contains(UInt64(batch * 10)) }) {
            expected += lines(alpha, UInt64(batch * 10 + 1), 10)
        }
        for round in 0..<2 {
            let writer = try open(scratch, options, at: later(round))
            let next = UInt64(100 + round * 5)
            #expect(writer.nextOffset(of: name) == next, comment)
            #expect(writer.producers.count == 1, comment)
            let reached = round == 0 ? watermark : watermark + 5
            #expect(writer.producers.first?.lines.map(\.committed) == [reached], comment)
            let found = try readAll(scratch)
            #expect(found.bytes == expected, comment)
            #expect(merged(found.damaged) == merged(lost), comment)
            try named(lost, comment)
            #expect(try append(writer, reached + 1, 5, at: later(round)) == next, comment)
            try writer.sync()
            expected += lines(alpha, reached + 1, 5)
            #expect(try readAll(scratch).bytes == expected, comment)
            try closeSegments(writer)
            try named(lost, comment)
        }
    }

    private func named(_ lost: [Range<UInt64>], _ comment: Comment?) throws {
        let report = try verify(scratch)
        let ranges = report.damage.compactMap(\.offsets).filter { !$0.isEmpty }
        // A finding about a whole manifest or its hashes names all of the segment; what is asked here is what is lost.
        let files = report.damage.filter { $0.path.hasSuffix(".jsonl") || $0.path.hasSuffix(".idx") }
        let exact = files.compactMap(\.offsets).filter { !$0.isEmpty }
        #expect(merged(exact) == merged(lost), "\(comment ?? "") \(report.text)")
        #expect(lost.isEmpty == ranges.isEmpty, "\(comment ?? "") \(report.text)")
    }

    /// Ranges that touch joined.
    private func merged(_ ranges: [Range<UInt64>]) -> [Range<UInt64>] {
        ranges.sorted { $0.lowerBound < $1.lowerBound }.reduce(into: []) { result, range in
            if let last = result.last, last.upperBound >= range.lowerBound {
                result[result.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                result.append(range)
            }
        }
    }

    // MARK: - The open segment

    @Test(arguments: [1, 95, 96, 97]) func `a torn tail that was never acknowledged goes away`(_ count: Int) throws {
        try addBytes(path(4, ".jsonl"), Array(lines(alpha, 101, 1).prefix(count)))
        try addBytes(path(4, ".idx"), [UInt8](repeating: 7, count: count))
        try check(lost: [])
    }

    @Test func `a damaged record of a segment with a successor costs what it stood for, not what follows it`() throws {
        // There is no manifest yet; that a later segment begins behind it proves that all of it was synced.
        try edit(path(3, ".idx")) { $0[10] ^= 1 }
        try check(lost: [60..<70])
    }

    @Test func `acknowledged lines that were cut off are named`() throws {
        try edit(path(4, ".jsonl")) { $0.removeLast(7) }
        #expect(try verify(scratch).damage.compactMap(\.offsets) == [90..<100])
        try check(lost: [90..<100], watermark: 90)
    }

    @Test func `an acknowledged record of the index that was cut off is named`() throws {
        try edit(path(4, ".idx")) { $0.removeLast(7) }
        #expect(try verify(scratch).damage.compactMap(\.offsets) == [90..<100])
        try check(lost: [90..<100], watermark: 90)
    }

    @Test func `a page of zeros in the lines costs its batch`() throws {
        try zero(path(4, ".jsonl"), at: 0, count: 1_000)
        #expect(try verify(scratch).damage.compactMap(\.offsets) == [80..<90])
        try check(lost: [80..<90])
    }

    @Test func `a page of zeros in the index costs what it described`() throws {
        try zero(path(4, ".idx"), at: 0, count: 4_096)
        #expect(merged(try verify(scratch).damage.compactMap(\.offsets)) == [80..<100])
        try check(lost: [80..<100], watermark: 80)
    }

    @Test func `the commit mark is not needed, and one that lies is not believed`() throws {
        let mark = scratch.path + "/station=nogales/committed"
        for change in 0..<3 {
            switch change {
            case 0: try files.removeItem(atPath: mark)
            case 1: try flip(mark, at: 9)
            default: try edit(mark) { $0.removeLast(3) }
            }
            let writer = try open(scratch, options)
            #expect(writer.committedOffset(of: name) == 100)
        }
        try files.removeItem(atPath: mark)
        try check(lost: [])
    }

    @Test(arguments: [true, false], [true, false])
    func `copies that a start left are finished or dropped`(_ hasData: Bool, _ hasIndex: Bool) throws {
        let folder = scratch.path + "/station=nogales/date=2026-11-24"
        if hasData { try Data("half a line".utf8).write(to: URL(fileURLWithPath: folder + "/.recover-80.data")) }
        // Without its lines the copy of the index has been synced: it is what the lines now belong to.
        if hasIndex {
            let index = try Data(contentsOf: URL(fileURLWithPath: path(4, ".idx")))
            try index.write(to: URL(fileURLWithPath: folder + "/.recover-80.index"))
            if !hasData { try zero(path(4, ".idx"), at: 0, count: 4_096) }
        }
        try check(lost: [])
        #expect(try files.contentsOfDirectory(atPath: folder).allSatisfy { !$0.hasPrefix(".recover") })
    }

    @Test func `small files that were not finished are nobody's`() throws {
        let folder = scratch.path + "/station=nogales/date=2026-11-24"
        for left in [
            "\(folder)/.000000000060-json.tmp", "\(folder)/.000000000060-sha256.tmp",
            "\(scratch.path)/_meta/.archive-json.tmp",
        ] {
            try Data("{\"half\":".utf8).write(to: URL(fileURLWithPath: left))
        }
        try check(lost: [])
    }

    // MARK: - Closed segments

    @Test(arguments: [".jsonl", ".idx"]) func `a flipped bit in a closed segment costs its batch`(_ suffix: String)
        throws
    {
        try flip(path(1, suffix), at: suffix == ".idx" ? 96 + 20 : lines(alpha, 1, 10).count + 40)
        try named([30..<40], nil)
        try check(lost: [30..<40])
    }

    @Test(arguments: [".json", ".sha256"]) func `what is missing or wrong beside a closed segment loses no event`(
        _ suffix: String
    ) throws {
        try flip(path(1, suffix), at: 20)
        #expect(try verify(scratch).damage.map(\.path).contains(path(1, suffix)))
        try files.removeItem(atPath: path(2, suffix))
        let report = try verify(scratch)
        #expect((report.damage + report.notes).map(\.path).contains(path(2, suffix)), "\(report.text)")
        let writer = try open(scratch, options)
        #expect(writer.nextOffset(of: name) == 100)
        #expect(try readAll(scratch).bytes == lines(alpha, 1, 100))
    }

    @Test func `the index of a closed segment without a manifest is made again`() throws {
        try files.removeItem(atPath: path(3, ".idx"))
        try check(lost: [])
    }

    @Test func `a closed file of lines that is gone costs its events and no others`() throws {
        try files.removeItem(atPath: path(1, ".jsonl"))
        let writer = try open(scratch, options)
        #expect(writer.nextOffset(of: name) == 100)
        let found = try readAll(scratch)
        #expect(found.bytes == lines(alpha, 1, 20) + lines(alpha, 41, 60))
        #expect(merged(found.damaged) == [20..<40])
        #expect(merged(try verify(scratch).damage.compactMap(\.offsets)) == [20..<40])
    }

    @Test func `a record copied from another place is not believed`() throws {
        let record = try Data(contentsOf: URL(fileURLWithPath: path(1, ".idx"))).prefix(96)
        try edit(path(4, ".idx")) { $0.replaceSubrange(0..<96, with: record) }
        try check(lost: [80..<90])
    }

    @Test func `a manifest of another station is not believed`() throws {
        try closeOneOfAnotherStation()
        let foreign = try #require(scratch.files(".json").first { $0.contains("douglas") })
        let manifest = try Data(contentsOf: URL(fileURLWithPath: foreign))
        try manifest.write(to: URL(fileURLWithPath: path(3, ".json")))
        #expect(try verify(scratch).damage.map(\.path).contains(path(3, ".json")))
        let again = try open(scratch, options)
        let mine = again.producers.filter { $0.station == name }
        #expect(mine.map(\.id) == [alpha] && mine.first?.lines.map(\.committed) == [100])
        #expect(again.nextOffset(of: name) == 100)
    }

    private func closeOneOfAnotherStation() throws {
        let writer = try open(scratch, options)
        for first in [UInt64(1), 11] {
            try append(writer, "douglas", beta, first, 10)
            try writer.sync()
        }
        try writer.rotateIfDue(now: start)
        try closeSegments(writer)
    }

    // MARK: - What does not belong there

    @Test func `foreign names in the tree are left alone`() throws {
        let folder = scratch.path + "/station=nogales/date=2026-11-24"
        for name in ["7.jsonl", "+0000000000700.jsonl", "000000000100.jsonl.bak", "notes.json", "x.idx"] {
            try Data("foreign\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
        for directory in [
            "\(folder)/000000000500.jsonl", "\(folder)/000000000000", "\(scratch.path)/station=UPPER CASE",
            "\(scratch.path)/lost+found", "\(scratch.path)/station=nogales/date=yesterday",
        ] { try files.createDirectory(atPath: directory, withIntermediateDirectories: true) }
        for file in ["\(scratch.path)/station=douglas", "\(scratch.path)/station=nogales/date=2026-11-30"] {
            try Data("foreign\n".utf8).write(to: URL(fileURLWithPath: file))
        }
        _ = try shell(
            "cd '\(folder)' && : > \"$(printf '\\377\\376.jsonl')\" && : > \"$(printf '0000000000\\377.idx')\""
        )
        try check(lost: [])
        #expect(files.fileExists(atPath: "\(folder)/7.jsonl"))
    }

    @Test func `a directory where the first segment should be is named, and the rest goes on`() throws {
        try files.removeItem(atPath: path(0, ".jsonl"))
        try files.createDirectory(atPath: path(0, ".jsonl"), withIntermediateDirectories: false)
        let writer = try open(scratch, options)
        #expect(writer.nextOffset(of: name) == 100)
        #expect(try readAll(scratch).bytes == lines(alpha, 21, 80))
        #expect(try verify(scratch).damage.compactMap(\.offsets).contains(0..<20))
    }

    @Test func `a directory where lines of an open segment should be is moved away`() throws {
        try files.removeItem(atPath: path(4, ".jsonl"))
        try files.createDirectory(atPath: path(4, ".jsonl") + "/inside", withIntermediateDirectories: true)
        try check(lost: [80..<100], watermark: 80)
    }

    @Test func `the same segment under two dates is named, and nothing is lost`() throws {
        let copy = scratch.path + "/station=nogales/date=2026-11-25"
        try files.createDirectory(atPath: copy, withIntermediateDirectories: false)
        for suffix in [".jsonl", ".idx"] {
            try files.copyItem(atPath: path(4, suffix), toPath: copy + "/000000000080" + suffix)
        }
        #expect(try verify(scratch).damage.contains { $0.what.contains("doubled") })
        let writer = try open(scratch, options)
        #expect(writer.nextOffset(of: name) == 100)
        #expect(writer.producers.first?.lines.map(\.committed) == [100])
        #expect(try readAll(scratch).bytes == lines(alpha, 1, 100))
        #expect(try append(writer, 101, 5) == 100)
        try writer.sync()
        #expect(try readAll(scratch).bytes == lines(alpha, 1, 105))
    }
}
