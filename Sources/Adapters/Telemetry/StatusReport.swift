import Bytes

/// What a running process says about itself, once a second, in a file of the run directory.
public struct StatusReport: Sendable {
    /// Whether work moves.
    public enum Health: String, Sendable {
        /// Work moves, or nothing waits.
        case ready
        /// Work waits for something else; the reason says for what.
        case waiting
        /// It is ending because something failed.
        case failed
        /// It was told to stop.
        case stopping
    }

    /// The name of the file without its ending, such as `producer.nogales.main`.
    public var process: String
    /// producer, enricher, sink or up.
    public var kind: String
    /// The station, when there is one.
    public var station: String?
    /// The process.
    public var processIdentifier: Int32
    /// When it started.
    public var startedAt: Timestamp
    /// Whether work moves.
    public var health: Health
    /// What it waits for, or why it failed.
    public var reason: String
    /// What it has done.
    public var counters: [(name: String, value: Int64)]

    /// Joins the fields.
    public init(
        process: String,
        kind: String,
        station: String?,
        processIdentifier: Int32,
        startedAt: Timestamp,
        health: Health,
        reason: String,
        counters: [(name: String, value: Int64)]
    ) {
        self.process = process
        self.kind = kind
        self.station = station
        self.processIdentifier = processIdentifier
        self.startedAt = startedAt
        self.health = health
        self.reason = reason
        self.counters = counters
    }

    /// The file's content, one JSON object and a line feed.
    public func encoded(at time: Timestamp) -> [UInt8] {
        var writer = ByteWriter(capacity: 512)
        writer.append("{\"process\":")
        writer.append(jsonString: process)
        writer.append(",\"kind\":")
        writer.append(jsonString: kind)
        writer.append(",\"station\":")
        if let station { writer.append(jsonString: station) } else { writer.append("null") }
        writer.append(",\"pid\":")
        writer.append(decimal: Int64(processIdentifier))
        writer.append(",\"started_at\":\"")
        writer.append(timestamp: startedAt)
        writer.append("\",\"updated_at\":\"")
        writer.append(timestamp: time)
        writer.append("\",\"health\":\"")
        writer.append(string: health.rawValue)
        writer.append("\",\"reason\":")
        writer.append(jsonString: reason)
        writer.append(",\"counters\":{")
        for (index, counter) in counters.enumerated() {
            if index > 0 { writer.append(",") }
            writer.append(jsonString: counter.name)
            writer.append(":")
            writer.append(decimal: counter.value)
        }
        writer.append("}}\n")
        return writer.array
    }
}
