import Bytes
import Platform
import Wire

/// What a producer is told to do.
public struct ProducerOptions: Sendable {
    /// Where the events come from.
    public enum Source: Sendable {
        /// From gateways, until it is stopped.
        case gateways
        /// From a file or standard input.
        case input(InputOptions)
    }

    /// How a file is read.
    public struct InputOptions: Sendable {
        /// The file, or `-` for standard input.
        public var path: String
        /// Whether to wait for more at the end.
        public var follows: Bool
        /// Whether to begin at the front although the outbox remembers an offset.
        public var startsAgain: Bool
        /// The name under which standard input, the same bytes each time, is remembered.
        public var sourceName: String?

        /// Joins the choices.
        public init(path: String, follows: Bool = false, startsAgain: Bool = false, sourceName: String? = nil) {
            self.path = path
            self.follows = follows
            self.startsAgain = startsAgain
            self.sourceName = sourceName
        }
    }

    /// The station whose events it takes.
    public var station: StationName
    /// Tells several producers of one station apart.
    public var name: String
    /// Where the ipc endpoints are.
    public var run: RunDirectory
    /// Where outbox and rejects are.
    public var stateDirectory: String
    /// Where the events come from.
    public var source: Source
    /// The sink's control endpoint; nil for the one in the run directory.
    public var sinkEndpoint: String?
    /// The most bytes of the outbox.
    public var outboxBytes: Int
    /// The share of the filesystem, in percent, below which events are refused.
    public var reservePercent: Int

    /// Joins the choices.
    public init(
        station: StationName,
        name: String = "main",
        run: RunDirectory,
        stateDirectory: String,
        source: Source,
        sinkEndpoint: String? = nil,
        outboxBytes: Int = Limits.outboxBytes,
        reservePercent: Int = Limits.filesystemReservePercent
    ) {
        self.station = station
        self.name = name
        self.run = run
        self.stateDirectory = stateDirectory
        self.source = source
        self.sinkEndpoint = sinkEndpoint
        self.outboxBytes = outboxBytes
        self.reservePercent = reservePercent
    }

    /// Where the outbox is.
    public var outboxDirectory: String { "\(stateDirectory)/outbox/\(station).\(name)" }
    /// Where the refused events go.
    public var rejectsDirectory: String { "\(stateDirectory)/rejects" }
}
