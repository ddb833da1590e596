import Border
import Bytes
import Incident

/// Places by name, for incidents that tell where in words. Immutable; any thread may use it.
public final class Gazetteer: Sendable {
    /// The places, in the order of the data: towns, states, the two countries, ports of entry and other features.
    public let entries: [PlaceEntry]
    /// What is compared of an entry, without references.
    struct Facts {
        var kind: PlaceEntry.Kind
        /// The side of its country.
        var side: Side
        /// Country and state by number; 0 for none.
        var country: UInt16
        var state: UInt16
        var population: Int
        var radius_m: Double
        /// From its middle to the line.
        var line_m: Double
        var validFrom: Int64
        var validTo: Int64
        /// Its middle in space.
        var point: SpacePoint
    }

    /// By entry.
    let facts: [Facts]
    /// How each entry's middle lies to the line.
    let fixes: [BorderFix]
    let names: NameTree
    let cues: PlaceCueTable

    /// Indexes the names.
    ///
    /// - Parameters:
    ///   - entries: All that has a name but the two countries, which the border names.
    ///   - words: The words beside names.
    public init(entries given: [PlaceEntry], words: PlaceWords, border: BorderIndex) {
        var entries = given
        for country in [border.left, border.right] {
            var entry = PlaceEntry(
                name: country.names.first { $0.utf8.count > 3 } ?? country.code,
                kind: .country,
                country: country.code,
                position: Position(latitude_deg: 0, longitude_deg: 0),
                radius_m: 3_000_000
            )
            // A short name is a country only where a state may stand: "us" and "EE. UU." are words elsewhere.
            entry.aliases = country.names.filter { $0.utf8.count > 3 && !$0.contains(".") }
            entry.abbreviations = country.names.filter { $0.utf8.count <= 3 || $0.contains(".") }
            entries.append(entry)
        }
        var names = NameTree()
        for (index, entry) in entries.enumerated() {
            for name in [entry.name] + entry.aliases + entry.abbreviations {
                names.add(Self.words(name), entry: Int32(index))
            }
        }
        names.seal()
        self.names = names
        self.entries = entries
        cues = words.table
        let fixes = entries.map { border.locate($0.position, accuracy_m: 0) }
        self.fixes = fixes
        var numbers: [String: UInt16] = ["": 0]
        func number(_ name: String) -> UInt16 {
            if let known = numbers[name] { return known }
            numbers[name] = UInt16(numbers.count)
            return UInt16(numbers.count - 1)
        }
        facts = zip(entries, fixes).map { entry, fix in
            Facts(
                kind: entry.kind,
                side: border.side(ofCountry: entry.country),
                country: number(entry.country),
                state: entry.admin1.isEmpty ? 0 : number("\(entry.country)-\(entry.admin1)"),
                population: entry.population,
                radius_m: entry.radius_m,
                line_m: fix.distance_m,
                validFrom: entry.valid.from?.microseconds ?? .min,
                validTo: entry.valid.to?.microseconds ?? .max,
                point: Geodesic.spacePoint(entry.position)
            )
        }
        shortHashes = Set(entries.flatMap(\.abbreviations).map { Self.words($0).reduce(0, Self.joined) })
    }

    /// Names that count only behind a town.
    private let shortHashes: Set<UInt64>

    private static func joined(_ hash: UInt64, _ word: UInt64) -> UInt64 { (hash &* 31) ^ word }

    /// The hashes of a name's words, as the tokenizer cuts a text.
    static func words(_ name: String) -> [UInt64] {
        // As in a text, where "US" is the country and "us" is not.
        if name == "US" { return [Fold.hash("u.s".utf8)] }
        var result: [UInt64] = []
        var hash = Fold.seed
        var isOpen = false
        func end() {
            if isOpen { result.append(hash) }
            (hash, isOpen) = (Fold.seed, false)
        }
        let folded = Fold.folded(name)
        for (at, byte) in folded.enumerated() {
            let isLetter = (97...122).contains(byte) || (48...57).contains(byte) || byte >= 0x80
            // "U.S." is one word.
            let isInner =
                byte == 0x2E && at > 0 && at + 1 < folded.count && (97...122).contains(folded[at + 1])
            if isLetter || isInner {
                hash = Fold.add(byte, to: hash)
                isOpen = true
            } else {
                end()
            }
        }
        end()
        return result
    }

    /// Whether an entry goes by this name only behind a town.
    @inline(__always)
    func isShort(_ tokens: ArraySlice<Token>) -> Bool {
        shortHashes.contains(tokens.reduce(0) { Self.joined($0, $1.hash) })
    }
}
