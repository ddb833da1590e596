import Border
import Bytes
import Foundation
import Incident
import Relevance
import Yams

/// What a border's profile names: its countries and the files that hold the rest. Nothing about one border is in code.
struct BorderProfile {
    /// Where the profile's own paths begin, relative to the seeds.
    private let folder: String
    private let file: YAMLDocument

    /// Reads the profile at a path below the seeds.
    init(_ loader: inout ReferenceBundle.Loader, _ path: String) throws(ReferenceError) {
        file = try loader.yaml(path)
        folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    }

    private func path(_ field: String) throws(ReferenceError) -> String {
        resolved(try file.string(field, in: file.root))
    }

    /// A path below the seeds, without `..`: by it the file is known among those that were read.
    private func resolved(_ relative: String) -> String {
        (folder + relative).split(separator: "/").reduce(into: [Substring]()) { parts, part in
            if part == "..", parts.last != nil { parts.removeLast() } else { parts.append(part) }
        }
        .joined(separator: "/")
    }

    private func country(_ field: String) throws(ReferenceError) -> BorderCountry {
        guard let node = file.root[field] else { throw ReferenceError(file.path, "\(field) is missing") }
        let word = try file.string("into", in: node)
        guard let into = Direction(rawValue: word), into == .northbound || into == .southbound else {
            throw ReferenceError(file.path, line: file.line(node), "into is northbound or southbound, not \(word)")
        }
        let code = try file.string("country", in: node)
        guard code.utf8.count == 2, code.utf8.allSatisfy({ (65...90).contains($0) }) else {
            throw ReferenceError(file.path, line: file.line(node), "country is a code such as US, not \(code)")
        }
        return BorderCountry(code: code, into: into, names: try file.strings("names", in: node))
    }

    // MARK: - The border

    func border(_ loader: inout ReferenceBundle.Loader) throws(ReferenceError) -> BorderIndex {
        let (left, right) = (try country("left"), try country("right"))
        guard left.code != right.code, left.into != right.into else {
            throw ReferenceError(file.path, "left and right must be two countries, and movement into them two words")
        }
        let linePath = try path("line")
        let feature: Line = try loader.json(linePath, "a GeoJSON feature with a LineString")
        let line = try Self.positions(feature.geometry.coordinates, loader.directory + "/" + linePath)
        let stretches = try stretches(&loader)
        let crossings = try crossings(&loader)
        let outlines = try outlines(&loader)
        do throws(BorderError) {
            return try BorderIndex(
                left: left,
                right: right,
                line: line,
                stretches: stretches,
                crossings: crossings,
                outlines: outlines
            )
        } catch { throw ReferenceError(loader.directory + "/" + linePath, error.description) }
    }

    private func stretches(_ loader: inout ReferenceBundle.Loader) throws(ReferenceError) -> [BorderIndex.Stretch] {
        let file = try loader.csv(path("stretches"), ["from_index", "to_index", "kind", "accuracy_m"])
        return try file.rows.map { row throws(ReferenceError) in
            .init(
                fromIndex: Int(try file.number("from_index", row)),
                toIndex: Int(try file.number("to_index", row)),
                kind: file.text("kind", row),
                accuracy_m: try file.number("accuracy_m", row)
            )
        }
    }

    private func crossings(_ loader: inout ReferenceBundle.Loader) throws(ReferenceError) -> [BorderIndex.Crossing] {
        let file = try loader.csv(
            path("crossings"),
            ["id", "name", "name_es", "latitude", "longitude", "left_town", "right_town"]
        )
        return try file.rows.map { row throws(ReferenceError) in
            .init(
                id: file.text("id", row),
                name: file.text("name", row),
                nameES: file.text("name_es", row),
                aliases: file.list("aliases", row),
                position: try file.position(row),
                leftTown: file.text("left_town", row),
                rightTown: file.text("right_town", row)
            )
        }
    }

    private func outlines(_ loader: inout ReferenceBundle.Loader) throws(ReferenceError) -> CountryIndex? {
        guard file.root["countries"] != nil else { return nil }
        let path = try path("countries")
        let collection: Outlines = try loader.json(path, "a GeoJSON feature collection of MultiPolygons")
        let outlines = try collection.features.map { feature throws(ReferenceError) in
            CountryIndex.Outline(
                country: feature.properties.country,
                rings: try feature.geometry.coordinates.joined().map { ring throws(ReferenceError) in
                    try Self.positions(ring, loader.directory + "/" + path)
                }
            )
        }
        guard let index = CountryIndex(outlines) else {
            throw ReferenceError(loader.directory + "/" + path, "holds \(outlines.count) countries, at most 8")
        }
        return index
    }

    // MARK: - The gazetteer

    func gazetteer(
        _ loader: inout ReferenceBundle.Loader,
        words: PlaceWords,
        border: BorderIndex
    ) throws(ReferenceError) -> Gazetteer {
        var entries: [PlaceEntry] = []
        for name in try file.strings("towns") { entries += try towns(loader.csv(resolved(name), Self.townColumns)) }
        // A port of entry that is named as its town is the port only where the words say so.
        let townNames = Set(entries.flatMap { [$0.name] + $0.aliases })
        entries += border.crossings.map { Self.entry($0, townNames) }
        entries += try states(loader.yaml(path("states")))
        if file.root["features"] != nil { entries += try features(loader.csv(path("features"), Self.featureColumns)) }
        return Gazetteer(entries: entries, words: words, border: border)
    }

    private static let townColumns = [
        "name", "country", "admin1", "latitude", "longitude", "population", "touches_line", "aliases",
    ]

    private func towns(_ file: CSVDocument) throws(ReferenceError) -> [PlaceEntry] {
        try file.rows.map { row throws(ReferenceError) in
            let population = Int(try file.number("population", row))
            var entry = PlaceEntry(
                name: file.text("name", row),
                kind: .town,
                country: file.text("country", row),
                admin1: file.text("admin1", row),
                position: try file.position(row),
                radius_m: PlaceEntry.radius_m(population: population)
            )
            entry.aliases = file.list("aliases", row)
            entry.admin2 = file.text("admin2", row)
            entry.population = population
            entry.touchesLine = file.text("touches_line", row) == "yes"
            return entry
        }
    }

    private static func entry(
        _ crossing: BorderIndex.Crossing,
        _ townNames: Set<String>
    ) -> PlaceEntry {
        var entry = PlaceEntry(
            name: crossing.name,
            kind: .crossing,
            country: "",
            position: crossing.position,
            radius_m: 1_000
        )
        let names = Set([crossing.name, crossing.nameES] + crossing.aliases)
        var aliases = names.filter { !townNames.contains($0) }
        for name in names {
            for form in ["port of entry", "crossing", "bridge", "International Bridge", "Port of Entry"] {
                aliases.insert("\(name) \(form)")
            }
            for form in [
                "garita", "garita de", "puente", "puente de", "cruce", "cruce de", "puerto fronterizo",
                "puerto fronterizo de", "puente internacional", "puente internacional de",
            ] {
                aliases.insert("\(form) \(name)")
            }
        }
        if townNames.contains(crossing.name) { entry.name = crossing.name + " port of entry" }
        entry.aliases = aliases.sorted()
        entry.touchesLine = true
        return entry
    }

    private func states(_ file: YAMLDocument) throws(ReferenceError) -> [PlaceEntry] {
        try file.list("states").map { node throws(ReferenceError) in
            let names = try file.strings("names", in: node)
            var entry = PlaceEntry(
                name: names.first ?? "",
                kind: .state,
                country: try file.string("country", in: node),
                admin1: try file.string("admin1", in: node),
                position: Position(
                    latitude_deg: try file.number("latitude", in: node),
                    longitude_deg: try file.number("longitude", in: node)
                ),
                radius_m: try file.number("radius_m", in: node)
            )
            entry.abbreviations = try file.optionalStrings("abbreviations", in: node)
            entry.aliases = names.filter { !entry.abbreviations.contains($0) }
            return entry
        }
    }

    private static let featureColumns = [
        "name", "kind", "country", "admin1", "latitude", "longitude", "radius_m", "touches_line", "valid_from",
        "valid_to",
        "aliases",
    ]

    private func features(_ file: CSVDocument) throws(ReferenceError) -> [PlaceEntry] {
        try file.rows.map { row throws(ReferenceError) in
            let word = file.text("kind", row)
            guard let kind = PlaceEntry.Kind(rawValue: word) else {
                throw ReferenceError(file.path, line: row.line, "\(word) is not a kind of place")
            }
            var entry = PlaceEntry(
                name: file.text("name", row),
                kind: kind,
                country: file.text("country", row),
                admin1: file.text("admin1", row),
                position: try file.position(row),
                radius_m: try file.number("radius_m", row)
            )
            entry.aliases = file.list("aliases", row)
            entry.touchesLine = file.text("touches_line", row) == "yes"
            // Both days are in it.
            let last = try time("valid_to", file, row)
            let end = last.map { Timestamp(microseconds: $0.microseconds + 86_400_000_000) }
            entry.valid = (try time("valid_from", file, row), end)
            return entry
        }
    }

    /// A day, from its beginning in UTC; nil when the field is empty.
    private func time(
        _ name: String,
        _ file: CSVDocument,
        _ row: (line: Int, fields: [String])
    ) throws(ReferenceError) -> Timestamp? {
        let text = file.text(name, row)
        guard !text.isEmpty else { return nil }
        let bytes = Array("\(text)T00:00:00Z".utf8)
        guard let parsed = bytes.withUnsafeBytes({ try? Timestamp.parse(Text($0)) }) else {
            throw ReferenceError(file.path, line: row.line, "\(name) must be a day such as 2026-11-23")
        }
        return parsed.timestamp
    }

    // MARK: - GeoJSON

    private static func positions(_ pairs: [[Double]], _ path: String) throws(ReferenceError) -> [Position] {
        try pairs.map { pair throws(ReferenceError) in
            guard pair.count >= 2, (-180...180).contains(pair[0]), (-90...90).contains(pair[1]) else {
                throw ReferenceError(path, "\(pair) is not a longitude and a latitude")
            }
            return Position(latitude_deg: pair[1], longitude_deg: pair[0])
        }
    }

    /// The part of GeoJSON that a line uses.
    private struct Line: Decodable {
        struct Geometry: Decodable { var coordinates: [[Double]] }
        var geometry: Geometry
    }

    /// The part of GeoJSON that outlines use.
    private struct Outlines: Decodable {
        struct Feature: Decodable {
            struct Properties: Decodable { var country: String }
            struct Geometry: Decodable { var coordinates: [[[[Double]]]] }
            var properties: Properties
            var geometry: Geometry
        }
        var features: [Feature]
    }
}
