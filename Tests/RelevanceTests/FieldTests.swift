import Bytes
import EventJSON
import Incident
import ReferenceData
import Relevance
import Testing

@Suite("Relevance by fields and geometry")
struct FieldTests {
    private func tagged(_ category: String, _ more: String) throws -> Tagged {
        try Tagged(
            event: #"{"occurred_at":"2026-10-05T10:00:00-07:00","station":"nogales","category":""# + category + #"""#
                + (more.isEmpty ? "" : "," + more) + "}"
        )
    }

    @Test("near is low, violence and smuggling within 5 km are moderate, a chase there is not")
    func nearness() throws {
        let near = #""location":{"lat":31.36,"lon":-110.95}"#
        #expect(try tagged("other", near).level == "low")
        #expect(try tagged("assault.shooting", near).level == "moderate")
        #expect(try tagged("smuggling.cash", near).level == "moderate")
        #expect(try tagged("pursuit", near).level == "low")
        #expect(try tagged("assault.shooting", #""location":{"lat":31.6,"lon":-110.95}"#).level == "low")
        #expect(try tagged("assault.shooting", #""location":{"lat":32.4,"lon":-110.95}"#).level == "none")
    }

    @Test("less than bulk near the line is retail")
    func retail() throws {
        let place = #""location":{"lat":31.36,"lon":-110.95},"#
        let grams = #""commodities":[{"kind":"marijuana","quantity":3,"unit":"g"}]"#
        let load = #""commodities":[{"kind":"marijuana","quantity":40,"unit":"kg"}]"#
        #expect(try tagged("smuggling.drugs", place + grams).level == "low")
        #expect(try tagged("smuggling.drugs", place + load).level == "moderate")
    }

    @Test("contraband with a stated direction is moderate wherever it is")
    func direction() throws {
        let load = #""direction":"southbound","commodities":[{"kind":"firearms","quantity":12,"unit":"count"}]"#
        let result = try tagged("smuggling.weapons", load)
        #expect(result.level == "moderate")
        #expect(result.flow == "southbound")
        #expect(result.contraband == ["weapons"])
    }

    @Test("a place in words gives a position and says so; near a town is not the town")
    func places() throws {
        let town = try tagged("assault.shooting", #""location":{"place":"Nogales, Sonora"}"#)
        #expect(town.crossBorder["position_basis"]?.string == "place")
        #expect(town.crossBorder["side"]?.string == "MX")
        #expect(town.level == "moderate")
        let american = try tagged("assault.shooting", #""location":{"place":"Nogales, Arizona"}"#)
        #expect(american.crossBorder["side"]?.string == "US")
        #expect(try tagged("assault.shooting", #""location":{"place":"near Nogales, Sonora"}"#).level == "low")
        let unknown = try tagged("assault.shooting", #""location":{"place":"Springfield Heights"}"#)
        #expect(unknown.crossBorder["position_basis"]?.string == "none")
        #expect(unknown.crossBorder["border"] == .null)
        #expect(unknown.crossBorder["side"]?.string == "other")
    }

    @Test("Veracruz has a Nogales too, and it is far away")
    func namesakes() throws {
        #expect(try tagged("other", #""location":{"place":"Nogales, Veracruz"}"#).level == "none")
    }

    @Test("release is closed by default, markings are never lowered, migration-only is withheld from enforcement")
    func release() throws {
        let plain = try tagged("other", "")
        let release = try #require(plain.value["release"])
        #expect(release["tlp"]?.string == "AMBER+STRICT")
        #expect(release["audiences"]?.array?.compactMap(\.string) == ["internal"])
        #expect(release["withheld"]?.array?.count == 5)
        #expect(release["human_review_required"]?.boolean == true)
        #expect(release["retain_until"]?.string == "2027-10-05T17:00:00Z")
        #expect(try tagged("other", #""handling":{"tlp":"RED"}"#).value["release"]?["tlp"]?.string == "RED")
        #expect(try tagged("other", #""handling":{"tlp":"GREEN"}"#).value["release"]?["tlp"]?.string == "GREEN")
        let minors = try tagged("other", #""handling":{"tlp":"GREEN"},"persons":{"minors":1}"#)
        #expect(minors.value["release"]?["tlp"]?.string == "AMBER+STRICT")
        let migration = try tagged("migration.crossing", #""direction":"northbound""#)
        let rules = (migration.value["release"]?["withheld"]?.array ?? []).map {
            ($0["audience"]?.string ?? "", $0["rule"]?.string ?? "")
        }
        #expect(rules.contains { $0 == ("enforcement.us", "migration-only") })
        #expect(rules.contains { $0 == ("enforcement.mx", "migration-only") })
        #expect(migration.value["release"]?["retain_until"]?.string == "2027-01-03T17:00:00Z")
        let sooner = try tagged("other", #""handling":{"retain_until":"2026-11-01T00:00:00Z"}"#)
        #expect(sooner.value["release"]?["retain_until"]?.string == "2026-11-01T00:00:00Z")
    }

    @Test("the bytes of the event stay, the objects come before its closing brace, the same every time")
    func splice() throws {
        let event =
            #"{"occurred_at":"2026-10-05T10:00:00-07:00",  "station":"nogales","category":"other","extra":{"b":1.50,"a":[ ]}}"#
        let stamp = IngestStamp(
            producer: Identifier128(high: 1, low: 2),
            epoch: 3,
            sequence: 4,
            receivedAt: Timestamp(microseconds: 1_795_000_000_000_000)
        )
        let first = try Tagged(event: event, ingest: stamp)
        #expect(first.text.hasPrefix(String(event.dropLast())))
        #expect(try Tagged(event: event, ingest: stamp).text == first.text)
        guard case .object(let members) = first.value else {
            Issue.record("not an object")
            return
        }
        #expect(members.map(\.name).suffix(4) == ["id", "ingest", "cross_border", "release"])
        let id = try #require(first.value["id"]?.string)
        // RFC 9562: version 7, variant 10, the receipt's milliseconds in front.
        let parts = id.split(separator: "-")
        #expect(parts.map(\.count) == [8, 4, 4, 4, 12])
        #expect(parts[2].first == "7")
        #expect("89ab".contains(parts[3].first ?? "0"))
        #expect(UInt64(parts[0] + parts[1], radix: 16) == 1_795_000_000_000)
        #expect(first.value["ingest"]?["epoch"]?.string == "0000000000000003")
        let alone = try Tagged(event: event)
        #expect(alone.value["id"] == nil && alone.value["ingest"] == nil)
        #expect(alone.crossBorder == first.crossBorder)
    }
}

@Suite("Reference data")
struct ReferenceDataTests {
    @Test("the repository's data loads and names its version")
    func loads() throws {
        let bundle = try Seeds.bundle.get()
        #expect(bundle.taxonomy.categories.count == 34)
        #expect(bundle.ruleset.hasPrefix("us-mx@1+"))
        #expect(bundle.ruleset.count == "us-mx@1+".count + 12)
        #expect(bundle.files.contains { $0.path == "reference/border/us-mx.geojson" })
    }

    @Test("a directory without data, or with a broken rule, is named with what to do")
    func errors() throws {
        let missing = #expect(throws: ReferenceError.self) {
            try ReferenceBundle.locate(explicit: "/nonexistent", environment: [:], executablePath: "/usr/bin/enlace")
        }
        #expect(missing?.description.contains("/nonexistent") == true)
        var source = RuleSource(sideNames: ("us", "mx"))
        source.rules = [
            .init(id: "broken", level: .high, basis: .stated, all: ["no_such_fact"], any: [], none: [], note: "")
        ]
        let taxonomy = try Seeds.bundle.get().taxonomy
        let broken = #expect(throws: RuleError.self) { try RuleSet(source, taxonomy: taxonomy) }
        #expect(broken?.description.contains("no_such_fact") == true)
    }
}
