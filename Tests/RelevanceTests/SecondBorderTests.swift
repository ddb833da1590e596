import Border
import Bytes
import EventJSON
import Incident
import ReferenceData
import Relevance
import Testing

/// Nothing about one border is in the code: another one is data.
@Suite("A second border")
struct SecondBorderTests {
    private static let bundle = Result { try ReferenceBundle.load(directory: Seeds.directory, border: "us-ca") }

    private func tags(_ more: String) throws -> JSONValue {
        let bundle = try Self.bundle.get()
        let reader = EventReader(checker: bundle.makeChecker())
        let enrichment = Enrichment(reference: bundle.reference)
        var raw = ByteWriter()
        var output = ByteWriter()
        let event = Array(
            #"{"occurred_at":"2026-10-05T10:00:00-04:00","station":"detroit","category":"other",\#(more)}"#.utf8
        )
        let incident = try event.withUnsafeBytes { try reader.normalise($0, into: &raw, station: .any) }
        enrichment.enrich(incident: incident, event: raw.bytes, ingest: nil, into: &output)
        return try JSONValue.parse(output.bytes)["cross_border"] ?? .null
    }

    @Test("sides, distances and crossings are this border's")
    func geometry() throws {
        let detroit = try tags(#""location":{"lat":42.3466,"lon":-83.0603}"#)
        #expect(detroit["side"]?.string == "US")
        #expect(detroit["border"]?["nearest_crossing"]?.string == "detroit-windsor-tunnel")
        let windsor = try tags(#""location":{"lat":42.2800,"lon":-83.0000}"#)
        #expect(windsor["side"]?.string == "CA")
        #expect(try tags(#""location":{"lat":42.98,"lon":-81.25}"#)["side"]?.string == "CA")
        #expect(try tags(#""location":{"lat":42.28,"lon":-83.74}"#)["side"]?.string == "US")
        #expect(try tags(#""location":{"lat":31.3,"lon":-110.9}"#)["side"]?.string == "other")
        #expect(try tags(#""location":{"lat":42.557051,"lon":-82.623854}"#)["side"]?.string == "ambiguous")
    }

    @Test("places, movement and who is involved are this border's")
    func words() throws {
        let text = try tags(#""narrative":"A man crossed the river into Canada and was found in Windsor, Ontario.""#)
        #expect(text["place"]?["name"]?.string == "Windsor")
        #expect(text["place"]?["region"]?.string == "CA-ON")
        #expect(text["side"]?.string == "CA")
        #expect(text["level"]?.string == "high")
        // Into Canada is north by this profile, though Windsor lies south of Detroit.
        #expect(text["flow"]?.string == "northbound")
        #expect(text["involves"]?.array?.compactMap(\.string) == ["US", "CA"])
        let wrong = try tags(#""location":{"lat":42.2800,"lon":-83.0000,"country":"US"}"#)
        #expect(wrong["evidence"]?.array?.compactMap { $0["rule"]?.string }.contains("position-country") == true)
        #expect(wrong["side"]?.string == "CA")
    }
}
