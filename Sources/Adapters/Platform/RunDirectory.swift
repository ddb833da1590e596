import Bytes
import Glibc
import Wire

/// The directory of ipc endpoints, their locks and the status files: how the processes of one machine find each other.
public struct RunDirectory: Hashable, Sendable {
    /// The endpoints that the stages bind.
    public enum Endpoint: Hashable, Sendable {
        /// Where gateways send events to a producer; the station and the producer's name.
        case producerGateways(StationName, String)
        /// Where workers ask a producer for batches.
        case producerWorkers(StationName, String)
        /// Where workers hand enriched batches to the sink.
        case sinkIntake
        /// Where producers learn what is committed.
        case sinkControl
        /// Where analysts read by position.
        case sinkReplay
        /// Where analysts follow.
        case sinkLive

        /// The file's name in the run directory.
        public var fileName: String {
            switch self {
            case .producerGateways(let station, let name): "producer.\(station).\(name).gateways"
            case .producerWorkers(let station, let name): "producer.\(station).\(name).workers"
            case .sinkIntake: "sink.intake"
            case .sinkControl: "sink.control"
            case .sinkReplay: "sink.replay"
            case .sinkLive: "sink.live"
            }
        }
    }

    /// A producer that has bound its endpoints here, or had and died.
    public struct Producer: Hashable, Sendable {
        /// Its station.
        public let station: StationName
        /// Its name among the producers of the station.
        public let name: String
    }

    /// The directory.
    public let path: String

    /// Takes a directory; it need not be there yet.
    public init(path: String) {
        var trimmed = path
        while trimmed.utf8.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        self.path = trimmed
    }

    /// Makes the directory and the one of the status files, for this user alone.
    public func create() throws(PlatformError) { try Files.makeDirectories(statusPath, mode: 0o700) }

    /// Where the workers record what they are at.
    public var workersPath: String { path + "/workers" }

    /// Where the processes write their status files.
    public var statusPath: String { path + "/status" }

    /// The ZeroMQ endpoint `ipc://…`; throws when the path is longer than an ipc endpoint may be.
    public func endpoint(_ endpoint: Endpoint) throws(PlatformError) -> String {
        if case .producerGateways(_, let name) = endpoint { try Self.checkProducerName(name) }
        if case .producerWorkers(_, let name) = endpoint { try Self.checkProducerName(name) }
        let full = "\(path)/\(endpoint.fileName)"
        guard full.utf8.count <= Limits.ipcPathBytes else {
            throw PlatformError(
                code: .nameTooLong,
                operation: "use the ipc endpoint",
                path: full,
                advice: "it has \(full.utf8.count) bytes and may have \(Limits.ipcPathBytes); "
                    + "choose a shorter --run-dir, such as /tmp/enlace"
            )
        }
        return "ipc://" + full
    }

    /// The producers of a station, or of all, whose worker endpoint lies in the directory; sorted.
    ///
    /// One that died is among them: it is where its successor will be. A missing directory has no producers.
    public func discoverProducers(station: StationName? = nil) -> [Producer] {
        guard let names = try? Files.list(path) else { return [] }
        return names.compactMap { name in
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 4, parts[0] == "producer", parts[3] == "workers",
                let found = StationName(parts[1]), station == nil || station == found,
                Self.isProducerName(String(parts[2]))
            else { return nil }
            return Producer(station: found, name: String(parts[2]))
        }
    }

    /// Whether a text can name a producer: as a station's slug, 1 to 32 of a–z, 0–9 and hyphen.
    public static func isProducerName(_ name: String) -> Bool { StationName(name) != nil }

    private static func checkProducerName(_ name: String) throws(PlatformError) {
        guard isProducerName(name) else {
            throw PlatformError(
                code: .invalidName,
                operation: "use the producer name",
                path: name,
                advice: "a name is 1 to 32 of a–z, 0–9 and hyphen, such as main"
            )
        }
    }
}
