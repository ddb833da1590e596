import Archive
import Bytes
import Daemon
import EventJSON
import Glibc
import Logging
import Platform
import Synchronization
import Wire
import ZeroMQ

/// Publishes committed events and answers replay: one thread. What it shows is on the archive's disk.
final class LiveLoop {
    private let options: SinkOptions
    private let archive: Identifier128
    private let live: LiveQueue
    private let counters: SinkCounters
    private let stop: StopSignal
    private let refusals: RefusalLog<SinkRefusal>
    private let log: Logger

    private var arrived: [LiveBatch] = []
    private var frames = Multipart()
    private var topic = ByteWriter(capacity: 256)
    private var position = ByteWriter(capacity: 64)
    private var answer = ByteWriter(capacity: Limits.replayBytes + Limits.frameBytes)
    private var topics: Set<[UInt8]> = []

    init(
        options: SinkOptions,
        start: ArchiveStart,
        live: LiveQueue,
        counters: SinkCounters,
        stop: StopSignal,
        refusals: RefusalLog<SinkRefusal>,
        log: Logger
    ) {
        self.options = options
        archive = start.identifier
        self.live = live
        self.counters = counters
        self.stop = stop
        self.refusals = refusals
        self.log = log
    }

    private static var now_ms: Int64 { Int64(Clock.monotonicNanoseconds() / 1_000_000) }

    /// The thread's body; `started` is told once the endpoints are bound.
    func run(_ context: borrowing Context, started: () -> Void) throws {
        var liveOptions = SocketOptions()
        liveOptions.sendHighWaterMark = Int32(Limits.liveHighWaterMark)
        // A topic is a station, a level and a category; a handshake may take more.
        liveOptions.maximumMessageBytes = 1024
        liveOptions.isMonitored = true
        var stream = try context.socket(.xpub, liveOptions)
        var replayOptions = SocketOptions()
        replayOptions.maximumMessageBytes = 4096
        replayOptions.sendHighWaterMark = 8
        replayOptions.isMonitored = true
        var replay = try context.socket(.router, replayOptions)
        try stream.bind(try options.run.endpoint(.sinkLive))
        try replay.bind(try options.run.endpoint(.sinkReplay))
        let reader = try ArchiveReader(directory: options.archiveDirectory, crc: .hardware)
        started()
        var poller = Poller()
        let subscriptions = poller.add(stream)
        let requests = poller.add(replay)
        let batches = poller.add(descriptor: live.mailbox.descriptor)
        _ = poller.add(descriptor: stop.descriptor)
        var nextBeacon_ms: Int64 = 0
        while !stop.isGiven {
            try poller.wait(timeoutMilliseconds: 100)
            if poller.isReadable(subscriptions) { try takeSubscriptions(&stream) }
            if poller.isReadable(batches) {
                live.mailbox.drain(into: &arrived)
                for batch in arrived {
                    try publish(batch, &stream)
                    live.took(batch)
                }
                arrived.removeAll(keepingCapacity: true)
            }
            if poller.isReadable(requests) { try answerRequests(&replay, reader) }
            let now = Self.now_ms
            if now >= nextBeacon_ms {
                nextBeacon_ms = now + Int64(Limits.beaconMilliseconds)
                refusals.flush()
                try refusals.note(connectionsOf: &stream)
                try refusals.note(connectionsOf: &replay)
                try sendBeacons(&stream)
            }
        }
    }

    // MARK: - The live stream

    private func takeSubscriptions(_ stream: inout Socket) throws {
        while try stream.receive(into: &frames) {
            let bytes = frames.bytes(at: 0)
            switch bytes.first {
            // A set and not a count: libzmq also tells of prefixes taken back that nobody had subscribed to.
            case 1: topics.insert(Array(bytes.dropFirst()))
            case 0: topics.remove(Array(bytes.dropFirst()))
            default: refusals.refuse(.subscription)
            }
        }
        counters.subscriptions.store(topics.count, ordering: .relaxed)
    }

    private func publish(_ batch: LiveBatch, _ stream: inout Socket) throws {
        guard !topics.isEmpty else { return }
        try batch.box.withBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            var start = BatchHeader.encodedBytes
            var skip = batch.skip
            var offset = batch.firstOffset
            while start < bytes.count, let found = memchr(base + start, 0x0A, bytes.count - start) {
                let end = base.distance(to: UnsafeRawPointer(found))
                if skip > 0 {
                    skip -= 1
                } else {
                    let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                    try publish(line, batch.station, offset, &stream)
                    offset += 1
                }
                start = end + 1
            }
        }
    }

    private func publish(
        _ line: UnsafeRawBufferPointer,
        _ station: StationName,
        _ offset: UInt64,
        _ stream: inout Socket
    ) throws {
        topic.removeAll()
        topic.append(string: station.description)
        topic.append("/")
        if let level = TopLevelReader.string(of: "level", inside: "cross_border", in: line) {
            topic.append(level)
        } else {
            topic.append("none")
        }
        topic.append("/")
        if let category = TopLevelReader.string(of: "category", in: line) { topic.append(category) }
        position.removeAll()
        position.append(string: station.description)
        position.append("@")
        position.append(decimal: Int64(clamping: offset))
        frames.removeAll()
        frames.append(copying: topic.bytes)
        frames.append(copying: position.bytes)
        frames.append(copying: line)
        CrashPoint.hit(.sinkLivePublishBefore)
        _ = try stream.send(&frames)
        CrashPoint.hit(.sinkLivePublishAfter)
    }

    /// Says where each station's stream is, so that a lost last event is noticed.
    private func sendBeacons(_ stream: inout Socket) throws {
        guard !topics.isEmpty else { return }
        for (station, next) in live.allHeads {
            topic.removeAll()
            topic.append(string: "\(station)/beacon")
            position.removeAll()
            position.append(string: "\(station)@\(next)")
            frames.removeAll()
            frames.append(copying: topic.bytes)
            frames.append(copying: position.bytes)
            frames.append(Message("{\"archive\":\"\(archive)\",\"generation\":\(live.generation)}"))
            _ = try stream.send(&frames)
        }
    }

    // MARK: - Replay

    private func answerRequests(_ replay: inout Socket, _ reader: ArchiveReader) throws {
        for _ in 0..<16 {
            guard try replay.receive(into: &frames) else { return }
            // A REQ socket puts an empty frame in front.
            let hasDelimiter = frames.count > 2 && frames.byteCount(at: 1) == 0
            let isRequest = frames.count == (hasDelimiter ? 3 : 2)
            let route = frames.take(0)
            answer.removeAll()
            let head = isRequest ? frames.withBytes(at: frames.count - 1) { answerHead($0, reader) } : malformed()
            frames.removeAll()
            frames.append(route)
            if hasDelimiter { frames.append(Message()) }
            frames.append(Message(head))
            frames.append(copying: answer.bytes)
            // Nobody waits for it, or the asker does not read: it asks again.
            _ = try replay.send(&frames)
        }
    }

    /// Where every station's stream stands.
    private var heads: String {
        let list = live.allHeads.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",")
        return "{\"status\":\"ok\",\"heads\":{\(list)},\(identity)}"
    }

    /// Reads what was asked for into `answer` and returns the first frame of the reply.
    private func answerHead(_ bytes: UnsafeRawBufferPointer, _ reader: ArchiveReader) -> String {
        guard let request = ReplayRequest(bytes) else { return malformed() }
        guard case .events(let station, let from, let limit, let cursor) = request else { return heads }
        if let reason = mismatch(cursor) { return reason }
        do throws(ArchiveError) {
            let slice = try reader.read(station: station, from: from, limitBytes: limit, into: &answer)
            let runs = slice.offsets.map { "[\($0.lowerBound),\($0.upperBound)]" }.joined(separator: ",")
            return "{\"status\":\"ok\",\"station\":\"\(station)\",\"from\":\(from),\"next\":\(slice.next),"
                + "\"head\":\(live.head(station)),\(identity),\"offsets\":[\(runs)]}"
        } catch {
            answer.removeAll()
            log.error("replay failed", metadata: ["station": "\(station)", "from": "\(from)", "reason": "\(error)"])
            return failed("\(error)")
        }
    }

    /// The archive's id and generation, as members of an answer.
    private var identity: String { "\"archive\":\"\(archive)\",\"generation\":\(live.generation)" }

    private func failed(_ reason: String) -> String {
        var writer = ByteWriter()
        writer.append("{\"status\":\"error\",\"reason\":")
        writer.append(jsonString: reason)
        writer.append(",")
        writer.append(string: identity)
        writer.append("}")
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private func malformed() -> String {
        let reason = "a request is one frame, a JSON object with station and from"
        refusals.refuse(.replayRequest, ["reason": "\(reason)"])
        return failed(reason)
    }

    /// The answer to a request whose cursor is of another archive, or of this one before an older copy of it was put in
    /// place: its positions stand for other events here.
    private func mismatch(_ cursor: ReplayRequest.Cursor) -> String? {
        let reason: String
        if let named = cursor.archive, named != "\(archive)" {
            reason =
                "the cursor is of archive \(Self.short(named)), this sink serves \(archive): "
                + "its positions mean nothing here; begin again without the cursor"
        } else if let named = cursor.generation, named != UInt64(live.generation) {
            reason =
                "the cursor is of generation \(named) of the archive, which is in "
                + "generation \(live.generation) since an older copy of it was put in place: look where the events "
                + "that you have end in it, and begin again from there"
        } else {
            return nil
        }
        refusals.refuse(.replayCursor, ["reason": "\(reason)"])
        return failed(reason)
    }

    private static func short(_ text: String?) -> String { text.map { String($0.prefix(40)) } ?? "?" }
}
