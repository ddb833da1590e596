import Bytes

/// One incident as it was reported, after every check: a view into the parser's buffers.
///
/// Valid until the parser reads the next event. The fields are those of `seeds/reference/incident.schema.json`.
public struct Incident {
    /// The reporter's identifier, 1 to 64 of letters, digits and `._:-`.
    public var id: Text?
    /// When it happened, as written.
    public var occurredAt: Timestamp.Written
    /// How exact `occurredAt` is.
    public var timePrecision: TimePrecision = .exact
    /// Whether `occurredAt` was observed or reported.
    public var timeBasis: TimeBasis = .observed
    /// CAP's status.
    public var status: IncidentStatus = .actual
    /// The station's slug.
    public var station: Text
    /// Who reported it: a system or agency, never a person.
    public var source: Text?
    /// The main heading.
    public var category: Category
    /// What else it was.
    public var offences = CategorySet()
    /// CAP's severity.
    public var severity: Severity?
    /// Degrees north and east, WGS 84.
    public var position: Position?
    /// Radius in metres within which the position is good.
    public var positionAccuracy_m: Double?
    /// A place in words.
    public var place: Text?
    /// ISO 3166-1 alpha-2.
    public var country: Text?
    /// The reporter's direction.
    public var direction: Direction?
    /// The reporter's mode.
    public var mode: Mode?
    /// Counts of people by role.
    public var persons = PersonCounts()
    /// Which kinds of goods, as a set over the taxonomy's commodity kinds.
    public var commodities = CommodityList()
    /// What happened, in words, in any language.
    public var narrative: Text?
    /// The Traffic Light Protocol marking that came along.
    public var tlp: TLP?
    /// Until when the event may be kept.
    public var retainUntil: Timestamp?
    /// The purpose that came along.
    public var purpose: Text?

    /// Makes an incident of its required fields.
    public init(occurredAt: Timestamp.Written, station: Text, category: Category) {
        self.occurredAt = occurredAt
        self.station = station
        self.category = category
    }
}

/// A point on the WGS 84 ellipsoid.
public struct Position: Hashable, Sendable {
    /// Degrees north.
    public var latitude_deg: Double
    /// Degrees east.
    public var longitude_deg: Double

    /// Makes a point.
    public init(latitude_deg: Double, longitude_deg: Double) {
        self.latitude_deg = latitude_deg
        self.longitude_deg = longitude_deg
    }
}

/// How exact a time is.
public enum TimePrecision: String, CaseIterable, Sendable { case exact, hour, day, week, month, year }

/// Where a time comes from.
public enum TimeBasis: String, CaseIterable, Sendable { case observed, reported }

/// CAP 1.2's status, in the words that an event uses. Never mixed in one view.
public enum IncidentStatus: String, CaseIterable, Sendable { case actual, exercise, test }

/// CAP 1.2's severity, in lower case.
public enum Severity: String, CaseIterable, Sendable { case extreme, severe, moderate, minor, unknown }

/// The movement across the line that the reporter states.
public enum Direction: String, CaseIterable, Sendable { case northbound, southbound, both, none, unknown }

/// How people or goods moved.
public enum Mode: String, CaseIterable, Sendable { case land, maritime, air, tunnel }

/// Traffic Light Protocol 2.0 (FIRST), from the freest to the strictest. `WHITE` of version 1 is read as clear.
public enum TLP: Int, CaseIterable, Comparable, Sendable {
    case clear, green, amber, amberStrict, red

    /// As written in an event: `CLEAR`, `GREEN`, `AMBER`, `AMBER+STRICT`, `RED`.
    public var label: StaticString {
        switch self {
        case .clear: "CLEAR"
        case .green: "GREEN"
        case .amber: "AMBER"
        case .amberStrict: "AMBER+STRICT"
        case .red: "RED"
        }
    }

    /// Freer is smaller.
    public static func < (left: TLP, right: TLP) -> Bool { left.rawValue < right.rawValue }
}

/// People by role. Counts only: no field of an event names or describes a person.
public struct PersonCounts: Hashable, Sendable {
    /// People harmed.
    public var victims: UInt32?
    /// People injured.
    public var injured: UInt32?
    /// People killed.
    public var killed: UInt32?
    /// People detained.
    public var detained: UInt32?
    /// People rescued.
    public var rescued: UInt32?
    /// Minors among them.
    public var minors: UInt32?

    /// Nobody counted.
    public init() {}
}

/// A category: its place in the taxonomy's list.
public struct Category: Hashable, Sendable {
    /// Index into `Taxonomy.categories`.
    public let index: UInt8

    /// Names a category by its index.
    public init(index: UInt8) { self.index = index }
}

/// A set of categories, at most 64.
public struct CategorySet: Hashable, Sendable {
    /// One bit a category.
    public private(set) var bits: UInt64 = 0

    /// The empty set.
    public init() {}

    /// Adds a category.
    public mutating func insert(_ category: Category) { bits |= 1 << UInt64(category.index) }

    /// Whether a category is in the set.
    public func contains(_ category: Category) -> Bool { bits & (1 << UInt64(category.index)) != 0 }
}

/// Up to eight reported commodities.
public struct CommodityList {
    /// One reported commodity.
    public struct Item {
        /// Index into `Taxonomy.commodities`.
        public var kind: UInt8
        /// How much, when told.
        public var quantity: Double?
        /// In which unit, when told.
        public var unit: Text?

        /// Makes an item.
        public init(kind: UInt8, quantity: Double?, unit: Text?) {
            self.kind = kind
            self.quantity = quantity
            self.unit = unit
        }
    }

    /// The most items an event may list.
    public static let maximumCount = 8
    /// How many there are.
    public private(set) var count = 0
    private var items = [8 of Item](repeating: Item(kind: 0, quantity: nil, unit: nil))

    /// Nothing.
    public init() {}

    /// Adds an item; false when the list is full.
    public mutating func append(_ item: Item) -> Bool {
        guard count < Self.maximumCount else { return false }
        items[count] = item
        count += 1
        return true
    }

    /// The item at `index`, below `count`.
    public subscript(index: Int) -> Item { items[index] }
}

/// Why a line or an event was not taken.
public struct Refusal: Error, Hashable, Sendable {
    /// The dotted path of the field that is wrong, or nil when the whole line is.
    public var field: String?
    /// What is wrong and what to do about it, one sentence, without the event's own text.
    public var reason: String
    /// Whether the event carries personal data, so that only field names and a hash of it may be kept.
    public var isPersonal: Bool
    /// The names of the event's top-level fields, for a personal refusal.
    public var fieldNames: [String]

    /// Makes a refusal.
    public init(field: String?, reason: String, isPersonal: Bool = false, fieldNames: [String] = []) {
        self.field = field
        self.reason = reason
        self.isPersonal = isPersonal
        self.fieldNames = fieldNames
    }
}
