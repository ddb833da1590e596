import Archive
import Bytes
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
    private let archive: (id: Identifier128, generation: UInt32)
    private let live: LiveQueue
    private let counters: SinkCounters
    private let stop: StopSignal
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
        log: Logger
    ) {
        self.options = options
        archive = (start.identifier, start.generation)
        self.live = live
        self.counters = counters
        self.stop = stop
        self.log = log
    }

    private static var now_ms: Int64 { Int64(Clock.monotonicNanoseconds() / 1_000_000) }

    /// The thread's body; `started` is told once the endpoints are bound.
    func run(_ context: borrowing Context, started: () -> Void) throws {
        var liveOptions = SocketOptions()
        liveOptions.sendHighWaterMark = Int32(Limits.liveHighWaterMark)
        var stream = try context.socket(.xpub, liveOptions)
        var replayOptions = SocketOptions()
        replayOptions.maximumMessageBytes = 4096
        replayOptions.sendHighWaterMark = 8
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
                try sendBeacons(&stream)
            }
        }
    }

    // MARK: - The live stream

    private func takeSubscriptions(_ stream: inout Socket) throws {
        while try stream.receive(into: &frames) {
            let bytes = frames.bytes(at: 0)
            guard let kind = bytes.first, kind <= 1 else { continue }
            let name = Array(bytes.dropFirst())
            if kind == 1 { topics.insert(name) } else { topics.remove(name) }
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
        _ = try stream.send(&frames)
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
            frames.append(Message("{\"archive\":\"\(archive.id)\",\"generation\":\(archive.generation)}"))
            _ = try stream.send(&frames)
        }
    }

    // MARK: - Replay

    private func answerRequests(_ replay: inout Socket, _ reader: ArchiveReader) throws {
        for _ in 0..<16 {
            guard try replay.receive(into: &frames) else { return }
            guard frames.count == 2 else { continue }
            let route = frames.take(0)
            answer.removeAll()
            let head = frames.withBytes(at: 1) { bytes in answerHead(bytes, reader) }
            frames.removeAll()
            frames.append(route)
            frames.append(Message(head))
            frames.append(copying: answer.bytes)
            // Nobody waits for it, or the asker does not read: it asks again.
            _ = try replay.send(&frames)
        }
    }

    /// Where every station's stream stands.
    private var heads: String {
        let list = live.allHeads.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",")
        return "{\"status\":\"ok\",\"heads\":{\(list)},\"archive\":\"\(archive.id)\","
            + "\"generation\":\(archive.generation)}"
    }

    /// Reads what was asked for into `answer` and returns the first frame of the reply.
    private func answerHead(_ bytes: UnsafeRawBufferPointer, _ reader: ArchiveReader) -> String {
        let parsed = try? JSONValue.parse(bytes)
        if parsed?["query"]?.string == "heads" { return heads }
        guard let request = parsed, let name = request["station"]?.string,
            let station = StationName(name), let from = request["from"]?.unsigned
        else {
            return "{\"status\":\"error\",\"reason\":\"a request is a JSON object with station and from\"}"
        }
        let limit = min(Int(clamping: request["limit_bytes"]?.unsigned ?? .max), Limits.replayBytes)
        do throws(ArchiveError) {
            let slice = try reader.read(station: station, from: from, limitBytes: max(limit, 1), into: &answer)
            let runs = slice.offsets.map { "[\($0.lowerBound),\($0.upperBound)]" }.joined(separator: ",")
            return "{\"status\":\"ok\",\"station\":\"\(station)\",\"from\":\(from),\"next\":\(slice.next),"
                + "\"head\":\(live.head(station)),\"archive\":\"\(archive.id)\","
                + "\"generation\":\(archive.generation),\"offsets\":[\(runs)]}"
        } catch {
            answer.removeAll()
            log.error("replay failed", metadata: ["station": "\(station)", "from": "\(from)", "reason": "\(error)"])
            var writer = ByteWriter()
            writer.append("{\"status\":\"error\",\"reason\":")
            writer.append(jsonString: "\(error)")
            writer.append("}")
            return String(decoding: writer.bytes, as: UTF8.self)
        }
    }
}
