import Bytes
import EventJSON
import Platform
import Wire

/// What became of a refused event that was sent again: one small file a record, written before it is sent.
///
/// The record is a gateway of its own, and its request number is kept before the first byte goes out. After a kill the
/// same bytes go to the same producer under the same number, and the producer gives its first answer.
public struct PutBackJournal: Sendable {
    /// How far one record is.
    public enum State: String, Sendable {
        /// It may have been sent; the answer is not known.
        case sending
        /// The producer has it.
        case accepted
        /// The producer refused it again.
        case refused
    }

    /// The file of one record.
    public struct Entry: Hashable, Sendable {
        /// Names the record: its producer, a hyphen, its number.
        public var key: String
        /// How far it is.
        public var state: State
        /// The request's number.
        public var request: UInt64
        /// Whose producer it goes to.
        public var station: StationName
        /// That producer's name.
        public var name: String
        /// The event as it was sent.
        public var event: String
        /// When the state was reached.
        public var at: Timestamp
        /// The sequence that it was given.
        public var sequence: UInt64?
        /// Why it was refused.
        public var reason: String?

        /// The gateway that the record is to the producer.
        var gateway: String { "reject:" + String(key.map { $0 == "-" ? ":" : $0 }) }
    }

    private let directory: String

    /// Names the journal of a state directory.
    public init(stateDirectory: String) { directory = stateDirectory + "/rejects/_put-back" }

    /// Takes the journal for this process.
    func lock() throws -> FileLock {
        try Files.makeDirectories(directory)
        return try FileLock(
            path: directory + "/lock",
            purpose: "the journal of refused events that are put back",
            advice: "another enlace rejects retry is at work: wait until it has ended"
        )
    }

    private func path(_ key: String) -> String { "\(directory)/\(key).json" }

    /// What is known of a record; nil when it was never sent again.
    public func entry(_ key: String) throws -> Entry? {
        guard Files.exists(path(key)) else { return nil }
        let bytes = try Files.read(path(key))
        guard let value = try? JSONValue.parse(bytes),
            let state = value["state"]?.string.flatMap(State.init(rawValue:)),
            let request = value["request"]?.unsigned,
            let station = value["station"]?.string.flatMap({ StationName($0) }),
            let name = value["name"]?.string, let event = value["event"]?.string, let written = value["at"]?.string
        else {
            throw PlatformError(
                operation: "understand",
                path: path(key),
                advice: "look in the archive for the event (enlace trace) before you remove the file"
            )
        }
        let time = Array(written.utf8).withUnsafeBytes { try? Timestamp.parse(Text($0)) }
        return Entry(
            key: key,
            state: state,
            request: request,
            station: station,
            name: name,
            event: event,
            at: time?.timestamp ?? Timestamp(microseconds: 0),
            sequence: value["sequence"]?.unsigned,
            reason: value["reason"]?.string
        )
    }

    /// Puts an entry on the disk.
    func write(_ entry: Entry) throws(PlatformError) {
        var writer = ByteWriter(capacity: entry.event.utf8.count + 512)
        writer.append("{\"state\":")
        writer.append(jsonString: entry.state.rawValue)
        writer.append(",\"request\":")
        writer.append(string: String(entry.request))
        writer.append(",\"station\":")
        writer.append(jsonString: entry.station.description)
        writer.append(",\"name\":")
        writer.append(jsonString: entry.name)
        writer.append(",\"at\":\"")
        writer.append(timestamp: entry.at)
        writer.append("\"")
        if let sequence = entry.sequence {
            writer.append(",\"sequence\":")
            writer.append(string: String(sequence))
        }
        if let reason = entry.reason {
            writer.append(",\"reason\":")
            writer.append(jsonString: reason)
        }
        writer.append(",\"event\":")
        writer.append(jsonString: entry.event)
        writer.append("}\n")
        try Files.writeAtomically(path(entry.key), writer.array, mode: 0o600)
    }
}
