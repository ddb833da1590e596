import Bytes

/// What a verification found.
public struct ArchiveReport: Sendable {
    /// One station's totals.
    public struct Station: Hashable, Sendable {
        /// The station.
        public var station: StationName
        /// Segments that hold something committed.
        public var segments = 0
        /// Events that are there.
        public var events: UInt64 = 0
        /// Bytes of their lines.
        public var bytes: UInt64 = 0
        /// The offset behind the last committed event.
        public var nextOffset: UInt64 = 0
    }

    /// One thing found, and where.
    public struct Finding: Hashable, Sendable {
        /// The station.
        public var station: StationName
        /// The file.
        public var path: String
        /// The offsets it touches, where that is known.
        public var offsets: Range<UInt64>?
        /// What it is, for people.
        public var what: String
    }

    /// The archive's id.
    public var archive: String
    /// Its generation.
    public var generation: UInt32
    /// Totals by station.
    public var stations: [Station] = []
    /// What is not as it was written.
    public var damage: [Finding] = []
    /// Sequences that the archive lost and knows that it lost.
    public var gaps: [Finding] = []
    /// Producers whose sequences stand for two events.
    public var forks: [Finding] = []
    /// What is worth saying and no damage.
    public var notes: [Finding] = []

    /// No damage.
    public var isSound: Bool { damage.isEmpty }
    /// Segments in all.
    public var segments: Int { stations.reduce(0) { $0 + $1.segments } }
    /// Events in all.
    public var events: UInt64 { stations.reduce(0) { $0 + $1.events } }
    /// Bytes in all.
    public var bytes: UInt64 { stations.reduce(0) { $0 + $1.bytes } }

    /// One JSON object in one line, without a line feed.
    public var json: String {
        var writer = ByteWriter()
        writer.append("{\"archive\":")
        writer.append(jsonString: archive)
        writer.append(string: ",\"generation\":\(generation),\"sound\":\(isSound),\"segments\":\(segments)")
        writer.append(string: ",\"events\":\(events),\"bytes\":\(bytes),\"stations\":[")
        for (index, entry) in stations.enumerated() {
            writer.append(string: index == 0 ? "" : ",")
            writer.append(string: "{\"station\":\"\(entry.station)\",\"segments\":\(entry.segments)")
            writer.append(string: ",\"events\":\(entry.events),\"bytes\":\(entry.bytes)")
            writer.append(string: ",\"next_offset\":\(entry.nextOffset)}")
        }
        writer.append("]")
        for (name, findings) in [("damage", damage), ("gaps", gaps), ("forks", forks), ("notes", notes)] {
            writer.append(string: ",\"\(name)\":[")
            for (index, finding) in findings.enumerated() {
                writer.append(string: index == 0 ? "" : ",")
                writer.append(string: "{\"station\":\"\(finding.station)\",\"path\":")
                writer.append(jsonString: finding.path)
                if let offsets = finding.offsets {
                    writer.append(string: ",\"from\":\(offsets.lowerBound),\"before\":\(offsets.upperBound)")
                }
                writer.append(",\"what\":")
                writer.append(jsonString: finding.what)
                writer.append("}")
            }
            writer.append("]")
        }
        writer.append("}")
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// For a terminal, one finding a line.
    public var text: String {
        var lines = ["archive \(archive), generation \(generation): \(isSound ? "sound" : "DAMAGED")"]
        for entry in stations {
            lines.append(
                "  \(entry.station): \(entry.events) events in \(entry.segments) segments, \(entry.bytes) bytes"
            )
        }
        for (name, findings) in [("damage", damage), ("gap", gaps), ("fork", forks), ("note", notes)] {
            for finding in findings {
                let at = finding.offsets.map { " \(finding.station)@\($0.lowerBound) up to @\($0.upperBound)" } ?? ""
                lines.append("  \(name):\(at) \(finding.what) (\(finding.path))")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
