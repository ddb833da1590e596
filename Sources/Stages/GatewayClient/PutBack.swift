import Bytes
import Platform
import Wire
import ZeroMQ

/// Sends refused events again, each exactly once however often it is asked to and wherever it is killed, and waits until
/// they are archived. Belongs to one thread, which it blocks.
public final class PutBack {
    /// A record to be put back.
    public struct Item: Sendable {
        /// Names the record: its producer, a hyphen, its number.
        public var key: String
        /// The station that the record is of; counts when the event names none.
        public var station: StationName
        /// The event to be sent.
        public var event: String

        /// Joins the fields.
        public init(key: String, station: StationName, event: String) {
            self.key = key
            self.station = station
            self.event = event
        }
    }

    private let options: Publisher.Options
    private let stop: StopSignal
    private let tell: (String, PublishRefusal) -> Void
    private let say: (String) -> Void
    private let context: Context
    private let journal: PutBackJournal
    private var lanes: [String: PutBackLane] = [:]
    private var lastNumber: UInt64 = 0
    private let started_ns = Clock.monotonicNanoseconds()
    private var nextWords_ns: UInt64

    /// Prepares to send.
    ///
    /// - Parameters:
    ///   - tell: Called for every record that is refused again, with its key.
    ///   - say: Called every two seconds with what it waits for.
    public init(
        options: Publisher.Options,
        stop: StopSignal,
        tell: @escaping (String, PublishRefusal) -> Void,
        say: @escaping (String) -> Void
    ) throws {
        self.options = options
        self.stop = stop
        self.tell = tell
        self.say = say
        context = try Context()
        journal = PutBackJournal(stateDirectory: options.stateDirectory)
        nextWords_ns = started_ns + 2_000_000_000
    }

    /// How it stands, a station each.
    public var results: [PublishResult] {
        var byStation: [StationName: PublishResult] = [:]
        for lane in lanes.values {
            byStation[lane.result.station, default: PublishResult(station: lane.result.station)] += lane.result
        }
        return byStation.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Puts records back, and waits for the archive. What was put back before is passed over.
    public func run(_ items: [Item]) throws -> Publisher.Ending {
        let lock = try journal.lock()
        let ending = try send(items)
        _ = consume lock
        return ending
    }

    private func send(_ items: [Item]) throws -> Publisher.Ending {
        for item in items {
            let known = try journal.entry(item.key)
            if known?.state == .accepted { continue }
            let isResumed = known?.state == .sending
            let entry = isResumed ? known ?? fresh(item, after: known) : fresh(item, after: known)
            let lane = try lane(entry)
            while !lane.mayTake(entry) {
                try pump()
                if let over = isOver { return over }
            }
            if !isResumed { try journal.write(entry) }
            lane.take(entry, isResumed: isResumed)
            if let over = isOver { return over }
        }
        while lanes.values.contains(where: { !$0.isDone }) {
            try pump()
            if let over = isOver { return over }
        }
        return .done
    }

    /// Numbers go up for each record, and no two of a run are the same: answers are known by them.
    private func fresh(_ item: Item, after known: PutBackJournal.Entry?) -> PutBackJournal.Entry {
        let now = Clock.now()
        lastNumber = max(lastNumber + 1, UInt64(max(1, now.microseconds)), (known?.request ?? 0) + 1)
        let named = Array(item.event.utf8).withUnsafeBytes { Publisher.station(of: $0) }
        let station = named ?? item.station
        return PutBackJournal.Entry(
            key: item.key,
            state: .sending,
            request: lastNumber,
            station: station,
            name: options.run.discoverProducers(station: station).first?.name ?? "main",
            event: item.event,
            at: now,
            sequence: nil,
            reason: nil
        )
    }

    private var isOver: Publisher.Ending? {
        if stop.isGiven { return .stopped }
        if let limit = options.timeoutSeconds, Double(Clock.monotonicNanoseconds() - started_ns) / 1e9 >= limit {
            return .timedOut
        }
        return nil
    }

    private func pump() throws {
        for lane in lanes.values where !lane.isDone { try lane.turn { tell($0.key, $1) } }
        let now = Clock.monotonicNanoseconds()
        guard now >= nextWords_ns else { return }
        for lane in lanes.values {
            guard let words = lane.waitsFor else { continue }
            say(words)
            nextWords_ns = now + 2_000_000_000
        }
    }

    private func lane(_ entry: PutBackJournal.Entry) throws -> PutBackLane {
        let key = "\(entry.station).\(entry.name)"
        if let lane = lanes[key] { return lane }
        var socketOptions = SocketOptions()
        socketOptions.sendHighWaterMark = 256
        socketOptions.lingerMilliseconds = 200
        var socket = try context.socket(.dealer, socketOptions)
        let endpoint = try options.run.endpoint(.producerGateways(entry.station, entry.name))
        try socket.connect(endpoint)
        let lane = PutBackLane(station: entry.station, endpoint: endpoint, socket: socket, journal: journal)
        lanes[key] = lane
        return lane
    }
}

extension PublishResult {
    fileprivate static func += (left: inout PublishResult, right: PublishResult) {
        left.accepted += right.accepted
        left.rejected += right.rejected
        left.archived += right.archived
    }
}
