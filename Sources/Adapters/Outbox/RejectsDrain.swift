import Bytes
import CPlatform
import Glibc
import Wire

/// Moves refused events out of the outbox into files, one a station and day. Belongs to one thread.
///
/// Each record gets the producer's id and its number in front; after a crash between the file's sync and the outbox's
/// commit the numbers say what the file has already.
public final class RejectsDrain {
    private let outbox: Outbox
    private let directory: String
    private let dayCapBytes: Int
    private let retentionDays: Int
    private let prefix: [UInt8]
    /// The last number of this producer in each file that was looked at.
    private var lastNumbers: [String: UInt64] = [:]
    private var prunedOn = ""
    /// Records whose day's file was full: counted, not kept.
    public private(set) var dropped = 0

    /// Prepares the drain.
    ///
    /// - Parameters:
    ///   - directory: Holds one directory a station.
    ///   - dayCapBytes: The most bytes of one day's file.
    ///   - retentionDays: Files of days further back are removed.
    public init(
        outbox: Outbox,
        directory: String,
        dayCapBytes: Int = 64 * 1_048_576,
        retentionDays: Int = 30
    ) {
        self.outbox = outbox
        self.directory = "\(directory)/station=\(outbox.station)"
        self.dayCapBytes = dayCapBytes
        self.retentionDays = retentionDays
        prefix = Array("{\"producer\":\"\(outbox.producer)\",\"number\":".utf8)
    }

    /// Moves all that wait and returns how many left the outbox; 0 as well when another producer of the station writes
    /// the file just now: call again.
    public func drain() throws(OutboxError) -> Int {
        guard outbox.pendingRejects > 0 else { return 0 }
        try makeDirectory()
        let lock = enlace_lock_file(directory + "/.lock")
        guard lock >= 0 else {
            if errno == EWOULDBLOCK { return 0 }
            throw .last("lock", directory)
        }
        defer { enlace_unlock_file(lock) }
        var moved = 0
        var after: UInt64 = 0
        while true {
            let records = try outbox.rejects(after: after, limit: 512)
            guard let last = records.last else { return moved }
            var rest = records[...]
            while let first = rest.first {
                let day = first.receivedAt.utcDate
                let part = rest.prefix { $0.receivedAt.utcDate == day }
                try write(part, day: day)
                rest = rest.dropFirst(part.count)
            }
            enlace_crash_hit(.producerRejectDeleteBefore)
            try outbox.write { (write: inout OutboxWrite) throws(OutboxError) in
                try write.deleteRejects(through: last.number)
            }
            enlace_crash_hit(.producerRejectDeleteAfter)
            moved += records.count
            after = last.number
        }
    }

    private func makeDirectory() throws(OutboxError) {
        for path in [Self.parent(of: directory), directory] {
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .last("make the directory", path) }
        }
    }

    private static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    private func write(_ records: ArraySlice<RejectRecord>, day: String) throws(OutboxError) {
        prune(day)
        let path = "\(directory)/\(day).jsonl"
        let descriptor = enlace_open(path, O_RDWR | O_CREAT | O_APPEND, 0o600)
        guard descriptor >= 0 else { throw .last("open", path) }
        defer { close(descriptor) }
        let known = try lastNumber(descriptor, path)
        let before = lseek(descriptor, 0, SEEK_END)
        var size = Int(before)
        var lines: [UInt8] = []
        for record in records where record.number > known {
            let line = prefix + Array("\(record.number),".utf8) + record.bytes.dropFirst() + [0x0A]
            guard size + line.count <= dayCapBytes else {
                dropped += 1
                continue
            }
            size += line.count
            lines += line
        }
        enlace_crash_hit(.producerRejectWriteBefore)
        var done = 0
        while done < lines.count {
            // Armed, it stops half way, so that a crash can leave an unfinished line.
            let end = enlace_crash_armed() && done == 0 ? lines.count / 2 : lines.count
            let count = lines.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress?.advanced(by: done), end - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = OutboxError.last("write", path)
                // Half a line must not stay in front of what comes next; a crash's is cut off by `lastNumber`.
                if ftruncate(descriptor, before) != 0 { lastNumbers[path] = nil }
                throw error
            }
            done += count
            if done < lines.count { enlace_crash_hit(.producerRejectWriteMiddle) }
        }
        enlace_crash_hit(.producerRejectWriteAfter)
        enlace_crash_hit(.producerRejectSyncBefore)
        guard fsync(descriptor) == 0 else { throw .last("sync", path) }
        enlace_crash_hit(.producerRejectSyncAfter)
        let folder = enlace_open(directory, O_RDONLY | O_DIRECTORY, 0)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
        lastNumbers[path] = max(known, records.last?.number ?? 0)
    }

    /// The last number of this producer in the file. Cuts off an unfinished line that a crash left.
    private func lastNumber(_ descriptor: Int32, _ path: String) throws(OutboxError) -> UInt64 {
        if let known = lastNumbers[path] { return known }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        guard size > 0 else { return 0 }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        defer { buffer.deallocate() }
        var filled = 0
        while filled < size {
            let count = pread(descriptor, buffer.baseAddress?.advanced(by: filled), size - filled, off_t(filled))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .last("read", path) }
            filled += count
        }
        let end = (buffer.lastIndex(of: 0x0A) ?? -1) + 1
        if end < size {
            guard ftruncate(descriptor, off_t(end)) == 0 else { throw .last("truncate", path) }
        }
        var highest: UInt64 = 0
        for line in buffer[..<end].split(separator: 0x0A) where line.starts(with: prefix) {
            var number: UInt64 = 0
            for byte in line.dropFirst(prefix.count) {
                guard (48...57).contains(byte) else { break }
                number = number &* 10 &+ UInt64(byte - 48)
            }
            highest = max(highest, number)
        }
        return highest
    }

    /// Removes the files of days that are too far back, once a day.
    private func prune(_ day: String) {
        guard prunedOn != day, let stream = opendir(directory) else { return }
        prunedOn = day
        defer { closedir(stream) }
        let today = Self.dayNumber(day)
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name.hasSuffix(".jsonl"), let date = Self.dayNumber(String(name.prefix(10))), let today,
                today - date > retentionDays
            else { continue }
            unlink("\(directory)/\(name)")
        }
    }

    private static func dayNumber(_ text: String) -> Int? {
        let parts = text.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3 else { return nil }
        return daysSinceEpoch(year: parts[0], month: parts[1], day: parts[2])
    }
}
