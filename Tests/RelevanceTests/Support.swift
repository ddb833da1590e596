import Bytes
import EventJSON
import Incident
import ReferenceData
import Relevance
import Testing

/// The repository's own reference data and rules.
enum Seeds {
    static let directory =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        .joined(separator: "/") + "/seeds"
    static let bundle = Result { try ReferenceBundle.load(directory: directory) }
}

/// One event's tags.
struct Tagged {
    var text: String
    var value: JSONValue
    var crossBorder: JSONValue { value["cross_border"] ?? .null }
    var level: String { crossBorder["level"]?.string ?? "" }
    var flow: String { crossBorder["flow"]?.string ?? "" }
    var isMigrationOnly: Bool { crossBorder["migration_only"]?.boolean ?? false }
    var rules: [String] { (crossBorder["evidence"]?.array ?? []).compactMap { $0["rule"]?.string } }
    var contraband: [String] { (crossBorder["contraband"]?.array ?? []).compactMap(\.string) }
    var involves: [String] { (crossBorder["involves"]?.array ?? []).compactMap(\.string) }

    /// Enriches one event given as JSON.
    init(event: String, ingest: IngestStamp? = nil) throws {
        let bundle = try Seeds.bundle.get()
        let reader = EventReader(checker: bundle.makeChecker())
        let enrichment = Enrichment(reference: bundle.reference)
        var raw = ByteWriter()
        var output = ByteWriter()
        let bytes = Array(event.utf8)
        let incident = try bytes.withUnsafeBytes { try reader.normalise($0, into: &raw, station: .any) }
        enrichment.enrich(incident: incident, event: raw.bytes, ingest: ingest, into: &output)
        text = String(decoding: output.bytes, as: UTF8.self)
        value = try JSONValue.parse(output.bytes)
    }

    /// Enriches a narrative told on one side, far from the line unless a location is given.
    init(_ narrative: String, category: String = "other", side: String = "US", more: String = "") throws {
        let location =
            side == "US"
            ? #"{"lat":32.22,"lon":-110.97,"country":"US"}"# : #"{"lat":29.09,"lon":-110.96,"country":"MX"}"#
        var writer = ByteWriter()
        writer.append(jsonString: narrative)
        let quoted = String(decoding: writer.bytes, as: UTF8.self)
        try self.init(
            event: #"{"occurred_at":"2026-10-05T10:00:00-07:00","status":"exercise","station":"nogales","category":""#
                + category + #"","location":"# + location + more + #","narrative":"# + quoted + "}"
        )
    }
}
