import Border
import Bytes
import Incident

/// Something that has a name and a place: a town, a state, a port of entry, a river.
public struct PlaceEntry: Hashable, Sendable {
    /// What it is.
    public enum Kind: String, CaseIterable, Sendable {
        case town, state, country, crossing, water, river, range, desert, region, road, checkpoint, deployment

        /// Whether it is small enough to say where something happened, rather than in which part of the world.
        public var isPlace: Bool { self == .town || self == .crossing || self == .checkpoint }

        /// Whether people are found in it or brought out of it, and nobody is from it.
        var isLandscape: Bool {
            self == .water || self == .river || self == .range || self == .desert || self == .region
        }
    }

    /// The name that people are shown.
    public var name: String
    /// Other names: English, Spanish and short ones.
    public var aliases: [String]
    /// Names that count only behind a town: `AZ`, `Son`.
    public var abbreviations: [String]
    /// What it is.
    public var kind: Kind
    /// ISO 3166-1 alpha-2; empty for what lies in no country or in several.
    public var country: String
    /// The state: the part of ISO 3166-2 behind the country, as `AZ` and `SON`; empty where it has none.
    public var admin1: String
    /// The county or municipality, where the data says it.
    public var admin2: String
    /// Its middle.
    public var position: Position
    /// How far from its middle the whole of it reaches, in metres.
    public var radius_m: Double
    /// People.
    public var population: Int
    /// Whether it ends at the line.
    public var touchesLine: Bool
    /// From when to when it was there, for what moves; nil without a beginning or an end.
    public var valid: (from: Timestamp?, to: Timestamp?) {
        get { (validFrom, validTo) }
        set { (validFrom, validTo) = newValue }
    }
    private var validFrom: Timestamp?
    private var validTo: Timestamp?

    /// Makes an entry without aliases.
    public init(name: String, kind: Kind, country: String, admin1: String = "", position: Position, radius_m: Double) {
        self.name = name
        self.kind = kind
        self.country = country
        self.admin1 = admin1
        self.position = position
        self.radius_m = radius_m
        (aliases, abbreviations, admin2) = ([], [], "")
        (population, touchesLine) = (0, false)
    }

    /// The radius that a town's name alone is good for, in metres: wider for larger towns.
    public static func radius_m(population: Int) -> Double {
        switch population {
        case ..<5_000: 1_500
        case ..<50_000: 4_000
        case ..<500_000: 8_000
        default: 16_000
        }
    }
}

/// What words say about where something happened.
public struct NamedPlace: Hashable, Sendable {
    /// Index into the gazetteer's entries.
    public var entry: Int
    /// Whether it happened near it rather than in it.
    public var isNear: Bool
    /// How far from the entry's middle it may have been, in metres: an honest area, never a pin.
    public var accuracy_m: Double
    /// Whether the words, or the event's country, say on which side it is, and not only its name.
    public var isSideStated: Bool
    /// Whether places of that name on both sides are as likely.
    public var isSideOpen: Bool
    /// The words, in bytes of the text.
    public var bytes: Range<Int32>
}
