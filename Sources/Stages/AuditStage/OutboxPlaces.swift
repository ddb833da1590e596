import Platform
import Wire
import Bytes

/// Where outboxes lie: `STATE/outbox/STATION.NAME`.
public enum OutboxPlaces {
    /// One directory.
    public struct Place: Hashable, Sendable {
        /// The station that its name says.
        public var station: StationName
        /// The producer's name.
        public var name: String
        /// The directory.
        public var directory: String
    }

    /// All of a state directory, sorted; none when there are none.
    public static func list(_ stateDirectory: String) -> [Place] {
        let root = stateDirectory + "/outbox"
        return ((try? Files.list(root)) ?? []).compactMap { entry in
            guard let dot = entry.firstIndex(of: "."), let station = StationName(entry[..<dot]) else { return nil }
            let name = String(entry[entry.index(after: dot)...])
            return Place(station: station, name: name, directory: "\(root)/\(entry)")
        }
    }
}
