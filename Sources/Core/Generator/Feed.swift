/// What a generated feed is made of: the places, sentences and words of `seeds/incidents/generator/`, as values.
public struct Feed: Hashable, Sendable {
    /// A place where a station's incidents happen.
    public struct Place: Hashable, Sendable {
        /// The slug of the station that hears of it.
        public var station: String
        /// US or MX.
        public var country: String
        /// The place in words, as an event's `location.place`.
        public var name: String
        /// Hundred-thousandths of a degree north.
        public var latitude_e5: Int
        /// Hundred-thousandths of a degree east.
        public var longitude_e5: Int
        /// How far incidents lie from it at most, in hundred-thousandths of a degree, each way.
        public var spread_e5: Int
        /// How often it is chosen among the station's places, 1 to 100.
        public var weight: Int
    }

    /// How the position of a template's events is told.
    public enum Positioning: String, Hashable, Sendable {
        /// Most with coordinates and the place's name, some with one of the two.
        case usual
        /// The place's name only.
        case place
        /// No location at all.
        case none
    }

    /// A whole number between two bounds, both included.
    public struct Bounds: Hashable, Sendable {
        /// The smallest.
        public var lower: Int
        /// The largest.
        public var upper: Int
    }

    /// A piece of a narrative.
    public enum Piece: Hashable, Sendable {
        /// These words.
        case words(String)
        /// The name of the place where it happens.
        case place
        /// The quantity of the event's first commodity.
        case quantity
        /// Any number within the bounds.
        case number(Bounds)
        /// One entry of `lists`, by index.
        case entry(list: Int)
    }

    /// One kind of event.
    public struct Template: Hashable, Sendable {
        /// How often it is chosen, 1 to 100.
        public var weight = 1
        /// `en` or `es`: which closing sentences fit.
        public var language = "en"
        /// The event's category.
        public var category = ""
        /// Happens only at places of this country, when given.
        public var country: String?
        /// CAP's severity, when given.
        public var severity: String?
        /// The reporter's mode, when given.
        public var mode: String?
        /// The reporter's direction, when given.
        public var direction: String?
        /// Further categories.
        public var offences: [String] = []
        /// Counts of people by role.
        public var persons: [String: Bounds] = [:]
        /// The goods, when there are any.
        public var commodity: Commodity?
        /// How the position is told.
        public var positioning = Positioning.usual
        /// The narrative.
        public var narrative: [Piece] = []
    }

    /// The goods of a template.
    public struct Commodity: Hashable, Sendable {
        /// The kind, as in an event.
        public var kind: String
        /// How much.
        public var quantity: Bounds
        /// The unit, as in an event.
        public var unit: String
    }

    /// Where incidents happen, in the order of the data.
    public var places: [Place]
    /// What happens.
    public var templates: [Template]
    /// Who reports: systems and offices, never persons.
    public var sources: [String]
    /// Lists of words that narratives choose from.
    public var lists: [[String]]
    /// Sentences that end a narrative, by language; they say nothing about the incident.
    public var closings: [String: [String]]

    /// The stations that have places, in the order of the data.
    public var stations: [String] {
        var seen: [String] = []
        for place in places where !seen.contains(place.station) { seen.append(place.station) }
        return seen
    }
}
