import Bytes
import CSimdJSON
import EventJSON
import Incident
import Testing

struct Refused: CustomTestStringConvertible, Sendable {
    var text: String
    var field: String?
    var words: String
    var testDescription: String { "\(words): \(text.prefix(60))" }
}

private let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)

private let refusedEvents: [Refused] = [
    Refused(text: "nothing", field: nil, words: "not JSON"),
    Refused(text: "", field: nil, words: "not JSON"),
    Refused(text: "{\"station\":", field: nil, words: "not JSON"),
    Refused(text: "[1]", field: nil, words: "must be"),
    Refused(text: event() + event(), field: nil, words: "trailing"),
    Refused(text: event("\"extra\":{\"a\":\(deep)}"), field: nil, words: "nested deeper"),
    Refused(
        text: event("\"narrative\":\"\(String(repeating: "x", count: 17_000))\""),
        field: "narrative",
        words: "longer than"
    ),
    Refused(
        text: String(repeating: " ", count: 10) + event("\"source\":\"\(String(repeating: "x", count: 70_000))\""),
        field: nil,
        words: "longer than"
    ),
    Refused(
        text: event("\"extra\":{\"a\":\"\(String(repeating: "x", count: 5_000))\"}"),
        field: "extra",
        words: "longer than"
    ),
    Refused(text: event("\"colour\":1"), field: "colour", words: "unknown field"),
    Refused(text: event("\"location\":{\"alt\":1}"), field: "location.alt", words: "unknown field"),
    Refused(text: event("\"category\":\"other\""), field: "category", words: "duplicate key"),
    Refused(text: event("\"persons\":{\"killed\":1,\"killed\":2}"), field: "persons.killed", words: "duplicate key"),
    Refused(text: event("\"extra\":{\"a\":[{\"b\":1,\"b\":2}]}"), field: "extra.b", words: "duplicate key"),
    Refused(text: event("\"name\":\"x\""), field: "name", words: "personal data"),
    Refused(text: event("\"persons\":{\"nationality\":1}"), field: "persons.nationality", words: "personal data"),
    Refused(
        text: event("\"extra\":{\"a\":[{\"Date-Of-Birth\":1}]}"),
        field: "extra.Date-Of-Birth",
        words: "personal data"
    ),
    Refused(text: event("\"ingest\":{}"), field: "ingest", words: "set by the pipeline"),
    Refused(text: event("\"cross_border\":{}"), field: "cross_border", words: "set by the pipeline"),
    Refused(text: event("\"release\":{}"), field: "release", words: "set by the pipeline"),
    Refused(text: event(time: "yesterday"), field: "occurred_at", words: "RFC 3339"),
    Refused(text: event(time: "2026-11-23T14:05:00"), field: "occurred_at", words: "offset"),
    Refused(text: event(time: "2026-02-30T14:05:00Z"), field: "occurred_at", words: "does not exist"),
    Refused(text: event("\"location\":{\"lat\":-110.9,\"lon\":31.3}"), field: "location.lat", words: "swapped"),
    Refused(text: event("\"location\":{\"lat\":100,\"lon\":31.3}"), field: "location.lat", words: "out of range"),
    Refused(text: event("\"location\":{\"lat\":31.3,\"lon\":-200}"), field: "location.lon", words: "out of range"),
    Refused(text: event("\"location\":{\"lat\":31.3}"), field: "location.lon", words: "together"),
    Refused(text: event("\"persons\":{\"killed\":-1}"), field: "persons.killed", words: "out of range"),
    Refused(text: event("\"persons\":{\"killed\":1.5}"), field: "persons.killed", words: "must be"),
    Refused(text: event("\"source\":1e999"), field: nil, words: "out of range"),
    Refused(text: event(station: "nowhere"), field: "station", words: "unknown station"),
    Refused(text: event("\"offences\":[\"jaywalking\"]"), field: "offences", words: "unknown category"),
    Refused(text: event("\"severity\":\"bad\""), field: "severity", words: "must be"),
    Refused(text: event("\"id\":\"a b\""), field: "id", words: "must be"),
    Refused(text: "{\"station\":\"nogales\",\"category\":\"other\"}", field: "occurred_at", words: "missing"),
    Refused(
        text: "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\"}",
        field: "data",
        words: "missing"
    ),
]

@Suite struct EventReaderTests {
    @Test(arguments: refusedEvents) func `a bad event is refused with words for people`(_ bad: Refused) throws {
        let reader = EventReader(checker: try makeChecker())
        let refusal = try #require(normalise(bad.text, reader).refusal)
        #expect(refusal.field == bad.field)
        #expect(refusal.reason.contains(bad.words), "\(refusal.reason)")
        #expect(refusal.isPersonal == (bad.words == "personal data"))
        #expect(normalise(event(), reader).line == event(), "the next event is untouched")
    }

    @Test func `bytes that are not UTF-8 are refused`() throws {
        let reader = EventReader(checker: try makeChecker())
        var bytes = Array(event("\"source\":\"abcd\"").utf8)
        bytes[bytes.count - 4] = 0xFF
        let refusal = try #require(normalise(bytes, reader).refusal)
        #expect(refusal.reason.contains("UTF-8"))
    }

    @Test func `a personal refusal tells field names and no value`() throws {
        let reader = EventReader(checker: try makeChecker())
        let refusal = try #require(normalise(event("\"name\":\"secret\""), reader).refusal)
        #expect(refusal.fieldNames == ["occurred_at", "station", "category", "name"])
        #expect(!refusal.reason.contains("secret"))
    }

    @Test(arguments: [
        event("\"colour\":1,\"extra\":{\"a\":[{\"name\":\"secret\"}]}", time: "yesterday"),
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"data\":{\"name\":\"secret\"}}",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"x\":{\"name\":1},\"data\":\(event())}",
    ]) func `personal data is told before any other mistake`(_ text: String) throws {
        let reader = EventReader(checker: try makeChecker())
        let refusal = try #require(normalise(text, reader).refusal)
        #expect(refusal.isPersonal && refusal.reason.contains("personal data"))
    }

    @Test func `an event for another station is sent to enlace publish`() throws {
        let reader = EventReader(checker: try makeChecker())
        let own = try #require(StationName("douglas"))
        let refusal = try #require(normalise(event(), reader, station: .only(own)).refusal)
        #expect(refusal.reason.contains("nogales") && refusal.reason.contains("enlace publish"))
        #expect(normalise(event(station: "anywhere"), reader, station: .any).line != nil)
    }

    @Test func `line breaks between tokens become spaces and nothing else changes`() throws {
        let reader = EventReader(checker: try makeChecker())
        let pretty =
            "{\r\n\t\"occurred_at\" : \"2026-11-23T14:05:00Z\",\n \"station\":\"nogales\",\"category\":\"other\","
            + "\"narrative\":\"a\\n\\u00e9 é\"}"
        let bytes = [0xEF, 0xBB, 0xBF] + Array(" \n\(pretty)\r\n\t".utf8)
        let wanted = String(pretty.unicodeScalars.map { $0.value < 32 ? " " : Character($0) })
        #expect(normalise(bytes, reader).line == wanted)
    }

    @Test func `a CloudEvent gives its data with id and traceparent put in`() throws {
        let reader = EventReader(checker: try makeChecker())
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let head =
            "{\"specversion\":\"1.0\",\"id\":\"e-1\",\"source\":\"/s\",\"type\":\"t\",\"traceparent\":\"\(trace)\","
        let plain = normalise("\(head)\"data\":\(event())}", reader).line
        #expect(plain == "{\"id\":\"e-1\",\"traceparent\":\"\(trace)\"," + event().dropFirst())
        let own = normalise("\(head)\"data\":\(event("\"id\":\"mine\""))}", reader).line
        #expect(own == "{\"traceparent\":\"\(trace)\"," + event("\"id\":\"mine\"").dropFirst())
    }

    @Test func `an incident holds what was written`() throws {
        let reader = EventReader(checker: try makeChecker())
        let text = event(
            "\"location\":{\"lat\":31.25,\"lon\":-110.5,\"place\":\"Nogales\"},\"persons\":{\"detained\":2},"
                + "\"commodities\":[{\"kind\":\"marijuana\",\"quantity\":2.5,\"unit\":\"kg\"}],"
                + "\"handling\":{\"tlp\":\"AMBER+STRICT\"},\"status\":\"exercise\",\"narrative\":\"caf\\u00e9\""
        )
        let padded = Array(text.utf8) + [UInt8](repeating: 0, count: EventReader.padding)
        try padded.withUnsafeBytes { buffer in
            let raw = UnsafeRawBufferPointer(rebasing: buffer[0..<text.utf8.count])
            let incident = try reader.read(raw, isPadded: true, station: .known)
            #expect(incident.position == Position(latitude_deg: 31.25, longitude_deg: -110.5))
            #expect(incident.persons.detained == 2 && incident.persons.killed == nil)
            #expect(incident.commodities.count == 1 && incident.commodities[0].quantity == 2.5)
            #expect(incident.tlp == .amberStrict && incident.status == .exercise)
            #expect(incident.narrative?.string == "café")
            #expect(incident.occurredAt.offsetMinutes == -420)
        }
    }

    @Test func `the node of Swift lies in memory as the node of C`() {
        #expect(MemoryLayout<EventNode>.size == MemoryLayout<csj_node>.size)
        #expect(MemoryLayout<EventNode>.stride == MemoryLayout<csj_node>.stride)
        #expect(MemoryLayout<EventNode>.offset(of: \.key) == MemoryLayout<csj_node>.offset(of: \.key))
        #expect(MemoryLayout<EventNode>.offset(of: \.text) == MemoryLayout<csj_node>.offset(of: \.text))
        #expect(MemoryLayout<EventNode>.offset(of: \.number) == MemoryLayout<csj_node>.offset(of: \.number))
        #expect(MemoryLayout<EventNode>.offset(of: \.integer) == MemoryLayout<csj_node>.offset(of: \.integer))
        #expect(MemoryLayout<EventNode>.offset(of: \.keyLength) == MemoryLayout<csj_node>.offset(of: \.key_length))
        #expect(MemoryLayout<EventNode>.offset(of: \.textLength) == MemoryLayout<csj_node>.offset(of: \.text_length))
        #expect(MemoryLayout<EventNode>.offset(of: \.childCount) == MemoryLayout<csj_node>.offset(of: \.child_count))
        #expect(MemoryLayout<EventNode>.offset(of: \.next) == MemoryLayout<csj_node>.offset(of: \.next))
        #expect(MemoryLayout<EventNode>.offset(of: \.kindCode) == MemoryLayout<csj_node>.offset(of: \.kind))
        #expect(EventNode.Kind.object.rawValue == CSJ_OBJECT.rawValue)
        #expect(EventNode.Kind.integer.rawValue == CSJ_INTEGER.rawValue)
        #expect(EventNode.Kind.string.rawValue == CSJ_STRING.rawValue)
    }

    @Test func `flipped bytes never crash the reader and a good event still passes`() throws {
        let reader = EventReader(checker: try makeChecker())
        let base = Array(event("\"extra\":{\"a\":[1,{\"b\":\"\\u00e9\"}]},\"location\":{\"lat\":1,\"lon\":2}").utf8)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var bytes = base
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
            _ = normalise(bytes, reader)
            bytes.withUnsafeBytes { _ = TopLevelReader.string(of: "b", inside: "extra", in: $0) }
        }
        #expect(normalise(event(), reader).line == event())
    }
}
