import Bytes
import EventJSON
import Incident
import ReferenceData
import Relevance
import TailStage
import Wire

enum EnrichmentBody {
    nonisolated(unsafe) private static let reader = EventReader(checker: Seeds.checker)
    nonisolated(unsafe) private static let enrichment = Enrichment(reference: Seeds.bundle.reference)

    private static let stamp = IngestStamp(
        producer: Identifier128(high: 1, low: 2),
        epoch: 3,
        sequence: 4,
        receivedAt: Timestamp(microseconds: 1_795_500_000_000_000)
    )

    /// An event, or a narrative when the input does not begin with a brace.
    static func run(_ input: UnsafeRawBufferPointer) throws {
        if input.first == UInt8(ascii: "{") { return try check(input) }
        guard let narrative = String(validating: input, as: UTF8.self) else { return }
        var writer = ByteWriter(capacity: input.count + 256)
        writer.append(
            #"{"occurred_at":"2026-10-05T10:00:00-07:00","status":"exercise","station":"nogales","category":"other","#
        )
        writer.append(#""location":{"lat":31.34,"lon":-110.94,"accuracy_m":50},"narrative":"#)
        writer.append(jsonString: narrative)
        writer.append("}")
        try check(writer.bytes)
    }

    private static func check(_ event: UnsafeRawBufferPointer) throws {
        var line = ByteWriter()
        guard let incident = try? reader.normalise(event, into: &line, station: .known) else { return }
        let text = incident.narrative?.string ?? ""
        var output = ByteWriter()
        enrichment.enrich(incident: incident, event: line.bytes, ingest: stamp, into: &output)
        try expect(!output.bytes.contains { $0 < 0x20 }, "a control character in an enriched event")
        try expect(
            output.count - line.count <= Limits.enrichmentBytes,
            "enrichment adds \(output.count - line.count) bytes"
        )
        try expect(output.bytes.starts(with: line.bytes.dropLast()), "enrichment changes what the event says")
        guard let value = try? JSONValue.parse(output.bytes) else { throw Finding("an enriched event is not JSON") }
        try check(value, narrative: text)
        var again = ByteWriter()
        let read = try reader.read(line.bytes, isPadded: false, station: .known)
        enrichment.enrich(incident: read, event: line.bytes, ingest: stamp, into: &again)
        try expect(again.bytes.elementsEqual(output.bytes), "the same event is tagged in two ways")
        let shown = PrettyLine.text(output.bytes, position: nil, hasColour: false)
        let isHarmless = shown.unicodeScalars.allSatisfy { scalar in
            scalar == "\n" || !(scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value))
        }
        try expect(isHarmless, "an event commands the terminal that shows it")
    }

    private static func check(_ value: JSONValue, narrative: String) throws {
        guard case .object(let members) = value else { throw Finding("an enriched event is no object") }
        let names = members.map(\.name)
        for name in ["id", "ingest", "cross_border", "release"] {
            try expect(names.count { $0 == name } == 1, "an enriched event has \(name) not once")
        }
        let cross = value["cross_border"]
        let levels: [String: ClosedRange<Int64>] = [
            "none": 0...9, "low": 10...39, "moderate": 40...69, "high": 70...100,
        ]
        let level = cross?["level"]?.string ?? ""
        let score = cross?["score"]?.integer ?? -1
        try expect(levels[level]?.contains(score) == true, "level \(level) with score \(score)")
        for evidence in cross?["evidence"]?.array ?? [] {
            guard let span = evidence["span"], span != .null else { continue }
            let (start, end) = (span["start"]?.integer ?? -1, span["end"]?.integer ?? -1)
            let isInside = 0 <= start && start < end && end <= Int64(narrative.unicodeScalars.count)
            try expect(isInside, "evidence from \(start) to \(end) of \(narrative.unicodeScalars.count) scalars")
        }
        let until = Array((value["release"]?["retain_until"]?.string ?? "").utf8)
        let isMoment = until.withUnsafeBytes { (try? Timestamp.parse(Text($0))) != nil }
        try expect(isMoment, "retain_until is \(String(decoding: until, as: UTF8.self))")
    }
}
