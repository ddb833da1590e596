import Bytes
import Incident

/// Towns and states by name, for incidents that tell a place in words. Immutable; any thread may use it.
public final class Gazetteer: Sendable {
    /// One town.
    public struct Town: Hashable, Sendable {
        /// Its name in GeoNames.
        public var name: String
        /// Other names, English, Spanish and short ones.
        public var aliases: [String]
        /// US or MX.
        public var country: String
        /// The state: two letters in the United States, three of ISO 3166-2 in Mexico.
        public var admin1: String
        /// Its middle.
        public var position: Position
        /// People.
        public var population: Int
        /// Whether its streets end at the line.
        public var touchesLine: Bool

        /// Makes a town.
        public init(
            name: String,
            aliases: [String],
            country: String,
            admin1: String,
            position: Position,
            population: Int,
            touchesLine: Bool
        ) {
            self.name = name
            self.aliases = aliases
            self.country = country
            self.admin1 = admin1
            self.position = position
            self.population = population
            self.touchesLine = touchesLine
        }

        /// The radius that its name alone is good for, in metres: wider for larger towns.
        public var radius_m: Double {
            switch population {
            case ..<5_000: 1_500
            case ..<50_000: 4_000
            case ..<500_000: 8_000
            default: 16_000
            }
        }
    }

    /// One state, and how it is written.
    public struct State: Hashable, Sendable {
        /// US or MX.
        public var country: String
        /// As in `Town.admin1`.
        public var admin1: String
        /// How it is written.
        public var names: [String]

        /// Makes a state.
        public init(country: String, admin1: String, names: [String]) {
            self.country = country
            self.admin1 = admin1
            self.names = names
        }
    }

    /// A place that words name.
    public struct Place: Sendable {
        /// Index into `towns`.
        public var town: Int
        /// Whether it says only that it is near the town.
        public var isNear: Bool
    }

    /// The towns, in the order of the data.
    public let towns: [Town]
    private let byName: [UInt64: [Int32]]
    private let states: [UInt64: (country: String, admin1: String)]
    private let countries: [UInt64: String]
    private let nearWords: Set<UInt64>
    /// Words before a place, and whether they say only that it is near.
    private let whereWords: [UInt64: Bool]

    /// Indexes the names.
    public init(towns: [Town], states: [State]) {
        self.towns = towns
        var byName: [UInt64: [Int32]] = [:]
        for (index, town) in towns.enumerated() {
            for hash in Set(([town.name] + town.aliases).map { Self.hash(Array($0.utf8)[...]) }) {
                byName[hash, default: []].append(Int32(index))
            }
        }
        self.byName = byName
        var stateNames: [UInt64: (country: String, admin1: String)] = [:]
        for state in states {
            for name in state.names { stateNames[Self.hash(Array(name.utf8)[...])] = (state.country, state.admin1) }
        }
        self.states = stateNames
        let names = [
            ("US", "US"), ("USA", "US"), ("U.S.", "US"), ("United States", "US"), ("Estados Unidos", "US"),
            ("EE. UU.", "US"), ("EE.UU.", "US"), ("MX", "MX"), ("Mexico", "MX"), ("México", "MX"),
        ]
        countries = Dictionary(
            names.map { (Self.hash(Array($0.0.utf8)[...]), $0.1) },
            uniquingKeysWith: { first, _ in first }
        )
        whereWords = Dictionary(
            uniqueKeysWithValues: [
                ("near", true), ("cerca", true), ("de", true), ("outside", true), ("in", false), ("at", false),
                ("en", false),
            ].map { (Self.hash(Array($0.0.utf8)[...]), $0.1) }
        )
        nearWords = Set(["near", "cerca de", "outside", "afueras de"].map { Self.hash(Array($0.utf8)[...]) })
    }

    /// A town without a state counts only this near to the station, in degrees of latitude, or when it is large.
    static let reach_deg = 3.6
    /// People from which a town is known everywhere.
    static let largePopulation = 500_000

    /// The town that a place in words names: `Nogales`, `Nogales, Sonora`, `near Douglas, AZ`. Among namesakes the
    /// state and country decide, then the country of the station, then the number of people.
    public func find(_ place: Text, country: Text?, station: Taxonomy.StationEntry?) -> Place? {
        var parts = [ArraySlice<UInt8>]()
        var rest = Array(place.bytes)[...]
        while let comma = rest.firstIndex(of: 0x2C) {
            parts.append(rest[..<comma])
            rest = rest[(comma + 1)...]
        }
        parts.append(rest)
        var name = Self.trimmed(parts[0])
        var isNear = false
        for length in [2, 1] {
            let words = name.split(separator: 0x20, maxSplits: length, omittingEmptySubsequences: true)
            guard words.count == length + 1, let last = words.last else { continue }
            if nearWords.contains(Self.hash(name[name.startIndex..<last.startIndex])) {
                isNear = true
                name = last
                break
            }
        }
        let nameHash = Self.hash(name)
        if parts.count == 1, states[nameHash] != nil || countries[nameHash] != nil { return nil }
        guard let candidates = byName[nameHash] else { return nil }
        var wantedState: (country: String, admin1: String)?
        var wantedCountry: String? = country.map(\.string)
        for part in parts.dropFirst() {
            let hash = Self.hash(part)
            if let state = states[hash] {
                wantedState = state
            } else if let named = countries[hash] {
                wantedCountry = named
            }
        }
        return best(candidates, wantedState, wantedCountry, station).map { Place(town: $0, isNear: isNear) }
    }

    /// The first town that a narrative names behind a word that says where: "near Naco, Sonora", "en Agua Prieta".
    public func findFirst(in narrative: Text, country: Text?, station: Taxonomy.StationEntry?) -> Place? {
        let bytes = narrative.bytes
        var words: [Range<Int>] = []
        var at = 0
        while at < bytes.count, words.count < 256 {
            let start = at
            while at < bytes.count, !Self.isBreak(bytes[at]) { at += 1 }
            if at > start { words.append(start..<at) }
            at += 1
        }
        for (index, word) in words.enumerated().dropFirst() where Self.isUpper(bytes[word.lowerBound]) {
            let before = Self.hash(Array(bytes[words[index - 1]])[...])
            guard let isNear = whereWords[before] else { continue }
            for length in [3, 2, 1] where index + length <= words.count {
                var end = words[index + length - 1].upperBound
                if bytes[word.lowerBound..<end].contains(where: { $0 == 0x2C || $0 == 0x2E || $0 == 0x3B }) { continue }
                let name = Text(UnsafeRawBufferPointer(rebasing: bytes[word.lowerBound..<end]))
                guard find(name, country: country, station: station) != nil else { continue }
                // A state behind a comma belongs to it.
                if index + length < words.count, end < bytes.count, bytes[end] == 0x2C {
                    end = words[index + length].upperBound
                }
                let full = Text(UnsafeRawBufferPointer(rebasing: bytes[word.lowerBound..<end]))
                guard let found = find(full, country: country, station: station) else { continue }
                return Place(town: found.town, isNear: isNear)
            }
        }
        return nil
    }

    /// White space and the marks that end a word; a comma ends it too, and is looked at afterwards.
    private static func isBreak(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x2C || byte == 0x2E || byte == 0x3B || byte == 0x3A || byte == 0x0A || byte == 0x22
    }

    private static func isUpper(_ byte: UInt8) -> Bool { (65...90).contains(byte) || byte == 0xC3 }

    private func best(
        _ candidates: [Int32],
        _ state: (country: String, admin1: String)?,
        _ country: String?,
        _ station: Taxonomy.StationEntry?
    ) -> Int? {
        var best: Int?
        var bestRank = (-1, -1)
        for candidate in candidates {
            let town = towns[Int(candidate)]
            if let state, state != (town.country, town.admin1) { continue }
            if let country, country != town.country { continue }
            if state == nil, let station, town.population < Self.largePopulation {
                let dx = (town.position.longitude_deg - station.position.longitude_deg) * 0.86
                let dy = town.position.latitude_deg - station.position.latitude_deg
                if dx * dx + dy * dy > Self.reach_deg * Self.reach_deg { continue }
            }
            let rank = (town.country == station?.country ? 1 : 0, town.population)
            if rank > bestRank { (best, bestRank) = (Int(candidate), rank) }
        }
        return best
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while bytes.first == 0x20 { bytes.removeFirst() }
        while bytes.last == 0x20 { bytes.removeLast() }
        return bytes
    }

    /// Case, accents, stops and hyphens make no difference.
    private static func hash(_ name: ArraySlice<UInt8>) -> UInt64 {
        var hash = Fold.seed
        let folded = Fold.folded(String(decoding: trimmed(name), as: UTF8.self))
        for byte in folded where byte != 0x2E { hash = Fold.add(byte == 0x2D ? 0x20 : byte, to: hash) }
        return hash
    }
}
