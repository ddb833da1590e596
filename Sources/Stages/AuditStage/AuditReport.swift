import Audit
import Bytes
import Wire

/// What an audit found.
public struct AuditReport: Sendable {
    /// One producer.
    public struct Entry: Sendable {
        /// Its station.
        public var station: StationName
        /// Where its events are.
        public var audit: ProducerAudit
    }

    /// When it began.
    public var at: Timestamp
    /// Where the outboxes are.
    public var stateDirectory: String
    /// The archive; nil when there is none.
    public var archive: Identifier128?
    /// By station and producer.
    public var producers: [Entry] = []
    /// What a person should know besides.
    public var notes: [String] = []
    /// What could not be read.
    public var problems: [String] = []

    init(at: Timestamp, stateDirectory: String) {
        self.at = at
        self.stateDirectory = stateDirectory
    }

    /// All producers together.
    public var total: AuditBalance { producers.reduce(into: AuditBalance()) { $0 += $1.audit.balance } }

    /// For a status file: the promise in five numbers, and what would break it.
    public var counters: [(name: String, value: Int64)] {
        let total = total
        return [
            ("accepted_events", total.accepted), ("archived_events", total.archived),
            ("dead_lettered_events", total.deadLettered), ("in_flight_events", total.inFlight),
            ("unexplained_events", total.unexplained + total.doubled),
        ].map { ($0.0, Int64(clamping: $0.1)) }
    }

    // MARK: - For programs

    /// One JSON object.
    public var json: String {
        var writer = ByteWriter(capacity: 4096)
        writer.append("{\"at\":\"")
        writer.append(timestamp: at)
        writer.append("\",\"archive\":")
        if let archive { writer.append(jsonString: archive.description) } else { writer.append("null") }
        writer.append(",\"totals\":{")
        Self.append(total, to: &writer)
        writer.append("},\"producers\":[")
        for (index, entry) in producers.enumerated() {
            if index > 0 { writer.append(",") }
            writer.append("{\"station\":")
            writer.append(jsonString: entry.station.description)
            writer.append(",\"producer\":")
            writer.append(jsonString: entry.audit.producer.description)
            writer.append(",\"name\":")
            if let name = entry.audit.name { writer.append(jsonString: name) } else { writer.append("null") }
            writer.append(entry.audit.name == nil ? ",\"outbox\":\"gone\"," : ",\"outbox\":\"present\",")
            Self.append(entry.audit.balance, to: &writer)
            writer.append(",\"unexplained_sequences\":[")
            for (number, range) in entry.audit.unexplained.prefix(Self.rangesTold).enumerated() {
                if number > 0 { writer.append(",") }
                writer.append(string: "[\(range.lowerBound),\(range.upperBound)]")
            }
            writer.append("]}")
        }
        writer.append("],\"notes\":")
        Self.append(notes, to: &writer)
        writer.append(",\"problems\":")
        Self.append(problems, to: &writer)
        writer.append("}")
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private static let rangesTold = 16

    private static func append(_ balance: AuditBalance, to writer: inout ByteWriter) {
        for (index, (name, value)) in balance.named.enumerated() {
            if index > 0 { writer.append(",") }
            writer.append(jsonString: name)
            writer.append(":")
            writer.append(string: String(value))
        }
    }

    private static func append(_ texts: [String], to writer: inout ByteWriter) {
        writer.append("[")
        for (index, text) in texts.enumerated() {
            if index > 0 { writer.append(",") }
            writer.append(jsonString: text)
        }
        writer.append("]")
    }

    // MARK: - For people

    /// A table with one line a producer, and what to do about what is wrong.
    public var text: String {
        guard !producers.isEmpty else {
            return (["nothing was accepted yet: there is no outbox and no archived event in \(stateDirectory)"] + notes)
                .joined(separator: "\n")
        }
        var rows = [["STATION", "PRODUCER", "ACCEPTED", "ARCHIVED", "DEAD LETTERS", "IN FLIGHT", "UNEXPLAINED", ""]]
        for entry in producers {
            let balance = entry.audit.balance
            let name = entry.audit.name ?? String(entry.audit.producer.description.prefix(8))
            rows.append(
                [entry.station.description, name]
                    + [
                        balance.accepted, balance.archived, balance.deadLettered, balance.inFlight, balance.unexplained,
                    ].map(String.init) + [Self.remarks(entry.audit)]
            )
        }
        var lines = Self.aligned(rows)
        lines += notes.map { "note: \($0)" }
        lines += problems.map { "problem: \($0)" }
        lines.append(verdict)
        return lines.joined(separator: "\n")
    }

    private var verdict: String {
        let total = total
        var words: [String] = []
        for entry in producers where entry.audit.balance.unexplained > 0 {
            let ranges = entry.audit.unexplained.prefix(4).map { range in
                range.lowerBound == range.upperBound ? "\(range.lowerBound)" : "\(range.lowerBound)–\(range.upperBound)"
            }
            let more = entry.audit.unexplained.count > 4 ? ", …" : ""
            words.append(
                "\(entry.station), producer \(entry.audit.producer): \(entry.audit.balance.unexplained) accepted events "
                    + "are nowhere: sequences \(ranges.joined(separator: ", "))\(more)"
            )
        }
        if total.doubled > 0 { words.append("\(total.doubled) events are archived more than once") }
        guard words.isEmpty else {
            return
                (words + [
                    "Keep copies of the outboxes and the archive as they are now, run enlace archive verify, and look in the "
                        + "logs of sink and producer for the time before; enlace trace PRODUCER:SEQUENCE shows a neighbour."
                ]).joined(separator: "\n")
        }
        return problems.isEmpty
            ? "all \(total.accepted) accepted events are accounted for"
            : "what could be read is accounted for"
    }

    private static func remarks(_ audit: ProducerAudit) -> String {
        let balance = audit.balance
        var words = [
            (balance.missing, "missing from a disk that lost them"), (balance.damaged, "damaged and set aside"),
            (balance.removed, "removed"), (balance.elsewhere, "in another archive"),
            (balance.forked, "of the archived on a fork: the outbox was rolled back or cloned"),
            (balance.doubled, "archived twice"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        if audit.name == nil { words.append("its outbox is not here: what else it held nobody can say") }
        return words.joined(separator: "; ")
    }

    /// Columns with two spaces between; numbers to the right.
    private static func aligned(_ rows: [[String]]) -> [String] {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let space = String(repeating: " ", count: widths[column] - cell.count)
                let isLast = column == row.count - 1
                line += (2..<row.count - 1).contains(column) ? space + cell : isLast ? cell : cell + space
                if !isLast { line += "  " }
            }
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
    }
}
