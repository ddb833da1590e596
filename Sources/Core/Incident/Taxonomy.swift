import Bytes

/// The closed lists that an event is checked against: data from `seeds/reference/`, held as values.
public struct Taxonomy: Sendable {
    /// One category.
    public struct CategoryEntry: Hashable, Sendable {
        /// The name in an event, such as `smuggling.drugs`.
        public var name: String
        /// Traits the rules read, such as `violent`, `smuggling`, `sensor`, `migration`, `conduct`.
        public var traits: Set<String>

        /// Makes an entry.
        public init(name: String, traits: Set<String>) {
            self.name = name
            self.traits = traits
        }
    }

    /// One kind of goods.
    public struct CommodityEntry: Hashable, Sendable {
        /// The name in an event, such as `marijuana`.
        public var name: String
        /// What it counts as when smuggled: drugs, weapons, cash, people or other.
        public var contraband: String

        /// Makes an entry.
        public init(name: String, contraband: String) {
            self.name = name
            self.contraband = contraband
        }
    }

    /// One station.
    public struct StationEntry: Hashable, Sendable {
        /// The slug.
        public var name: StationName
        /// US or MX.
        public var country: String
        /// Where its town is.
        public var position: Position
        /// The IANA zone of its local time, such as `America/Phoenix`.
        public var timeZone: String
        /// For people.
        public var label: String

        /// Makes an entry.
        public init(name: StationName, country: String, position: Position, timeZone: String, label: String) {
            self.name = name
            self.country = country
            self.position = position
            self.timeZone = timeZone
            self.label = label
        }
    }

    /// At most 64, in the order of the data; `Category.index` points here.
    public let categories: [CategoryEntry]
    /// At most 255, in the order of the data.
    public let commodities: [CommodityEntry]
    /// The stations that the pipeline knows.
    public let stations: [StationEntry]

    /// Holds the lists.
    public init(categories: [CategoryEntry], commodities: [CommodityEntry], stations: [StationEntry]) {
        precondition(categories.count <= 64 && commodities.count <= 255)
        self.categories = categories
        self.commodities = commodities
        self.stations = stations
    }
}
