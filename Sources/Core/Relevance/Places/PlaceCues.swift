/// What a word beside a name says about it: that something happened there, or that it is a street.
struct PlaceCue: OptionSet, Sendable {
    let rawValue: UInt32

    /// Before a name: in it.
    static let at = PlaceCue(rawValue: 1)
    /// Before a name: near it.
    static let near = PlaceCue(rawValue: 1 << 1)
    /// Before a name: says nothing by itself, what stands before it counts.
    static let filler = PlaceCue(rawValue: 1 << 2)
    /// Before a name: somebody or something comes from there.
    static let origin = PlaceCue(rawValue: 1 << 3)
    /// Before a name: somebody or something goes there.
    static let destination = PlaceCue(rawValue: 1 << 4)
    /// Before a name: a street, an organisation, a team is named so.
    static let owner = PlaceCue(rawValue: 1 << 5)
    /// Before a name: a person is named so.
    static let title = PlaceCue(rawValue: 1 << 6)
    /// Before a name: an authority of the place.
    static let authority = PlaceCue(rawValue: 1 << 7)
    /// Behind a name: a street, an organisation, a team is named so.
    static let ownerAfter = PlaceCue(rawValue: 1 << 8)
    /// Behind a name: somebody or something from there.
    static let originAfter = PlaceCue(rawValue: 1 << 9)
    /// Behind a name: an authority of the place.
    static let authorityAfter = PlaceCue(rawValue: 1 << 10)
    /// A unit of distance.
    static let mile = PlaceCue(rawValue: 1 << 11)
    static let kilometre = PlaceCue(rawValue: 1 << 12)
    /// An agency of the country on the left of the line.
    static let agencyLeft = PlaceCue(rawValue: 1 << 13)
    /// An agency of the country on its right.
    static let agencyRight = PlaceCue(rawValue: 1 << 14)
    /// A name that is a common word or a surname as well: it counts only where a word says that it is a place.
    static let common = PlaceCue(rawValue: 1 << 15)
    /// A word that names begin with and that texts write in small letters: "río", "garita".
    static let generic = PlaceCue(rawValue: 1 << 16)
    /// What was done to a thing before: "stolen in", "bought in". It happened there unless something else happened elsewhere.
    static let earlier = PlaceCue(rawValue: 1 << 17)
    /// Behind a name: somebody there says what happened.
    static let saysAfter = PlaceCue(rawValue: 1 << 18)
    /// Before "in": somebody lives or lived there.
    static let residence = PlaceCue(rawValue: 1 << 20)
    /// "not", "no".
    static let negation = PlaceCue(rawValue: 1 << 21)
    /// "fue", "ocurrió": between a negation and "en".
    static let was = PlaceCue(rawValue: 1 << 22)
    /// "of", "de": what stands before it is of the place.
    static let of = PlaceCue(rawValue: 1 << 23)
    /// A building or a quarter: named so without "of", standing there with it.
    static let building = PlaceCue(rawValue: 1 << 24)
    /// A road: named by where it goes.
    static let road = PlaceCue(rawValue: 1 << 25)
    /// Before "in": people who are there, and to whom something else happened.
    static let person = PlaceCue(rawValue: 1 << 26)
    /// "deny": what follows did not happen.
    static let denial = PlaceCue(rawValue: 1 << 27)
    /// Where the injured are cared for.
    static let care = PlaceCue(rawValue: 1 << 28)
    /// "the", "el": behind a comma it begins what somebody is.
    static let article = PlaceCue(rawValue: 1 << 29)
    /// Another country: a name before it is not of this border.
    static let foreign = PlaceCue(rawValue: 1 << 19)
}

/// The cues by the hash of their word.
struct PlaceCueTable: Sendable {
    private var slots: [(hash: UInt64, cue: PlaceCue)]
    private let mask: Int

    init(_ cues: [UInt64: PlaceCue]) {
        var size = 64
        while size < cues.count * 4 { size *= 2 }
        mask = size - 1
        slots = Array(repeating: (0, []), count: size)
        for (hash, cue) in cues {
            var at = Int(truncatingIfNeeded: hash >> 20) & mask
            while slots[at].hash != 0 { at = (at + 1) & mask }
            slots[at] = (hash, cue)
        }
    }

    @inline(__always)
    subscript(hash: UInt64) -> PlaceCue {
        var at = Int(truncatingIfNeeded: hash >> 20) & mask
        while slots[at].hash != 0 {
            if slots[at].hash == hash { return slots[at].cue }
            at = (at &+ 1) & mask
        }
        return []
    }
}

/// The words beside names, as they are read from data.
public struct PlaceWords: Sendable {
    /// The sets' names and the cue that each stands for; `agency_` and the country's code in small letters name agencies.
    static let sets: [(name: String, cue: PlaceCue)] = [
        ("at", .at), ("near", .near), ("filler", .filler), ("origin", .origin), ("destination", .destination),
        ("owner", .owner), ("title", .title), ("authority", .authority), ("owner_after", .ownerAfter),
        ("origin_after", .originAfter), ("authority_after", .authorityAfter), ("mile", .mile),
        ("kilometre", .kilometre), ("common", .common), ("generic", .generic), ("earlier", .earlier),
        ("says_after", .saysAfter), ("foreign", .foreign), ("residence", .residence), ("negation", .negation),
        ("was", .was), ("of", .of),
        ("building", .building), ("road", .road), ("person", .person), ("denial", .denial),
        ("care", .care), ("article", .article),
    ]

    /// The names of all sets, for who reads them.
    public static var names: [String] { sets.map(\.name) }

    private var cues: [UInt64: PlaceCue] = [:]

    /// None yet.
    public init() {}

    /// Adds a set's words; false when there is no such set.
    public mutating func add(_ words: [String], set name: String) -> Bool {
        guard let cue = Self.sets.first(where: { $0.name == name })?.cue else { return false }
        for word in words { cues[Fold.hash(Fold.folded(word)), default: []].insert(cue) }
        return true
    }

    /// Adds words that name agencies of a side.
    public mutating func addAgencies(_ words: [String], isLeft: Bool) {
        for word in words {
            cues[Fold.hash(Fold.folded(word)), default: []].insert(isLeft ? .agencyLeft : .agencyRight)
        }
    }

    var table: PlaceCueTable { PlaceCueTable(cues) }
}
