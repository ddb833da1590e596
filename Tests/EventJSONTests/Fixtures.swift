import Bytes
import EventJSON
import Incident
import Testing

/// A small taxonomy, made by hand.
func makeChecker() throws -> IncidentChecker {
    let stations = try ["nogales", "douglas"].map { slug in
        Taxonomy.StationEntry(
            name: try #require(StationName(slug)),
            country: "US",
            position: Position(latitude_deg: 31.34, longitude_deg: -110.94),
            timeZone: "America/Phoenix",
            label: slug
        )
    }
    let taxonomy = Taxonomy(
        categories: ["smuggling.drugs", "rescue", "other"].map { .init(name: $0, traits: []) },
        commodities: [.init(name: "marijuana", contraband: "drugs")],
        stations: stations
    )
    return IncidentChecker(taxonomy: taxonomy, personFields: ["name", "date_of_birth", "nationality"])
}

/// What became of one event.
enum Outcome {
    case taken(line: String)
    case refused(Refusal)

    var refusal: Refusal? {
        if case .refused(let refusal) = self { return refusal }
        return nil
    }

    var line: String? {
        if case .taken(let line) = self { return line }
        return nil
    }
}

func normalise(_ bytes: [UInt8], _ reader: EventReader, station: StationPolicy = .known) -> Outcome {
    var writer = ByteWriter()
    writer.append("before")
    let refusal: Refusal? = bytes.withUnsafeBytes { buffer in
        do throws(Refusal) {
            _ = try reader.normalise(buffer, into: &writer, station: station)
            return nil
        } catch {
            return error
        }
    }
    let text = String(decoding: writer.bytes, as: UTF8.self)
    if let refusal {
        #expect(text == "before", "a refused event must append nothing")
        return .refused(refusal)
    }
    return .taken(line: String(text.dropFirst(6)))
}

func normalise(_ text: String, _ reader: EventReader, station: StationPolicy = .known) -> Outcome {
    normalise(Array(text.utf8), reader, station: station)
}

/// The required fields and more.
func event(_ more: String = "", station: String = "nogales", time: String = "2026-11-23T14:05:00-07:00") -> String {
    let rest = more.isEmpty ? "" : ",\(more)"
    return "{\"occurred_at\":\"\(time)\",\"station\":\"\(station)\",\"category\":\"other\"\(rest)}"
}
