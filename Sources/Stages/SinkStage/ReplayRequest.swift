import Bytes
import EventJSON
import Wire

/// What somebody asks the replay endpoint for.
package enum ReplayRequest: Hashable {
    /// Where every station's stream stands.
    case heads
    /// A station's events from an offset on, so many bytes of them.
    case events(station: StationName, from: UInt64, limitBytes: Int, cursor: Cursor)

    /// Which archive the asker's positions are of; nil where it does not say.
    package struct Cursor: Hashable {
        /// The archive's id as it was written.
        package var archive: String?
        /// The archive's generation.
        package var generation: UInt64?
    }

    /// Reads a request; nil when it is not one.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard let value = try? JSONValue.parse(bytes) else { return nil }
        if value["query"]?.string == "heads" {
            self = .heads
            return
        }
        guard let name = value["station"]?.string, let station = StationName(name), let from = value["from"]?.unsigned
        else { return nil }
        let limit = min(Int(clamping: value["limit_bytes"]?.unsigned ?? .max), Limits.replayBytes)
        // What is there and is not what it should be names no archive that this one could be.
        let cursor = Cursor(
            archive: value["archive"].map { $0.string ?? "?" },
            generation: value["generation"].map { $0.unsigned ?? .max }
        )
        self = .events(station: station, from: from, limitBytes: max(limit, 1), cursor: cursor)
    }
}
