import Bytes
import Delivery
import EventJSON
import Glibc
import Platform
import Wire
import ZeroMQ

/// Where to begin to follow.
public enum TailStart: Sendable, Hashable {
    /// The oldest event that is kept.
    case begin
    /// What comes from now on.
    case now
    /// This position.
    case position(ArchivePosition)
}

/// Follows the enriched stream without a gap: subscribes, fills what it missed from replay, then goes on live.
///
/// Belongs to one thread, which it blocks.
public final class Tail {
    /// What it is told to do.
    public struct Options: Sendable {
        /// Where the sink's endpoints are.
        public var run: RunDirectory
        /// The stations; empty for all.
        public var stations: [StationName]
        /// Where to begin.
        public var start: TailStart
        /// How many events to show; nil is for ever.
        public var count: Int?

        /// Joins the choices.
        public init(run: RunDirectory, stations: [StationName], start: TailStart, count: Int?) {
            self.run = run
            self.stations = stations
            self.start = start
            self.count = count
        }
    }

    private let options: Options
    private let stop: StopSignal
    private let show: (ArchivePosition, UnsafeRawBufferPointer) -> Bool
    private let say: (String) -> Void
    private var followers: [StationName: TailFollow] = [:]
    private var frames = Multipart()
    private var shown = 0
    private var hasEnded = false
    private var lastHeard_ms = Tail.now_ms
    private var nextWords_ms = Tail.now_ms + 2_000
    private var nextHeads_ms: Int64 = 0
    private var knowsHeads = false
    private var identity: ArchiveIdentity?

    /// Prepares to follow.
    ///
    /// - Parameters:
    ///   - show: Called for each event in order; false ends the tail.
    ///   - say: Called every two seconds while nothing answers.
    public init(
        options: Options,
        stop: StopSignal,
        show: @escaping (ArchivePosition, UnsafeRawBufferPointer) -> Bool,
        say: @escaping (String) -> Void
    ) {
        self.options = options
        self.stop = stop
        self.show = show
        self.say = say
    }

    private static var now_ms: Int64 { Int64(Clock.monotonicNanoseconds() / 1_000_000) }

    /// Follows until the count is reached, `show` says no, or the stop signal is given. Throws `ArchiveReplaced` when
    /// another archive takes the place of the one that it follows.
    public func run() throws {
        let context = try Context()
        var liveOptions = SocketOptions()
        liveOptions.receiveHighWaterMark = Int32(Limits.liveHighWaterMark)
        liveOptions.subscriptions =
            options.stations.isEmpty ? [[]] : options.stations.map { Array("\($0)/".utf8) }
        var live = try context.socket(.sub, liveOptions)
        try live.connect(try options.run.endpoint(.sinkLive))
        var replay = try context.socket(.dealer, SocketOptions())
        try replay.connect(try options.run.endpoint(.sinkReplay))
        var poller = Poller()
        let fromLive = poller.add(live)
        let fromReplay = poller.add(replay)
        _ = poller.add(descriptor: stop.descriptor)
        while !stop.isGiven, !hasEnded {
            try poller.wait(timeoutMilliseconds: 100)
            if poller.isReadable(fromReplay) {
                while !hasEnded, try replay.receive(into: &frames) { try takeReplay(&replay) }
            }
            if poller.isReadable(fromLive) {
                for _ in 0..<1024 where !hasEnded {
                    guard try live.receive(into: &frames) else { break }
                    try takeLive(&replay)
                }
            }
            try tick(&replay)
        }
    }

    private func tick(_ replay: inout Socket) throws {
        let now = Self.now_ms
        if now >= nextHeads_ms {
            // Asked for again once they are known: a replaced archive that is empty sends no beacon.
            nextHeads_ms = now + (knowsHeads ? 2 * Int64(Limits.beaconMilliseconds) : 250)
            try ask("{\"query\":\"heads\"}", &replay)
        }
        for station in followers.keys {
            if let actions = followers[station]?.tick(now_ms: now) { try carryOut(actions, station, &replay) }
        }
        if now >= nextWords_ms, now - lastHeard_ms > 3_000 {
            nextWords_ms = now + 2_000
            say("waiting for the sink: nothing answers in \(options.run.path); start enlace-sink")
        }
    }

    // MARK: - Stations

    private func isWanted(_ station: StationName) -> Bool {
        options.stations.isEmpty || options.stations.contains(station)
    }

    /// Begins to follow a station whose stream stands at `head`; `isNew` when it had no event as the tail began.
    private func begin(_ station: StationName, head: UInt64, isNew: Bool, _ replay: inout Socket) throws {
        guard isWanted(station), followers[station] == nil else { return }
        let from: UInt64
        switch options.start {
        case .begin: from = 0
        case .now: from = isNew ? 0 : head
        case .position(let position) where position.station == station: from = position.offset
        case .position: return
        }
        followers[station] = TailFollow(from: from)
        if let actions = followers[station]?.beacon(head: head, now_ms: Self.now_ms) {
            try carryOut(actions, station, &replay)
        }
    }

    /// Remembers which archive is followed, and ends when another one answers.
    private func check(_ found: ArchiveIdentity?) throws(ArchiveReplaced) {
        guard let found else { return }
        guard let followed = identity else {
            identity = found
            return
        }
        guard followed != found else { return }
        let reached = followers.map { ArchivePosition(station: $0.key, offset: $0.value.next).description }
        throw ArchiveReplaced(followed: followed, found: found, next: reached.sorted().joined(separator: ", "))
    }

    // MARK: - Live

    private func takeLive(_ replay: inout Socket) throws {
        guard frames.count == 3, let position = ArchivePosition(String(decoding: frames.bytes(at: 1), as: UTF8.self))
        else { return }
        lastHeard_ms = Self.now_ms
        let isBeacon = frames.withBytes(at: 0) { $0.suffix(7).elementsEqual("/beacon".utf8) }
        let station = position.station
        if followers[station] == nil {
            // Before the heads are known a new station cannot be told from an old one: its events come by replay.
            guard knowsHeads else { return }
            try begin(station, head: position.offset, isNew: true, &replay)
        }
        if isBeacon {
            try check(frames.withBytes(at: 2) { ArchiveIdentity(try? JSONValue.parse($0)) })
            if let actions = followers[station]?.beacon(head: position.offset, now_ms: Self.now_ms) {
                try carryOut(actions, station, &replay)
            }
            return
        }
        guard let actions = followers[station]?.live(offset: position.offset, now_ms: Self.now_ms) else { return }
        for action in actions {
            if action == .show { frames.withBytes(at: 2) { emit(position, $0) } }
        }
        try carryOut(actions, station, &replay)
    }

    private func emit(_ position: ArchivePosition, _ line: UnsafeRawBufferPointer) {
        guard !hasEnded else { return }
        if !show(position, line) { hasEnded = true }
        shown += 1
        if let count = options.count, shown >= count { hasEnded = true }
    }

    // MARK: - Replay

    private func carryOut(_ actions: [TailFollow.Action], _ station: StationName, _ replay: inout Socket) throws {
        for action in actions {
            if case .requestReplay(let from) = action {
                let members = identity.map { ",\"archive\":\"\($0.archive)\",\"generation\":\($0.generation)" } ?? ""
                try ask("{\"station\":\"\(station)\",\"from\":\(from)\(members)}", &replay)
            }
        }
    }

    private func ask(_ text: String, _ replay: inout Socket) throws {
        var message = Message(text)
        // Not connected yet: the next tick asks again.
        _ = try replay.send(&message)
    }

    private func takeReplay(_ replay: inout Socket) throws {
        guard frames.count == 2, let head = frames.withBytes(at: 0, { try? JSONValue.parse($0) }) else { return }
        lastHeard_ms = Self.now_ms
        try check(ArchiveIdentity(head))
        guard head["status"]?.string == "ok" else {
            say("replay: \(head["reason"]?.string ?? "refused")")
            return
        }
        if case .object(let heads)? = head["heads"] {
            guard !knowsHeads else { return }
            knowsHeads = true
            for entry in heads {
                guard let station = StationName(entry.name), let next = entry.value.unsigned else { continue }
                try begin(station, head: next, isNew: false, &replay)
            }
            // A station that has nothing yet begins at its first event.
            for station in options.stations where followers[station] == nil {
                try begin(station, head: 0, isNew: true, &replay)
            }
            return
        }
        guard let name = head["station"]?.string, let station = StationName(name), followers[station] != nil,
            let from = head["from"]?.unsigned, let reached = head["next"]?.unsigned, let end = head["head"]?.unsigned,
            followers[station]?.accepts(replayFrom: from) == true
        else { return }
        let offsets = Self.offsets(head["offsets"]?.array ?? [])
        frames.withBytes(at: 1) { bytes in showReplayed(bytes, offsets, station) }
        guard !hasEnded else { return }
        if let actions = followers[station]?.replayEnded(next: reached, head: end, now_ms: Self.now_ms) {
            try carryOut(actions, station, &replay)
        }
    }

    private func showReplayed(_ bytes: UnsafeRawBufferPointer, _ offsets: [Range<UInt64>], _ station: StationName) {
        guard let base = bytes.baseAddress else { return }
        var start = 0
        for offset in offsets.joined() {
            guard !hasEnded, start < bytes.count, let found = memchr(base + start, 0x0A, bytes.count - start) else {
                return
            }
            let end = base.distance(to: UnsafeRawPointer(found))
            if followers[station]?.replayed(offset: offset) == .show {
                let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                emit(ArchivePosition(station: station, offset: offset), line)
            }
            start = end + 1
        }
    }

    private static func offsets(_ runs: [JSONValue]) -> [Range<UInt64>] {
        runs.compactMap { run in
            guard let pair = run.array, pair.count == 2, let lower = pair[0].unsigned, let upper = pair[1].unsigned,
                lower <= upper
            else { return nil }
            return lower..<upper
        }
    }
}
