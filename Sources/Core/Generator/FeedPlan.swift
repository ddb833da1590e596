import Bytes

/// A feed made ready: every text as finished JSON in one pool, every choice as a table lookup.
struct FeedPlan: ~Copyable {
    /// Bytes of the pool.
    struct Slice {
        var start: Int
        var count: Int
    }

    enum Piece {
        case words(Slice)
        case place
        case quantity
        case number(Feed.Bounds)
        case entry(list: Int)
    }

    struct Place {
        /// The name and the closing brace of a location: `"place":"…","country":"US"}`.
        var words: Slice
        /// The name as a piece of a narrative.
        var name: Slice
        var latitude_e5: Int
        var longitude_e5: Int
        var spread_e5: Int
    }

    struct Template {
        var head: Slice
        var country: String?
        var isMexican: Bool
        var positioning: Feed.Positioning
        var persons: [(key: Slice, bounds: Feed.Bounds)]
        var commodity: (head: Slice, tail: Slice, bounds: Feed.Bounds)?
        var pieces: Range<Int>
        var closings: Range<Int>

        /// The places of a station where such an event may happen, each as often as it weighs.
        @inline(__always)
        func candidates(in station: Station) -> [UInt16] {
            country == nil ? station.places : (isMexican ? station.mexicanPlaces : station.americanPlaces)
        }
    }

    struct Station {
        var head: Slice
        var choices: [UInt16]
        var places: [UInt16]
        var americanPlaces: [UInt16]
        var mexicanPlaces: [UInt16]
    }

    private var pool = ByteWriter(capacity: 32 * 1024)
    private(set) var stations: [Station] = []
    private(set) var places: [Place] = []
    private(set) var templates: [Template] = []
    private(set) var pieces: [Piece] = []
    /// Ranges of `slices`, one a list.
    private(set) var lists: [Range<Int>] = []
    private(set) var slices: [Slice] = []
    /// `"source":"…",` each.
    private(set) var sources: Range<Int> = 0..<0

    init(feed: Feed, stations names: [String]) throws(Generator.UnknownStation) {
        for source in feed.sources {
            slices.append(
                add {
                    $0.append("\"source\":")
                    $0.append(jsonString: source)
                    $0.append(",")
                }
            )
        }
        sources = 0..<slices.count
        for list in feed.lists { lists.append(addAll(list)) }
        var closings: [String: Range<Int>] = [:]
        for (language, sentences) in feed.closings.sorted(by: { $0.key < $1.key }) {
            closings[language] = addAll(sentences)
        }
        for place in feed.places { add(place) }
        for template in feed.templates { add(template, closings: closings[template.language] ?? 0..<0) }
        for name in names { try add(station: name, feed: feed) }
    }

    @inline(__always)
    func append(_ slice: Slice, to writer: inout ByteWriter) {
        writer.append(UnsafeRawBufferPointer(start: pool.base.advanced(by: slice.start), count: slice.count))
    }

    private mutating func add(_ write: (inout ByteWriter) -> Void) -> Slice {
        let start = pool.count
        write(&pool)
        return Slice(start: start, count: pool.count - start)
    }

    /// A text as the inside of a JSON string.
    private mutating func add(words: String) -> Slice {
        let quoted = add { $0.append(jsonString: words) }
        return Slice(start: quoted.start + 1, count: quoted.count - 2)
    }

    private mutating func addAll(_ texts: [String]) -> Range<Int> {
        let start = slices.count
        for text in texts { slices.append(add(words: text)) }
        return start..<slices.count
    }

    private mutating func add(_ place: Feed.Place) {
        let words = add {
            $0.append("\"place\":")
            $0.append(jsonString: place.name)
            $0.append(",\"country\":")
            $0.append(jsonString: place.country)
            $0.append("}")
        }
        places.append(
            Place(
                words: words,
                name: add(words: place.name),
                latitude_e5: place.latitude_e5,
                longitude_e5: place.longitude_e5,
                spread_e5: place.spread_e5
            )
        )
    }

    private mutating func add(_ template: Feed.Template, closings: Range<Int>) {
        let head = add {
            $0.append("\"category\":")
            $0.append(jsonString: template.category)
            for (key, value) in [
                ("severity", template.severity), ("mode", template.mode), ("direction", template.direction),
            ] {
                guard let value else { continue }
                $0.append(string: ",\"\(key)\":\"\(value)\"")
            }
            if !template.offences.isEmpty {
                $0.append(string: ",\"offences\":[\"" + template.offences.joined(separator: "\",\"") + "\"]")
            }
        }
        var persons: [(key: Slice, bounds: Feed.Bounds)] = []
        for (role, bounds) in template.persons.sorted(by: { $0.key < $1.key }) {
            persons.append((add { $0.append(string: "\"\(role)\":") }, bounds))
        }
        var commodity: (head: Slice, tail: Slice, bounds: Feed.Bounds)?
        if let goods = template.commodity {
            commodity = (
                add { $0.append(string: ",\"commodities\":[{\"kind\":\"\(goods.kind)\",\"quantity\":") },
                add { $0.append(string: ",\"unit\":\"\(goods.unit)\"}]") }, goods.quantity
            )
        }
        let firstPiece = pieces.count
        for piece in template.narrative {
            switch piece {
            case .words(let text): pieces.append(.words(add(words: text)))
            case .place: pieces.append(.place)
            case .quantity: pieces.append(.quantity)
            case .number(let bounds): pieces.append(.number(bounds))
            case .entry(let list): pieces.append(.entry(list: list))
            }
        }
        templates.append(
            Template(
                head: head,
                country: template.country,
                isMexican: template.country == "MX",
                positioning: template.positioning,
                persons: persons,
                commodity: commodity,
                pieces: firstPiece..<pieces.count,
                closings: closings
            )
        )
    }

    private mutating func add(station name: String, feed: Feed) throws(Generator.UnknownStation) {
        func weighted(_ isWanted: (Feed.Place) -> Bool) -> [UInt16] {
            feed.places.indices.flatMap { index in
                let place = feed.places[index]
                let count = place.station == name && isWanted(place) ? place.weight : 0
                return [UInt16](repeating: UInt16(index), count: count)
            }
        }
        let american = weighted { $0.country == "US" }
        let mexican = weighted { $0.country == "MX" }
        var choices: [UInt16] = []
        for (index, template) in feed.templates.enumerated() {
            if template.country == "US" && american.isEmpty || template.country == "MX" && mexican.isEmpty { continue }
            choices += [UInt16](repeating: UInt16(index), count: template.weight)
        }
        guard !(american.isEmpty && mexican.isEmpty), !choices.isEmpty else {
            throw Generator.UnknownStation(name: name)
        }
        let head = add {
            $0.append("\"status\":\"exercise\",\"station\":")
            $0.append(jsonString: name)
            $0.append(",")
        }
        stations.append(
            Station(
                head: head,
                choices: choices,
                places: weighted { _ in true },
                americanPlaces: american,
                mexicanPlaces: mexican
            )
        )
    }
}
