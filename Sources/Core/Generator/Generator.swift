import Bytes

/// A feed of made-up incidents: the same bytes for the same feed, seed, stations and count.
///
/// Every event carries `status: exercise`. Times rise over October 2026, whatever the count. Stays on the thread
/// that made it; appends about a million events a second.
public struct Generator: ~Copyable {
    /// How long an event is, in bytes without its line feed, unless its template alone is longer.
    public static let usualBytes = 350...550
    /// The month that the times rise through, in local seconds since 1970: 2026-10-01 to 2026-10-31.
    static let firstSecond = daysSinceEpoch(year: 2026, month: 10, day: 1) * 86_400
    static let seconds = 31 * 86_400

    private let plan: FeedPlan
    private let count: Int
    private var made = 0
    private var random: SplitMix64
    private var idPrefix: [UInt8]
    private var day = DayText()

    /// Prepares a feed of `count` events at `stations`, in the proportions of the data; nil or empty means all
    /// stations of the feed. Fails with the name of a station that the feed has no place or no event for.
    public init(feed: Feed, seed: UInt64, stations: [String], count: Int) throws(UnknownStation) {
        plan = try FeedPlan(feed: feed, stations: stations.isEmpty ? feed.stations : stations)
        self.count = max(count, 0)
        random = SplitMix64(seed: seed)
        idPrefix = Array("ex-\(seed)-".utf8)
    }

    /// A station that the feed knows nothing about.
    public struct UnknownStation: Error, Hashable, Sendable {
        /// As it was given.
        public var name: String
    }

    /// How many events are still to come.
    public var remaining: Int { count - made }

    /// Appends the next event and a line feed; false, and nothing appended, when all are made.
    public mutating func appendNext(to writer: inout ByteWriter) -> Bool {
        guard made < count else { return false }
        let start = writer.count
        let station = plan.stations[random.next(below: plan.stations.count)]
        let template = plan.templates[Int(station.choices[random.next(below: station.choices.count)])]
        let candidates = template.candidates(in: station)
        let place = plan.places[Int(candidates[random.next(below: candidates.count)])]
        let targetBytes =
            Self.usualBytes.lowerBound + 20 + random.next(below: Self.usualBytes.upperBound - 140 - 370)

        writer.reserve(1024)
        appendHead(station: station, template: template, to: &writer)
        appendLocation(of: place, template: template, to: &writer)
        appendPersons(template, to: &writer)
        let quantity = appendCommodity(template, to: &writer)
        writer.append(",\"narrative\":\"")
        appendNarrative(template, place: place, quantity: quantity, to: &writer)
        appendClosings(template, start: start, targetBytes: targetBytes, to: &writer)
        writer.append("\"}\n")
        made &+= 1
        return true
    }

    private mutating func appendHead(
        station: FeedPlan.Station,
        template: FeedPlan.Template,
        to writer: inout ByteWriter
    ) {
        if random.chance(50) {
            writer.append("{\"id\":\"")
            writer.append(idPrefix)
            writer.append(decimal: Int64(made))
            writer.append("\",\"occurred_at\":\"")
        } else {
            writer.append("{\"occurred_at\":\"")
        }
        // Each event lies within its own share of the month, so that times never fall.
        let from = Self.seconds.multipliedFullWidth(by: made)
        let until = Self.seconds.multipliedFullWidth(by: made + 1)
        let first = count.dividingFullWidth(from).quotient
        let span = count.dividingFullWidth(until).quotient - first
        let second = first + (span > 1 ? random.next(below: span) : 0)
        day.append(second: Self.firstSecond + second, to: &writer)
        writer.append("\",")
        if random.chance(12) { writer.append("\"time_precision\":\"hour\",\"time_basis\":\"reported\",") }
        plan.append(station.head, to: &writer)
        plan.append(plan.slices[plan.sources.lowerBound &+ random.next(below: plan.sources.count)], to: &writer)
        plan.append(template.head, to: &writer)
    }

    private mutating func appendLocation(
        of place: FeedPlan.Place,
        template: FeedPlan.Template,
        to writer: inout ByteWriter
    ) {
        let roll = random.next(below: 100)
        if template.positioning == .none || (template.positioning == .usual && roll >= 94) { return }
        let withPosition = template.positioning == .usual && roll < 80
        writer.append(",\"location\":{")
        if withPosition {
            let spread = 2 &* place.spread_e5 &+ 1
            // The sum of two throws lies more often near the place than at its edge.
            let north = (random.next(below: spread) &+ random.next(below: spread)) / 2 &- place.spread_e5
            let east = (random.next(below: spread) &+ random.next(below: spread)) / 2 &- place.spread_e5
            writer.append("\"lat\":")
            appendDegrees(place.latitude_e5 &+ north, to: &writer)
            writer.append(",\"lon\":")
            appendDegrees(place.longitude_e5 &+ east, to: &writer)
            if random.chance(40) {
                writer.append(",\"accuracy_m\":")
                writer.append(decimal: Int64(5 &+ 5 &* random.next(below: 100)))
            }
            if random.chance(25) {
                writer.append("}")
                return
            }
            writer.append(",")
        }
        plan.append(place.words, to: &writer)
    }

    private mutating func appendPersons(_ template: FeedPlan.Template, to writer: inout ByteWriter) {
        guard !template.persons.isEmpty else { return }
        for (index, role) in template.persons.enumerated() {
            writer.append(index == 0 ? ",\"persons\":{" : ",")
            plan.append(role.key, to: &writer)
            writer.append(decimal: Int64(random.next(within: role.bounds)))
        }
        writer.append("}")
    }

    private mutating func appendCommodity(_ template: FeedPlan.Template, to writer: inout ByteWriter) -> Int {
        guard let commodity = template.commodity else { return 0 }
        let quantity = random.next(within: commodity.bounds)
        plan.append(commodity.head, to: &writer)
        writer.append(decimal: Int64(quantity))
        plan.append(commodity.tail, to: &writer)
        return quantity
    }

    private mutating func appendNarrative(
        _ template: FeedPlan.Template,
        place: FeedPlan.Place,
        quantity: Int,
        to writer: inout ByteWriter
    ) {
        for index in template.pieces {
            switch plan.pieces[index] {
            case .words(let words): plan.append(words, to: &writer)
            case .place: plan.append(place.name, to: &writer)
            case .quantity: writer.append(decimal: Int64(quantity))
            case .number(let bounds): writer.append(decimal: Int64(random.next(within: bounds)))
            case .entry(let list):
                let entries = plan.lists[list]
                plan.append(plan.slices[entries.lowerBound &+ random.next(below: entries.count)], to: &writer)
            }
        }
    }

    /// Adds sentences that say nothing about the incident until the event is about as long as it shall be.
    private mutating func appendClosings(
        _ template: FeedPlan.Template,
        start: Int,
        targetBytes: Int,
        to writer: inout ByteWriter
    ) {
        var index = template.closings.lowerBound &+ random.next(below: template.closings.count)
        var tries = template.closings.count
        while writer.count &- start &+ 2 < targetBytes, tries > 0 {
            let closing = plan.slices[index]
            if writer.count &- start &+ 3 &+ closing.count <= Self.usualBytes.upperBound {
                writer.append(" ")
                plan.append(closing, to: &writer)
            }
            index = index &+ 1 == template.closings.upperBound ? template.closings.lowerBound : index &+ 1
            tries &-= 1
        }
    }
}

extension SplitMix64 {
    @inline(__always)
    mutating func next(within bounds: Feed.Bounds) -> Int {
        bounds.lower &+ next(below: bounds.upper &- bounds.lower &+ 1)
    }
}

/// Writes hundred-thousandths of a degree as degrees.
private func appendDegrees(_ value_e5: Int, to writer: inout ByteWriter) {
    if value_e5 < 0 { writer.append(UInt8(ascii: "-")) }
    let magnitude = abs(value_e5)
    writer.append(decimal: Int64(magnitude / 100_000))
    writer.append(UInt8(ascii: "."))
    writer.append(padded: magnitude % 100_000, digits: 5)
}

/// Writes times of a rising sequence; the date is worked out once a day.
private struct DayText {
    private var day = Int.min
    private var date = (year: 0, month: 0, day: 0)

    /// Appends a local time at seven hours behind UTC.
    mutating func append(second: Int, to writer: inout ByteWriter) {
        let today = second / 86_400
        if today != day {
            day = today
            date = civilDate(daysSinceEpoch: today)
        }
        let ofDay = second % 86_400
        writer.append(padded: date.year, digits: 4)
        writer.append("-")
        writer.append(padded: date.month, digits: 2)
        writer.append("-")
        writer.append(padded: date.day, digits: 2)
        writer.append("T")
        writer.append(padded: ofDay / 3_600, digits: 2)
        writer.append(":")
        writer.append(padded: ofDay / 60 % 60, digits: 2)
        writer.append(":")
        writer.append(padded: ofDay % 60, digits: 2)
        writer.append("-07:00")
    }
}
