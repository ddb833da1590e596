import Bytes
import EventJSON
import Glibc
import Incident
import Logging
import Outbox
import Platform
import Synchronization
import Wire

/// Reads events from a file or a stream, one a line, and commits its read offset with what it accepted: one thread.
final class FileIntake {
    private let options: ProducerOptions
    private let input: ProducerOptions.InputOptions
    private let outbox: Outbox
    private let reader: EventReader
    private let writer: OutboxWriter
    private let outcomes: Mailbox<IntakeOutcome>
    private let counters: ProducerCounters
    private let stop: StopSignal
    private let log: Logger

    private var spare: [IntakeJob] = []
    private var inFlight = 0
    private var arrived: [IntakeOutcome] = []
    private var current = IntakeJob(isPatient: true)
    /// Bytes and lines before what is in `buffer`.
    private var offset: UInt64 = 0
    private var lines: UInt64 = 0
    private var headSample: [UInt8] = []
    /// The input when it is a file that can be read at any place, else -1.
    private var sampleDescriptor: Int32 = -1
    private var source: [UInt8] = []
    private var hasStopped = false

    /// A commit takes all that wait: on a slow disk more of them share its two syncs.
    private static let jobsInFlight = 16
    private static let bufferBytes = 1 << 20

    init(
        options: ProducerOptions,
        input: ProducerOptions.InputOptions,
        outbox: Outbox,
        reader: EventReader,
        writer: OutboxWriter,
        outcomes: Mailbox<IntakeOutcome>,
        counters: ProducerCounters,
        stop: StopSignal,
        log: Logger
    ) {
        self.options = options
        self.input = input
        self.outbox = outbox
        self.reader = reader
        self.writer = writer
        self.outcomes = outcomes
        self.counters = counters
        self.stop = stop
        self.log = log
    }

    /// The thread's body; `started` is told once the input is open. Returns at the end of the input, when all of it is
    /// in the outbox, or when the stop signal is given.
    func run(started: () -> Void) throws {
        var file = try InputFile(input.path)
        started()
        try begin(file)
        while try readAll(file), input.follows, let next = try successor(of: file) {
            file = next
            try begin(file)
        }
        try submit()
        while inFlight > 0, !writer.hasFailed { try settle(waits: true) }
        if !stop.isGiven, !writer.hasFailed { counters.inputEnded.store(true, ordering: .releasing) }
    }

    // MARK: - Where to begin

    private func begin(_ file: borrowing InputFile) throws {
        offset = 0
        lines = 0
        headSample = []
        sampleDescriptor = file.isRegular ? file.descriptor : -1
        source = sourceKey(file)
        counters.inputSize.store(file.size, ordering: .relaxed)
        if !source.isEmpty, !input.startsAgain, let stored = try outbox.input(source),
            let record = InputRecord(stored), record.offset > 0
        {
            try resume(file, record)
        }
        counters.resumedFrom.store(offset, ordering: .relaxed)
        counters.inputBytes.store(offset, ordering: .relaxed)
    }

    private func sourceKey(_ file: borrowing InputFile) -> [UInt8] {
        if let name = input.sourceName { return Array("name:\(name)".utf8.prefix(400)) }
        guard file.isRegular else { return [] }
        return Array("file:\(file.identity.device):\(file.identity.inode)".utf8)
    }

    private func resume(_ file: borrowing InputFile, _ record: InputRecord) throws {
        let sampled = min(Int(clamping: record.offset), InputRecord.sampleBytes)
        if file.isRegular {
            let head = InputFile.sample(file.descriptor, at: 0, count: sampled)
            let tail = InputFile.sample(file.descriptor, at: record.offset - UInt64(sampled), count: sampled)
            guard InputRecord.hash(head) == record.headHash, InputRecord.hash(tail) == record.tailHash else {
                log.notice(
                    "the input is not the file that was read before: starting at its front",
                    metadata: ["path": "\(input.path)", "read_before": "\(record.path)"]
                )
                return
            }
            file.seek(to: record.offset)
        } else {
            guard try skip(file, record) else { return }
        }
        offset = record.offset
        lines = record.lines
        log.notice("resuming the input", metadata: ["path": "\(input.path)", "offset": "\(offset)"])
    }

    /// Reads a stream up to where the record says, and compares how it began.
    private func skip(_ file: borrowing InputFile, _ record: InputRecord) throws -> Bool {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferBytes, alignment: 16)
        defer { buffer.deallocate() }
        var left = record.offset
        while left > 0 {
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, Int(clamping: left))])
            let count = try file.read(into: part)
            guard count > 0 else { break }
            note(UnsafeRawBufferPointer(rebasing: part[..<count]))
            left -= UInt64(count)
        }
        guard left == 0, InputRecord.hash(headSample) == record.headHash else {
            throw PlatformError(
                operation: "resume \(input.sourceName ?? "-") from",
                path: input.path,
                errorNumber: EINVAL,
                advice: "the stream does not begin with what was read before: "
                    + "give the same bytes, another --source, or --again"
            )
        }
        return true
    }

    /// Remembers the first bytes of a stream as they go by.
    private func note(_ bytes: UnsafeRawBufferPointer) {
        let wanted = InputRecord.sampleBytes
        if headSample.count < wanted { headSample += bytes.prefix(wanted - headSample.count) }
    }

    /// The bytes that the input is known again by.
    private func samples() -> (head: [UInt8], tail: [UInt8]) {
        guard sampleDescriptor >= 0 else { return (headSample, []) }
        let count = min(Int(clamping: offset), InputRecord.sampleBytes)
        return (
            InputFile.sample(sampleDescriptor, at: 0, count: count),
            InputFile.sample(sampleDescriptor, at: offset - UInt64(count), count: count)
        )
    }

    // MARK: - Reading

    /// Reads to the end; false when it was told to stop. Following, it comes back only when the path names another
    /// file or the file was cut.
    private func readAll(_ file: borrowing InputFile) throws -> Bool {
        let capacity = Self.bufferBytes + Limits.eventBytes
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity + EventReader.padding, alignment: 64)
        defer { buffer.deallocate() }
        var splitter = LineSplitter(longest: Limits.eventBytes)
        var filled = 0
        while !stop.isGiven {
            if !file.isRegular, !file.waitUntilReadable(orStopped: stop, timeoutMilliseconds: 200) {
                try submit()
                continue
            }
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<capacity])
            let count = try file.read(into: room)
            guard count > 0 else {
                if input.follows, file.isRegular {
                    try submit()
                    try settle(waits: false)
                    guard try waitForMore(file, unread: filled) else { return true }
                    continue
                }
                if filled > 0 || splitter.isInside {
                    try takeLine(UnsafeRawBufferPointer(rebasing: buffer[..<filled]), splitter.length + filled, 0)
                }
                return true
            }
            filled += count
            filled = try takeLines(buffer, filled, &splitter)
        }
        return false
    }

    /// Takes every whole line in the buffer and moves the rest to its front; returns how long the rest is.
    private func takeLines(
        _ buffer: UnsafeMutableRawBufferPointer,
        _ filled: Int,
        _ splitter: inout LineSplitter
    ) throws -> Int {
        var start = 0
        while let feed = splitter.next(UnsafeRawBufferPointer(rebasing: buffer[start..<filled])) {
            let line = UnsafeRawBufferPointer(rebasing: buffer[start..<(start + feed)])
            try takeLine(line, splitter.length + feed, 1)
            splitter.endLine()
            start += feed + 1
            if stop.isGiven { break }
        }
        let rest = filled - start
        if rest > 0, start > 0, let base = buffer.baseAddress { memmove(base, base + start, rest) }
        // A line that is too long already is kept to its first bytes, so that what comes behind it has room.
        guard rest > Limits.eventBytes + 1 else { return rest }
        return splitter.cut(rest, keeping: Limits.eventBytes)
    }

    /// Takes one line, or passes over a blank one, and counts its bytes as read.
    ///
    /// - Parameters:
    ///   - length: Its length in the input; more than `line` holds when it was too long.
    ///   - ending: Bytes of the line's ending.
    private func takeLine(_ line: UnsafeRawBufferPointer, _ length: Int, _ ending: Int) throws {
        lines += 1
        var event = line
        if event.last == 0x0D { event = UnsafeRawBufferPointer(rebasing: event.dropLast()) }
        if !event.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { takeEvent(event, length) }
        note(line)
        if ending > 0 { [UInt8(0x0A)].withUnsafeBytes { note($0) } }
        offset += UInt64(length + ending)
        if current.isFull || current.rejects.count >= 256 { try submit() }
    }

    private func takeEvent(_ event: UnsafeRawBufferPointer, _ length: Int) {
        do throws(Refusal) {
            guard length <= Limits.eventBytes + 1 else {
                throw Refusal(field: nil, reason: "longer than \(Limits.eventBytes) bytes")
            }
            try current.append(event, reader: reader, station: .only(options.station))
        } catch {
            let record = RefusalRecord(
                source: "file:" + input.path,
                line: Int(clamping: lines),
                station: options.station
            )
            let kept = UnsafeRawBufferPointer(rebasing: event.prefix(Limits.eventBytes))
            current.rejects.append(
                record.encode(kept, length: max(length, kept.count), refusal: error, at: Clock.now())
            )
            log.warning(
                "refused",
                metadata: [
                    "file": "\(input.path)", "line": "\(lines)", "field": "\(error.field ?? "-")",
                    "reason": "\(error.reason)",
                ]
            )
        }
    }

    // MARK: - Following

    /// Waits until a followed file has grown; false when the path names another file, or the file was cut.
    private func waitForMore(_ file: borrowing InputFile, unread: Int) throws -> Bool {
        let end = offset + UInt64(unread)
        while !stop.isGiven {
            let size = file.size
            if size > end { return true }
            if size < end {
                log.warning("the followed file was cut: starting at its front", metadata: ["path": "\(input.path)"])
                return false
            }
            if let now = file.identityAtPath, now != file.identity {
                if unread > 0 {
                    log.warning(
                        "the followed file was replaced; its last line has no end and is left",
                        metadata: ["path": "\(input.path)", "bytes": "\(unread)"]
                    )
                }
                return false
            }
            InputFile.pause(stop, milliseconds: 100)
        }
        return true
    }

    private func successor(of file: borrowing InputFile) throws -> InputFile? {
        guard !stop.isGiven else { return nil }
        while !stop.isGiven {
            if file.identityAtPath != nil { return try InputFile(input.path) }
            InputFile.pause(stop, milliseconds: 100)
        }
        return nil
    }

    // MARK: - Jobs

    private func submit() throws {
        if offset > counters.inputBytes.load(ordering: .relaxed) || !current.isEmpty {
            let (head, tail) = samples()
            let record = InputRecord(
                offset: offset,
                lines: lines,
                headHash: InputRecord.hash(head),
                tailHash: InputRecord.hash(tail),
                path: input.path
            )
            current.input = IntakeJob.InputOffset(
                source: source.isEmpty ? Array("stream".utf8) : source,
                record: record.encoded,
                offset: offset
            )
        }
        guard !current.isEmpty else { return }
        while inFlight >= Self.jobsInFlight, !writer.hasFailed { try settle(waits: true) }
        guard !hasStopped, !writer.hasFailed else { return }
        inFlight += 1
        writer.submit(.job(current))
        try settle(waits: false)
        current = spare.popLast() ?? IntakeJob(isPatient: true)
    }

    /// Takes jobs back that are done. One that was given back ends the reading: it is read again by the next run.
    private func settle(waits: Bool) throws {
        if waits {
            var descriptors = [pollfd(fd: outcomes.descriptor, events: Int16(POLLIN), revents: 0)]
            _ = poll(&descriptors, 1, 1000)
        }
        outcomes.drain(into: &arrived)
        for outcome in arrived where !outcome.job.isEmpty {
            if !outcome.isStored { hasStopped = true }
            inFlight -= 1
            outcome.job.reset()
            spare.append(outcome.job)
        }
    }
}

/// Finds the ends of lines, and remembers how much of a line that is too long was dropped.
struct LineSplitter {
    /// Bytes of the line at hand that are not in the buffer any more.
    private(set) var length = 0
    private var searched = 0
    private let longest: Int

    init(longest: Int) { self.longest = longest }

    /// Whether part of a line went by.
    var isInside: Bool { length > 0 }

    /// The length of the first line in the bytes, without its line feed; nil when its end has not come.
    mutating func next(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count > searched, let start = bytes.baseAddress,
            let found = memchr(start + searched, 0x0A, bytes.count - searched)
        else {
            searched = bytes.count
            return nil
        }
        return start.distance(to: UnsafeRawPointer(found))
    }

    /// The line was taken.
    mutating func endLine() {
        length = 0
        searched = 0
    }

    /// Drops all but the first bytes of the line at hand; returns how many are left.
    mutating func cut(_ count: Int, keeping kept: Int) -> Int {
        length += count - kept
        searched = kept
        return kept
    }
}
