import Archive
import Bytes
import Platform
import Wire

/// An archive whose files are not what the writer left.
public enum ArchiveBody {
    static func run(_ input: UnsafeRawBufferPointer) throws {
        let patch = ArchivePatch(.shared, input)
        try Check(disk: MemoryDisk(patch.contents), root: ArchiveTemplate.root, patch: patch).run()
    }

    /// The same on the operating system's files, in an empty directory of the caller's.
    public static func run(
        _ input: [UInt8],
        directory: String,
        write: (_ path: String, _ bytes: [UInt8]) throws -> Void
    ) throws {
        let patch = input.withUnsafeBytes { ArchivePatch(.shared, $0) }
        for (path, bytes) in patch.contents { try write(directory + path.dropFirst(ArchiveTemplate.root.count), bytes) }
        try Check(disk: SystemDisk(), root: directory, patch: patch).run()
    }
}

private struct Check {
    let disk: any Disk
    let root: String
    let patch: ArchivePatch

    private static let always = Timestamp.writable.lowerBound..<Timestamp.writable.upperBound

    private var hasIdentity: Bool { !patch.touched.contains(ArchiveTemplate.root + "/_meta/archive.json") }

    func run() throws {
        try read("before the start")
        guard let next = try start() else { return }
        try again(next)
        try read("after a second start")
    }

    /// Starts a writer on it and appends; the offsets that come next, or nil when it rightly refuses.
    private func start() throws -> [StationName: UInt64]? {
        let writer: ArchiveWriter
        do throws(ArchiveError) { writer = try ArchiveTemplate.open(disk, root: root) } catch {
            try expect(!hasIdentity || patch.isForged, "the archive does not start: \(error)")
            return nil
        }
        try expect(writer.notes.count < 100, "a start with \(writer.notes.count) notes")
        try read("after the start")
        try append(writer)
        return Dictionary(uniqueKeysWithValues: writer.stations.map { ($0, writer.nextOffset(of: $0)) })
    }

    /// Reads everything as a reader and a verifier do; what nobody touched must be there.
    private func read(_ when: String) throws {
        do throws(ArchiveError) {
            let report = try ArchiveVerifier.verify(directory: root, disk: disk, crc: .hardware)
            _ = (report.json, report.text)
        } catch { return try expect(!hasIdentity, "cannot be verified \(when): \(error)") }
        let reader = try ArchiveReader(directory: root, disk: disk, crc: .hardware)
        for station in try reader.stations() { try readAll(reader, station, when) }
        guard !patch.isForged else { return }
        for segment in ArchiveTemplate.shared.segments {
            let files = [".jsonl", ".idx"].map { segment.stem + $0 }
            guard patch.touched.isDisjoint(with: files) else { continue }
            for (offset, line) in segment.lines {
                var writer = ByteWriter()
                let slice = try reader.read(station: segment.station, from: offset, limitBytes: 1, into: &writer)
                let isThere = slice.damaged.isEmpty && writer.bytes.starts(with: line)
                try expect(isThere, "\(segment.station)@\(offset) was not touched and is gone \(when)")
            }
        }
    }

    private func readAll(_ reader: ArchiveReader, _ station: StationName, _ when: String) throws {
        var at: UInt64 = 0
        var steps = 0
        let committed = try reader.committedOffset(of: station)
        var writer = ByteWriter()
        while at < committed {
            writer.removeAll()
            let filter = steps % 2 == 0 ? ArchiveFilter.all : ArchiveFilter(occurred: Self.always)
            let slice: ArchiveSlice
            do throws(ArchiveError) {
                slice = try reader.read(station: station, from: at, limitBytes: 256, filter: filter, into: &writer)
            } catch { return try expect(!patch.touched.isEmpty, "\(station)@\(at) cannot be read \(when): \(error)") }
            try expect(slice.next > at || slice.next >= committed, "reading stands still at \(station)@\(at) \(when)")
            try expect(slice.next <= committed || patch.isForged, "reading goes beyond what is committed")
            let lines = writer.bytes.count { $0 == 10 }
            try expect(lines == slice.count || patch.isForged, "\(lines) lines for \(slice.count) events \(when)")
            guard slice.next > at else { break }
            at = slice.next
            steps += 1
            try expect(steps < 1000, "reading does not end \(when)")
        }
    }

    /// What is appended after a start is there, whatever was there before.
    private func append(_ writer: ArchiveWriter) throws {
        let station = ArchiveTemplate.nogales
        let next = writer.nextOffset(of: station)
        let line = ArchiveTemplate.line(ArchiveTemplate.alpha, 1, 10)
        do throws(ArchiveError) {
            try ArchiveTemplate.append(
                writer,
                station,
                ArchiveTemplate.alpha,
                10,
                [line],
                epoch: 1,
                isFork: false
            )
            try writer.sync()
            for work in writer.takeCloseWork() { try work.run() }
        } catch { return try expect(patch.isForged, "nothing can be appended: \(error)") }
        guard next < UInt64(Int64.max) - 2 else { return }
        let reader = try ArchiveReader(directory: root, disk: disk, crc: .hardware)
        var bytes = ByteWriter()
        let slice = try reader.read(station: station, from: next, into: &bytes)
        try expect(
            bytes.bytes.elementsEqual(line) && slice.offsets == [next..<next + 1],
            "\(station)@\(next) was committed and is not there"
        )
    }

    /// A second start goes on where the first one ended.
    private func again(_ expected: [StationName: UInt64]) throws {
        let writer: ArchiveWriter
        do throws(ArchiveError) { writer = try ArchiveTemplate.open(disk, root: root) } catch {
            throw Finding("the archive does not start again: \(error)")
        }
        let next = Dictionary(uniqueKeysWithValues: writer.stations.map { ($0, writer.nextOffset(of: $0)) })
        try expect(next == expected, "a second start goes on at \(next), the first at \(expected)")
    }
}
