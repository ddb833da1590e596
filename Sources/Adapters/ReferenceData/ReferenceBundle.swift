import Border
import Bytes
import Crypto
import Foundation
import Incident
import Relevance

/// All reference data and rules of a `seeds` directory, read and checked at start.
public struct ReferenceBundle: Sendable {
    /// Categories, commodities and stations.
    public let taxonomy: Taxonomy
    /// Names of fields that are refused.
    public let personFields: [String]
    /// What enrichment knows.
    public let reference: Reference
    /// The files that were read, relative to the directory, with their SHA-256 in hexadecimal digits.
    public let files: [(path: String, sha256: String)]

    /// The name and version of rules and data, as events carry it: `us-mx@1+` and twelve digits of a SHA-256 over the
    /// list of the files' SHA-256s.
    public var ruleset: String { reference.rulesetName }

    /// What a directory of reference data is known by.
    static let marker = "reference/categories.yaml"

    /// Finds the directory: what the user says, `ENLACE_SEEDS`, `seeds` beside or above the program, or where packages
    /// put it.
    public static func locate(
        explicit: String?,
        environment: [String: String],
        executablePath: String
    ) throws(ReferenceError) -> String {
        func holds(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path + "/" + marker) }
        if let named = explicit ?? environment["ENLACE_SEEDS"] {
            guard holds(named) else {
                throw ReferenceError(named, "has no \(marker); give the directory that holds reference/ and rules/")
            }
            return named
        }
        var folder = executablePath
        while let slash = folder.lastIndex(of: "/") {
            folder = String(folder[..<slash])
            for candidate in [folder + "/seeds", folder + "/share/enlace"] where holds(candidate) { return candidate }
        }
        if holds("/usr/share/enlace") { return "/usr/share/enlace" }
        throw ReferenceError(
            "seeds",
            "no reference data beside or above \(executablePath); give --seeds or set ENLACE_SEEDS"
        )
    }

    /// Reads a directory.
    ///
    /// - Parameter border: Which border: the profile in `reference/BORDER.yaml` or `reference/BORDER/profile.yaml`, the rules in
    ///   `rules/BORDER.yaml`.
    public static func load(directory: String, border name: String = "us-mx") throws -> ReferenceBundle {
        var loader = Loader(directory: directory)
        let lists = try loader.yaml(marker)
        let taxonomy = try Self.taxonomy(lists, stations: loader.yaml("reference/stations.yaml"))
        let people = try loader.yaml("reference/person-fields.yaml")
        let profile = try BorderProfile(&loader, loader.profile(of: name))
        let border = try profile.border(&loader)
        let placeWords = try RuleFiles.placeWords(
            loader.yaml("rules/lexicon/places.yaml"),
            sides: (border.left.code.lowercased(), border.right.code.lowercased())
        )
        let gazetteer = try profile.gazetteer(&loader, words: placeWords, border: border)
        let rulesFile = try loader.yaml("rules/\(name).yaml")
        var lexicons: [YAMLDocument] = []
        for name in try rulesFile.strings("lexicons") {
            lexicons.append(try loader.yaml("rules/lexicon/\(name).yaml"))
        }
        let release = try Self.release(loader.yaml("rules/release.yaml"))
        let source = try RuleFiles.source(
            rules: rulesFile,
            lexicons: lexicons,
            sides: (border.left.code.lowercased(), border.right.code.lowercased())
        )
        let rules: RuleSet
        do { rules = try RuleSet(source, taxonomy: taxonomy) } catch {
            throw ReferenceError(rulesFile.path, error.description)
        }
        let version = try rulesFile.string("version", in: rulesFile.root)
        let rulesName = try rulesFile.string("name", in: rulesFile.root)
        let files = loader.files.sorted { $0.path < $1.path }
        let sums = files.map { "\($0.sha256)  \($0.path)\n" }.joined()
        let digest = Self.hex(SHA256.hash(data: Data(sums.utf8))).prefix(12)
        let reference = Reference(
            border: border,
            gazetteer: gazetteer,
            taxonomy: taxonomy,
            bulk: try Self.bulk(lists),
            rules: rules,
            release: release,
            rulesetName: "\(rulesName)@\(version)+\(digest)"
        )
        return ReferenceBundle(
            taxonomy: taxonomy,
            personFields: try people.strings("fields"),
            reference: reference,
            files: files
        )
    }

    /// A checker for events.
    public func makeChecker() -> IncidentChecker { IncidentChecker(taxonomy: taxonomy, personFields: personFields) }

    static func hex(_ digest: some Sequence<UInt8>) -> String {
        digest.map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
    }

    /// Reads files and keeps their hashes.
    struct Loader {
        let directory: String
        var files: [(path: String, sha256: String)] = []

        init(directory: String) { self.directory = directory }

        mutating func text(_ name: String) throws(ReferenceError) -> String {
            guard let data = FileManager.default.contents(atPath: directory + "/" + name) else {
                throw ReferenceError(directory + "/" + name, "cannot be read")
            }
            files.append((name, ReferenceBundle.hex(SHA256.hash(data: data))))
            return String(decoding: data, as: UTF8.self)
        }

        /// A border's profile: a file of its name, or one in a folder of its own.
        func profile(of border: String) -> String {
            let own = "reference/\(border).yaml"
            return FileManager.default.fileExists(atPath: "\(directory)/\(own)")
                ? own : "reference/\(border)/profile.yaml"
        }

        /// Decodes a file; `what` says what it should be.
        mutating func json<Value: Decodable>(_ name: String, _ what: String) throws(ReferenceError) -> Value {
            let data = Data(try text(name).utf8)
            do { return try JSONDecoder().decode(Value.self, from: data) } catch {
                throw ReferenceError(directory + "/" + name, "is not \(what): \(error)")
            }
        }

        mutating func yaml(_ name: String) throws(ReferenceError) -> YAMLDocument {
            try YAMLDocument(path: directory + "/" + name, text: text(name))
        }

        mutating func csv(_ name: String, _ columns: [String]) throws(ReferenceError) -> CSVDocument {
            try CSVDocument(path: directory + "/" + name, text: text(name), columns: columns)
        }
    }
}

extension ReferenceBundle {
    static func taxonomy(_ lists: YAMLDocument, stations file: YAMLDocument) throws(ReferenceError) -> Taxonomy {
        var categories: [Taxonomy.CategoryEntry] = []
        for node in try lists.list("categories") {
            categories.append(
                .init(name: try lists.string("name", in: node), traits: Set(try lists.strings("traits", in: node)))
            )
        }
        var commodities: [Taxonomy.CommodityEntry] = []
        for node in try lists.list("commodities") {
            commodities.append(
                .init(
                    name: try lists.string("name", in: node),
                    contraband: try lists.string("contraband", in: node)
                )
            )
        }
        guard categories.count <= 64, commodities.count <= 255 else {
            throw ReferenceError(lists.path, "at most 64 categories and 255 commodities")
        }
        var stations: [Taxonomy.StationEntry] = []
        for node in try file.list("stations") {
            let slug = try file.string("name", in: node)
            guard let name = StationName(slug) else {
                throw ReferenceError(file.path, line: file.line(node), "\(slug) is not a slug of a-z, 0-9 and -")
            }
            stations.append(
                .init(
                    name: name,
                    country: try file.string("country", in: node),
                    position: Position(
                        latitude_deg: try file.number("latitude", in: node),
                        longitude_deg: try file.number("longitude", in: node)
                    ),
                    timeZone: try file.string("time_zone", in: node),
                    label: try file.string("label", in: node)
                )
            )
        }
        return Taxonomy(categories: categories, commodities: commodities, stations: stations)
    }

    static func bulk(_ lists: YAMLDocument) throws(ReferenceError) -> [(quantity: Double, unit: String)] {
        var result: [(quantity: Double, unit: String)] = []
        for node in try lists.list("commodities") {
            result.append((try lists.number("bulk", in: node), try lists.string("unit", in: node)))
        }
        return result
    }

    static func release(_ file: YAMLDocument) throws(ReferenceError) -> ReleasePolicy {
        let marking = try file.string("default_tlp", in: file.root)
        guard let tlp = TLP.allCases.first(where: { "\($0.label)" == marking }) else {
            throw ReferenceError(file.path, "there is no marking \(marking)")
        }
        let audiences = try file.strings("audiences")
        let open = try file.strings("open")
        for audience in open where !audiences.contains(audience) {
            throw ReferenceError(file.path, "\(audience) in open is not one of the audiences")
        }
        return ReleasePolicy(
            audiences: audiences,
            open: open,
            defaultTLP: tlp,
            retain_days: Int(try file.number("retain_days", in: file.root)),
            migrationRetain_days: Int(try file.number("migration_retain_days", in: file.root))
        )
    }
}
