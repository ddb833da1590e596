import Bytes
import Generator
import Testing

/// A feed small enough to read, with every kind of piece.
private func smallFeed() throws -> Feed {
    try Feed.parse(
        places: """
            # comment
            nogales | US | Rio Rico | 31.4715 | -110.9765 | 0.03 | 3
            nogales | MX | Nogales, "Sonora" | 31.301 | -110.946 | 0.02 | 1
            hermosillo | MX | Hermosillo | 29.0892 | -110.9613 | 0.08 | 1
            """,
        sentences: """
            @source = desk; radio
            @car = pickup; sedan
            en > Filed.
            es > Cerrado.
            5 | en | sensor.ground | severity=minor at=US | Sensor {100-999} near {place} saw a {car}.
            1 | es | smuggling.drugs | goods=marijuana:2-9:kg detained=1-3 location=place | {quantity} kg en {place}.
            1 | es | other | location=none | Nada.
            """
    )
}

private func generate(seed: UInt64, count: Int, stations: [String] = []) throws -> String {
    var generator = try Generator(feed: try smallFeed(), seed: seed, stations: stations, count: count)
    var writer = ByteWriter()
    while generator.appendNext(to: &writer) {}
    return String(decoding: writer.bytes, as: UTF8.self)
}

@Suite struct GeneratorTests {
    @Test func `the same seed gives the same bytes and another seed gives others`() throws {
        let first = try generate(seed: 7, count: 500)
        #expect(try generate(seed: 7, count: 500) == first)
        #expect(try generate(seed: 8, count: 500) != first)
        #expect(first.split(separator: "\n").count == 500)
    }

    @Test func `every event is marked as an exercise and half of them have an id`() throws {
        let lines = try generate(seed: 1, count: 1000).split(separator: "\n")
        #expect(lines.allSatisfy { $0.contains("\"status\":\"exercise\"") && $0.hasSuffix("\"}") })
        let withID = lines.filter { $0.hasPrefix("{\"id\":\"ex-1-") }.count
        #expect((400...600).contains(withID))
        #expect(Set(lines.filter { $0.hasPrefix("{\"id\"") }.map { $0.prefix(20) }).count == withID)
    }

    @Test func `times never fall and stay in the month`() throws {
        let times = try generate(seed: 3, count: 2000).split(separator: "\n").map { line in
            let start = line.firstRange(of: "occurred_at\":\"")?.upperBound ?? line.startIndex
            return String(line[start...].prefix(25))
        }
        #expect(times == times.sorted())
        #expect(times.allSatisfy { $0.hasPrefix("2026-10-") && $0.hasSuffix("-07:00") })
        #expect(times.first?.hasPrefix("2026-10-01") == true && times.last?.hasPrefix("2026-10-31") == true)
        for time in times {
            var text = time
            _ = try text.withUTF8 { try Timestamp.parse(Text($0)) }
        }
    }

    @Test func `a station restricts the feed and an event stays on the side it names`() throws {
        let lines = try generate(seed: 3, count: 400, stations: ["hermosillo"]).split(separator: "\n")
        #expect(lines.allSatisfy { $0.contains("\"station\":\"hermosillo\"") })
        #expect(!lines.contains { $0.contains("sensor.ground") })
        let error = #expect(throws: Generator.UnknownStation.self) {
            try generate(seed: 3, count: 1, stations: ["nowhere"])
        }
        #expect(error?.name == "nowhere")
    }

    @Test func `text is escaped and quantities agree with the narrative`() throws {
        let lines = try generate(seed: 9, count: 400, stations: ["nogales"]).split(separator: "\n")
        #expect(lines.contains { $0.contains("Nogales, \\\"Sonora\\\"") })
        for line in lines where line.contains("\"kind\":\"marijuana\"") {
            let quantity = line.firstRange(of: "\"quantity\":").map { line[$0.upperBound...].prefix { $0 != "," } }
            #expect(line.contains("\"narrative\":\"\(quantity ?? "?") kg"))
        }
    }

    @Test func `a bad line of the data is named`() {
        let place = "nogales | US | Rio Rico | 31.4715 | -110.9765 | 0.03 | 3"
        let sentence = "@source = desk\nen > Filed.\n1 | en | other | | Text."
        for (places, sentences, line) in [
            ("nogales | US", sentence, 1), ("# c\nn | US | R | x | 1 | 0 | 1", sentence, 2),
            (place, sentence + "\n1 | en | other | speed=9 | Text.", 4),
            (place, sentence + "\n1 | en | other | | A {nosuch}.", 4),
            (place, sentence + "\n1 | en | other | | {quantity}.", 4),
            (place, sentence + "\n101 | en | other | | Text.", 4),
        ] {
            let error = #expect(throws: FeedError.self) { try Feed.parse(places: places, sentences: sentences) }
            #expect(error?.line == line)
        }
    }

    @Test func `no event and no count are an empty feed`() throws {
        #expect(try generate(seed: 1, count: 0).isEmpty)
        #expect(try generate(seed: 1, count: -5).isEmpty)
    }
}
