import Bytes
import Mutation
import Wire

/// When segments close, and how many threads sync.
public struct ArchiveOptions: Sendable {
    /// A segment closes at the first commit that brings it to this size.
    public var segmentBytes = Limits.segmentBytes
    /// A segment closes at this age.
    public var segmentSeconds = Limits.segmentSeconds
    /// Threads besides the caller's that sync files.
    public var syncWorkers = 3
    /// The defaults of `Limits`.
    public init() {}
}

/// The one writer of an archive's directory. Belongs to one thread; every call may wait for the disk.
public final class ArchiveWriter {
    /// The archive's random name.
    public let identifier: Identifier128
    /// Goes up when an older copy of the archive was put in place.
    public private(set) var generation: UInt32
    /// What the start found and did, one sentence each, for the log.
    public private(set) var notes: [String] = []
    /// Bytes appended since the last sync.
    public private(set) var unsyncedBytes = 0

    private let root: String
    private let options: ArchiveOptions
    private let crc: CRC32C
    private let disk: any Disk
    private let lock: any DiskFile
    private var logs: [StationName: StationLog] = [:]
    private var dirty: [StationLog] = []
    private var closes: [SegmentClose] = []
    private var isFailed = false
    private var scratch = ByteWriter(capacity: 1 << 16)
    private var unsynced: [any DiskFile] = []

    /// Makes or opens the archive in `directory`, takes it for this process, and makes its open segments
    /// trustworthy. Throws `.taken` when another process has it.
    public init(
        directory: String,
        options: ArchiveOptions = ArchiveOptions(),
        disk given: (any Disk)? = nil,
        now: Timestamp,
        newIdentifier: () -> Identifier128,
        crc: CRC32C
    ) throws(ArchiveError) {
        root = directory
        self.options = options
        self.crc = crc
        disk = given ?? CrashPointDisk.standard(syncWorkers: options.syncWorkers)
        try disk.makeDirectories(directory + "/_meta")
        do throws(ArchiveError) { lock = try disk.lock(directory + "/_meta/lock") } catch {
            guard error.code == .taken else { throw error }
            throw ArchiveError(
                code: .taken,
                operation:
                    "write to an archive that a running process writes already (stop it first, or give this sink another):",
                path: directory
            )
        }
        // A run that died may have made names that only the page cache knows.
        for path in [Self.parent(directory), directory, directory + "/_meta"] { try disk.syncDirectory(path) }
        let meta: ArchiveMeta
        if let found = try ArchiveMeta.read(disk, directory) {
            meta = found
        } else {
            meta = ArchiveMeta(id: newIdentifier().description, generation: 1)
            try meta.write(disk, directory)
        }
        guard let id = Identifier128(meta.id) else {
            throw ArchiveError(code: .damaged, operation: "understand", path: Layout.meta(directory))
        }
        identifier = id
        generation = meta.generation
        for station in try Layout.stations(disk, directory) { try start(station, now: now) }
    }

    private static func parent(_ directory: String) -> String { SystemDisk.parent(of: directory) }

    private func start(_ station: StationName, now: Timestamp) throws(ArchiveError) {
        let mark = try CommitMark.read(disk, Layout.mark(root, station), crc: crc)
        let log = try StationLog(disk, root: root, station: station)
        let places = try Layout.segments(disk, root, station)
        try disk.syncDirectory(Layout.stationDirectory(root, station))
        var open = places[...]
        for (index, place) in places.enumerated().reversed() {
            // The lines may be gone, by retention: what the manifest says still holds.
            guard let manifest = try Manifest.read(disk, place.manifest, crc: crc), let lines = manifest.lineMap,
                manifest.station == station.description, manifest.first_offset == place.first,
                manifest.next_offset >= place.first
            else { continue }
            (log.lines, log.next, log.date) = (lines, manifest.next_offset, place.date)
            open = places[(index + 1)...]
            break
        }
        for (index, place) in open.enumerated() {
            if place.first != log.next {
                notes.append("\(station): a segment between @\(log.next) and @\(place.first) is missing")
            }
            let isLast = place == open.last
            if !isLast, let records = try trusted(place, after: log) {
                for record in records { log.lines.apply(record) }
                log.next = records.last?.nextOffset ?? log.next
                log.date = max(log.date, place.date)
                closes.append(closing(place, log))
                continue
            }
            var recovery = Recovery(
                disk: disk,
                root: root,
                place: place,
                crc: crc,
                generation: generation,
                // A successor was opened only when everything before it was synced.
                committed: isLast ? mark?.next ?? 0 : open[open.startIndex + index + 1].first
            )
            try recovery.run(lines: log.lines)
            notes += recovery.notes
            let records = recovery.records
            for record in records { log.lines.apply(record) }
            log.next = recovery.next
            log.date = max(log.date, place.date)
            log.bytes = recovery.bytes
            log.indexBytes = records.count * IndexRecord.encodedBytes
            log.openedAt = records.first?.receivedAt ?? now
            log.commit = (records.map(\.commit).max() ?? 0) + 1
            if isLast { log.files = try SegmentFiles(disk, place) } else { closes.append(closing(place, log)) }
        }
        if let mark, mark.next > log.next {
            // Offsets that were given out are never given out again.
            notes.append("\(station)@\(log.next) to @\(mark.next) was committed and is missing")
            log.next = mark.next
        }
        (log.committedNext, log.committedBytes, log.reserved) = (log.next, log.bytes, log.bytes)
        logs[station] = log
        try writeMark(log)
    }

    /// The records of a segment that has a successor and no manifest yet, when nothing about it is odd.
    ///
    /// A successor is opened only when everything before it is synced, so these bytes need no copy: a sink with many
    /// segments behind the closer must not read all of them before it is ready.
    private func trusted(_ place: SegmentPlace, after log: StationLog) throws(ArchiveError) -> [IndexRecord]? {
        guard place.first == log.next, disk.exists(place.data), !disk.exists(place.temporaryData),
            !disk.exists(place.temporaryIndex), let index = try disk.read(place.index), !index.isEmpty
        else { return nil }
        let records = SegmentSummary.records(index, crc: crc)
        var (next, start) = (place.first, UInt64(0))
        for entry in records {
            guard let entry, entry.offset == next, entry.start == start else { return nil }
            (next, start) = (entry.nextOffset, entry.end)
        }
        guard let size = try? disk.open(place.data, .read).size(), size >= Int(clamping: start) else { return nil }
        return records.compactMap { $0 }
    }

    // MARK: - What is there

    /// Every producer with its lines, as committed.
    public var producers: [ArchiveProducer] {
        logs.values.sorted { $0.station < $1.station }.flatMap { log in
            log.lines.lines.sorted { $0.key < $1.key }.map {
                ArchiveProducer(id: $0.key, station: log.station, lines: $0.value)
            }
        }
    }

    /// The stations that have events.
    public var stations: [StationName] { logs.keys.sorted() }

    /// The offset that the station's next event gets.
    public func nextOffset(of station: StationName) -> UInt64 { logs[station]?.next ?? 0 }

    /// The station's events below this offset are on the disk.
    public func committedOffset(of station: StationName) -> UInt64 { logs[station]?.committedNext ?? 0 }

    // MARK: - Appending

    /// Appends a batch's events but the first `skip`, and says the offset of the first one kept. Not yet on the
    /// disk: `sync` decides. On `.full` everything since the last sync is forgotten.
    public func append(
        _ header: BatchHeader,
        payload: UnsafeRawBufferPointer,
        skip: UInt32 = 0,
        line: UInt8,
        parent: UInt8 = 0,
        now: Timestamp
    ) throws(ArchiveError) -> UInt64 {
        try check()
        guard skip < header.count, payload.last == 10, Lines.count(payload) == Int(header.count) else {
            throw ArchiveError(
                code: .invalid,
                operation: "append a batch whose lines are not as many as it says, of",
                path: root
            )
        }
        let from = Lines.start(of: Int(skip), in: payload)
        let kept = UnsafeRawBufferPointer(rebasing: payload[from...])
        let log: StationLog
        do throws(ArchiveError) { log = try prepare(header.station, now: now) } catch { throw try giveUp(error) }
        guard let files = log.files else { throw ArchiveError(code: .closed, operation: "append to", path: root) }
        log.reserve(kept.count)
        do throws(ArchiveError) { try files.data.write(kept, at: log.bytes) } catch { throw try giveUp(error) }
        let record = IndexRecord(
            kind: line > 0 ? .fork : .batch,
            flags: header.flags.rawValue,
            line: line,
            parent: parent,
            generation: generation,
            offset: log.next,
            start: UInt64(log.bytes),
            count: header.count - skip,
            bytes: UInt32(kept.count),
            producer: header.producer,
            epoch: header.epoch,
            firstSequence: header.firstSequence + UInt64(skip),
            lastSequence: header.lastSequence,
            receivedAt: header.receivedAt,
            checksum: skip == 0 ? header.payloadChecksum : crc.checksum(of: kept)
        )
        log.bytes += kept.count
        unsyncedBytes += kept.count
        return note(record, log)
    }

    /// Records durably that this archive lost sequences, in a new generation, newer than `above`, and says which. Syncs what
    /// was appended before too.
    public func recordGap(
        station: StationName,
        producer: Identifier128,
        parts: [(epoch: UInt64, from: UInt64, through: UInt64)],
        line: UInt8 = 0,
        parent: UInt8 = 0,
        above heard: UInt32 = 0,
        now: Timestamp
    ) throws(ArchiveError) -> UInt32 {
        try check()
        let log: StationLog
        do throws(ArchiveError) {
            let next = max(generation, heard) + 1
            try ArchiveMeta(id: identifier.description, generation: next).write(disk, root)
            generation = next
            log = try prepare(station, now: now)
        } catch { throw try giveUp(error) }
        for part in parts {
            let record = IndexRecord(
                kind: .gap,
                flags: 0,
                line: line,
                parent: parent,
                generation: generation,
                offset: log.next,
                start: UInt64(log.bytes),
                count: 0,
                bytes: 0,
                producer: producer,
                epoch: part.epoch,
                firstSequence: part.from,
                lastSequence: part.through,
                receivedAt: now,
                checksum: 0
            )
            _ = note(record, log)
        }
        try sync()
        return generation
    }

    private func note(_ record: IndexRecord, _ log: StationLog) -> UInt64 {
        if log.pending.isEmpty { dirty.append(log) }
        log.pending.append(record)
        log.next = record.nextOffset
        return record.offset
    }

    /// The station's log with an open segment, a new one when the old one is due.
    private func prepare(_ station: StationName, now: Timestamp) throws(ArchiveError) -> StationLog {
        let log: StationLog
        if let known = logs[station] {
            log = known
        } else {
            log = try StationLog(disk, root: root, station: station)
            logs[station] = log
        }
        if log.pending.isEmpty { try rotateIfDue(log, now) }
        guard log.files == nil else { return log }
        log.date = max(log.date, now.utcDate)
        let place = Layout.place(root, station, date: log.date, first: log.next)
        try disk.makeDirectories(place.directory)
        let files = try SegmentFiles(disk, place)
        try disk.syncDirectory(place.directory)
        log.files = files
        (log.bytes, log.committedBytes, log.indexBytes, log.reserved, log.openedAt) = (0, 0, 0, 0, now)
        return log
    }

    private func rotateIfDue(_ log: StationLog, _ now: Timestamp) throws(ArchiveError) {
        // One that holds a gap and no event keeps its name for the events: the next one would have the same.
        guard let files = log.files, log.next > files.place.first else { return }
        let age = now.microseconds - log.openedAt.microseconds
        guard
            log.bytes >= options.segmentBytes || age >= Int64(options.segmentSeconds) * 1_000_000
                || now.utcDate > files.place.date
        else { return }
        // Gives back the room that was asked for ahead.
        try files.data.truncate(to: log.bytes)
        closes.append(closing(files.place, log))
        log.files = nil
    }

    private func closing(_ place: SegmentPlace, _ log: StationLog) -> SegmentClose {
        SegmentClose(
            disk: disk,
            root: root,
            archive: identifier,
            place: place,
            generation: generation,
            next: log.next,
            lines: log.lines,
            crc: crc
        )
    }

    /// Closes segments that are due although nothing is appended to them. Call it after a sync.
    public func rotateIfDue(now: Timestamp) throws(ArchiveError) {
        try check()
        for log in logs.values where log.pending.isEmpty { try rotateIfDue(log, now) }
    }

    /// The segments that wait for their manifest. Run them in this order, one at a time, on any thread.
    public func takeCloseWork() -> [SegmentClose] {
        defer { closes = [] }
        return closes
    }

    // MARK: - Committing

    /// Puts everything appended on the disk; only then is it committed and visible to readers.
    public func sync() throws(ArchiveError) {
        try check()
        guard !dirty.isEmpty else { return }
        unsynced.removeAll(keepingCapacity: true)
        for log in dirty {
            guard let files = log.files else { continue }
            scratch.removeAll()
            for index in log.pending.indices {
                log.pending[index].commit = log.commit
                log.pending[index].encode(into: &scratch, crc: crc)
            }
            do throws(ArchiveError) { try files.index.write(scratch.bytes, at: log.indexBytes) } catch {
                throw try giveUp(error)
            }
            if !isMutated(.skipIndexSync) { unsynced.append(files.index) }
            unsynced.append(files.data)
        }
        var number = disk.sync(unsynced)
        if number != 0, isMutated(.retryFailedSync) { number = disk.sync(unsynced) }
        guard number == 0 else {
            // After a failed sync the kernel may call dirty pages clean: a second try would prove nothing.
            isFailed = true
            throw ArchiveError(code: .syncFailed, operation: "sync", path: root, errorNumber: number)
        }
        // Whoever restores an archive should stop the sink first; what is written into files without names is lost.
        guard unsynced.allSatisfy({ $0.isInPlace }) else {
            isFailed = true
            throw ArchiveError(
                code: .syncFailed,
                operation: "keep anything in an archive that was replaced or removed under the running sink:",
                path: root
            )
        }
        for log in dirty {
            for record in log.pending { log.lines.apply(record) }
            log.indexBytes += log.pending.count * IndexRecord.encodedBytes
            log.commit += 1
            log.committedBytes = log.bytes
            log.committedNext = log.next
            log.pending.removeAll(keepingCapacity: true)
            // What is synced is committed. A mark that stays behind hides events from readers until the next one.
            try? writeMark(log)
        }
        dirty.removeAll(keepingCapacity: true)
        unsyncedBytes = 0
    }

    private func writeMark(_ log: StationLog) throws(ArchiveError) {
        scratch.removeAll()
        CommitMark(next: log.committedNext, generation: generation).encode(into: &scratch, crc: crc)
        try log.mark.write(scratch.bytes, at: 0)
    }

    /// A full disk takes everything back to the last commit; any other trouble ends this writer.
    private func giveUp(_ error: ArchiveError) throws(ArchiveError) -> ArchiveError {
        guard error.isTemporary else {
            isFailed = true
            return error
        }
        for log in logs.values {
            do throws(ArchiveError) { try log.rollBack() } catch {
                isFailed = true
                throw error
            }
        }
        dirty.removeAll(keepingCapacity: true)
        unsyncedBytes = 0
        return error
    }

    private func check() throws(ArchiveError) {
        guard !isFailed else { throw ArchiveError(code: .closed, operation: "go on after an error in", path: root) }
    }

    /// Commits what is appended. Open segments stay open for the next start.
    public func close() throws(ArchiveError) {
        try sync()
        isFailed = true
    }
}
