import Bytes
import EventJSON
import Glibc
import Logging
import Platform
import Wire
import ZeroMQ

/// How a publishing went at one station.
public struct PublishResult: Sendable {
    /// The station whose producer took or refused the events.
    public var station: StationName
    /// Events that are on the producer's disk.
    public var accepted: UInt64 = 0
    /// Events that were refused.
    public var rejected: UInt64 = 0
    /// Accepted events that are in the archive.
    public var archived: UInt64 = 0

    /// One JSON object, as `enlace-producer --input` prints it.
    public func json(seconds: Double) -> String {
        let hundredths = Int(seconds * 100)
        let fraction = hundredths % 100
        return "{\"station\":\"\(station)\",\"accepted\":\(accepted),\"rejected\":\(rejected),"
            + "\"archived\":\(archived),\"resumed_from\":0,"
            + "\"seconds\":\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)}"
    }
}

/// One refused event, for the person who published it.
public struct PublishRefusal: Sendable {
    /// The line of the input, from 1.
    public var line: Int
    /// The field, when it is one.
    public var field: String?
    /// Why.
    public var reason: String
}

/// A gateway: sends each event of an input to its own station's producer and waits until all are archived.
///
/// Belongs to one thread, which it blocks.
public final class Publisher {
    /// What it is told to do.
    public struct Options: Sendable {
        /// Where the producers' endpoints are.
        public var run: RunDirectory
        /// Where this gateway's identity is kept.
        public var stateDirectory: String
        /// The stations of the reference data; a line of another one goes to the first producer, which refuses it.
        public var stations: [StationName]
        /// How long to wait in all; nil is for ever.
        public var timeoutSeconds: Double?

        /// Joins the choices.
        public init(
            run: RunDirectory,
            stateDirectory: String,
            stations: [StationName],
            timeoutSeconds: Double?
        ) {
            self.run = run
            self.stateDirectory = stateDirectory
            self.stations = stations
            self.timeoutSeconds = timeoutSeconds
        }
    }

    /// How it ended.
    public enum Ending: Sendable { case done, timedOut, stopped }

    private let options: Options
    private let stop: StopSignal
    private let tell: (PublishRefusal) -> Void
    private let say: (String) -> Void
    private let context: Context
    private var slot: GatewaySlot
    private var lanes: [StationName: Lane] = [:]
    private let started_ns = Clock.monotonicNanoseconds()
    private var nextWords_ns: UInt64

    /// Prepares the gateway and takes its identity.
    ///
    /// - Parameters:
    ///   - tell: Called for every refused event.
    ///   - say: Called every two seconds with what it waits for.
    public init(
        options: Options,
        stop: StopSignal,
        tell: @escaping (PublishRefusal) -> Void,
        say: @escaping (String) -> Void
    ) throws {
        self.options = options
        self.stop = stop
        self.tell = tell
        self.say = say
        context = try Context()
        slot = try GatewaySlot(directory: options.stateDirectory + "/gateways")
        nextWords_ns = started_ns + 2_000_000_000
    }

    /// How it stands, a station each.
    public var results: [PublishResult] { lanes.keys.sorted().compactMap { lanes[$0]?.result } }

    /// Publishes lines until `next` has no more, then waits for the archive. Blank lines are passed over.
    ///
    /// What was gathered is sent when the input pauses: a slow feed is not held back until a request is full.
    ///
    /// - Parameters:
    ///   - isReady: Whether `next` can answer at once, after waiting for it at most so many milliseconds.
    ///   - next: Gives the next line without its ending, valid until it is called again; nil at the end.
    public func publish(
        isReady: (Int32) throws -> Bool,
        next: () throws -> UnsafeRawBufferPointer?
    ) throws -> Ending {
        var line = 0
        while true {
            if try !isReady(0) {
                for lane in lanes.values { lane.flush() }
                var isWaiting = true
                while isWaiting {
                    try pump()
                    if let over = isOver { return over }
                    isWaiting = try !isReady(20)
                }
            }
            guard let event = try next() else { break }
            line += 1
            guard event.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { continue }
            guard let lane = try lane(for: event) else { return ending }
            lane.gather(event, line: line)
            while lane.mustWait {
                try turn(lane)
                if let over = isOver { return over }
            }
            if line % 4096 == 0 { try pump() }
        }
        for lane in lanes.values { lane.finishGathering() }
        while lanes.values.contains(where: { !$0.isDone }) {
            try pump()
            if let over = isOver { return over }
        }
        return .done
    }

    private var ending: Ending { isOver ?? .stopped }

    private var isOver: Ending? {
        if stop.isGiven { return .stopped }
        if let limit = options.timeoutSeconds, Double(Clock.monotonicNanoseconds() - started_ns) / 1e9 >= limit {
            return .timedOut
        }
        return nil
    }

    private func pump() throws {
        for lane in lanes.values where !lane.isDone && lane.hasBusiness { try turn(lane) }
        sayWhatItWaitsFor()
    }

    private func turn(_ lane: Lane) throws {
        try lane.turn(number: { try slot.takeNumber() }, gateway: slot.gateway, tell: tell)
        sayWhatItWaitsFor()
    }

    private func sayWhatItWaitsFor() {
        let now = Clock.monotonicNanoseconds()
        guard now >= nextWords_ns else { return }
        for lane in lanes.values.sorted(by: { $0.result.station < $1.result.station }) {
            guard let words = lane.waitsFor else { continue }
            say(words)
            // Only what was said is not repeated for a while: a lane's patience may end just after this look.
            nextWords_ns = now + 2_000_000_000
        }
    }

    // MARK: - Lanes

    /// The lane of the station that the event names; nil when it was stopped while no producer was there.
    private func lane(for event: UnsafeRawBufferPointer) throws -> Lane? {
        if let name = Self.station(of: event), options.stations.contains(name) { return try lane(name) }
        // Nobody's event: the first producer says so, and keeps it among its rejects.
        if let first = lanes.keys.min() { return lanes[first] }
        while true {
            if let first = options.run.discoverProducers().first { return try lane(first.station) }
            let now = Clock.monotonicNanoseconds()
            if now >= nextWords_ns {
                nextWords_ns = now + 2_000_000_000
                say("waiting for a producer: none has started in \(options.run.path)")
            }
            if isOver != nil { return nil }
            var descriptors = [pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0)]
            _ = poll(&descriptors, 1, 100)
        }
    }

    private func lane(_ station: StationName) throws -> Lane {
        if let lane = lanes[station] { return lane }
        let name = options.run.discoverProducers(station: station).first?.name ?? "main"
        var socketOptions = SocketOptions()
        socketOptions.sendHighWaterMark = 8
        var socket = try context.socket(.dealer, socketOptions)
        let endpoint = try options.run.endpoint(.producerGateways(station, name))
        try socket.connect(endpoint)
        let lane = Lane(station: station, endpoint: endpoint, socket: socket)
        lanes[station] = lane
        return lane
    }

    static func station(of event: UnsafeRawBufferPointer) -> StationName? {
        let text =
            TopLevelReader.string(of: "station", in: event)
            ?? TopLevelReader.string(of: "station", inside: "data", in: event)
        return text.flatMap { StationName($0.string) }
    }
}
