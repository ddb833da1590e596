import Archive
import Bytes
import Wire

/// Where an event is.
public enum TracePlace: Sendable {
    /// In the archive.
    case archived(Archived)
    /// In an outbox.
    case waiting(Waiting)
    /// Among the refused.
    case rejected(StoredReject)
    /// Lost or damaged on the archive's disk, which says so.
    case lost(StationName, ArchiveIndexFact)

    /// An archived event.
    public struct Archived: Sendable {
        /// Line and index entry.
        public var finding: ArchiveFinding
        /// Its id.
        public var identifier: String?
        /// Its level; nil when it was archived without tags.
        public var level: String?
        /// Why it was archived without tags.
        public var reason: String?
    }

    /// An event that is accepted and not archived yet.
    public struct Waiting: Sendable {
        /// Its station.
        public var station: StationName
        /// The producer's name.
        public var name: String
        /// The producer.
        public var producer: Identifier128
        /// Its epoch.
        public var epoch: UInt64
        /// Its sequence.
        public var sequence: UInt64
        /// When it was accepted.
        public var since: Timestamp
        /// In the producer's words.
        public var waitsFor: String
    }

    struct EventKey: Hashable {
        var producer: Identifier128
        var epoch: UInt64
        var sequence: UInt64
    }

    /// What names an accepted event for good.
    var eventKey: EventKey? {
        switch self {
        case .archived(let place):
            EventKey(
                producer: place.finding.batch.producer,
                epoch: place.finding.batch.epoch,
                sequence: place.finding.sequence
            )
        case .waiting(let place): EventKey(producer: place.producer, epoch: place.epoch, sequence: place.sequence)
        default: nil
        }
    }

    // MARK: - For people

    /// A few lines.
    public var text: String {
        switch self {
        case .archived(let place):
            let batch = place.finding.batch
            let kind = batch.isUnenriched ? "dead letter" : batch.kind == .fork ? "archived on a fork" : "archived"
            return """
                \(place.finding.station)@\(place.finding.offset)  \(kind)
                  id        \(place.identifier ?? "none")
                  level     \(place.level ?? "without tags: \(place.reason ?? "nobody said why"); withheld from every audience")
                  producer  \(batch.producer), epoch \(batch.epoch.hexDigits), sequence \(place.finding.sequence)
                  received  \(batch.receivedAt)
                  segment   \(batch.path)
                """
        case .waiting(let place):
            return """
                \(place.station).\(place.name)  waits in the outbox, safe on disk
                  producer  \(place.producer), epoch \(place.epoch.hexDigits), sequence \(place.sequence)
                  since     \(place.since)
                  waits for \(place.waitsFor)
                """
        case .rejected(let reject):
            return """
                \(reject.station)  refused
                  reason    \(reject.field.map { "\($0): " } ?? "")\(reject.reason)
                  at        \(reject.at), from \(reject.source), line \(reject.line)
                  record    \(reject.file):\(reject.fileLine) (enlace rejects show \(reject.number))
                """
        case .lost(let station, let fact):
            return fact.kind == .gap
                ? """
                \(station)  lost: the archive recorded that it lost sequences \(fact.firstSequence) to \
                \(fact.lastSequence) of producer \(fact.producer)
                """
                : "\(station)@\(fact.offset)  damaged on the disk and set aside; see _meta/damaged of the archive"
        }
    }

    // MARK: - For programs

    /// Appends one JSON object.
    public func write(to writer: inout ByteWriter) {
        var object = ObjectWriter()
        switch self {
        case .archived(let place):
            let batch = place.finding.batch
            object.text("where", "archive")
            object.text("station", place.finding.station.description)
            object.number("offset", place.finding.offset)
            object.text("position", "\(place.finding.station)@\(place.finding.offset)")
            object.text("id", place.identifier)
            object.text("level", place.level)
            object.text("producer", batch.producer.description)
            object.text("epoch", batch.epoch.hexDigits)
            object.number("seq", place.finding.sequence)
            object.text("received_at", batch.receivedAt.description)
            object.bool("dead_letter", batch.isUnenriched)
            object.text("reason", place.reason)
            object.bool("fork", batch.kind == .fork)
            object.text("segment", batch.path)
        case .waiting(let place):
            object.text("where", "outbox")
            object.text("station", place.station.description)
            object.text("name", place.name)
            object.text("producer", place.producer.description)
            object.text("epoch", place.epoch.hexDigits)
            object.number("seq", place.sequence)
            object.text("since", place.since.description)
            object.text("waits_for", place.waitsFor)
        case .rejected(let reject):
            object.text("where", "rejects")
            object.text("station", reject.station)
            object.number("number", reject.number)
            object.text("at", reject.at)
            object.text("source", reject.source)
            object.text("field", reject.field)
            object.text("reason", reject.reason)
            object.text("file", reject.file)
            object.number("line", UInt64(reject.fileLine))
        case .lost(let station, let fact):
            object.text("where", fact.kind == .gap ? "missing" : "damaged")
            object.text("station", station.description)
            object.text("producer", fact.producer.description)
            object.number("first_seq", fact.firstSequence)
            object.number("last_seq", fact.lastSequence)
            object.number("offset", fact.offset)
        }
        object.finish(into: &writer)
    }
}

/// Writes a JSON object member by member.
struct ObjectWriter: ~Copyable {
    private var writer = ByteWriter(capacity: 512)

    init() { writer.append("{") }

    private mutating func name(_ name: StaticString) {
        if writer.count > 1 { writer.append(",") }
        writer.append("\"")
        writer.append(name)
        writer.append("\":")
    }

    mutating func text(_ name: StaticString, _ value: String?) {
        self.name(name)
        if let value { writer.append(jsonString: value) } else { writer.append("null") }
    }

    mutating func number(_ name: StaticString, _ value: UInt64) {
        self.name(name)
        writer.append(string: String(value))
    }

    mutating func bool(_ name: StaticString, _ value: Bool) {
        self.name(name)
        writer.append(value ? "true" : "false")
    }

    consuming func finish(into target: inout ByteWriter) {
        target.append(writer.bytes)
        target.append("}")
    }
}
