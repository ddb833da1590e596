/// Why a feed's text cannot be read.
public struct FeedError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which text: `places` or `sentences`.
    public var text: String
    /// The line, from 1.
    public var line: Int
    /// What is wrong.
    public var reason: String

    /// For people.
    public var description: String { "\(text), line \(line): \(reason)" }
}

extension Feed {
    /// Reads the two texts of `seeds/incidents/generator/`. Fields are parted by ` | `; a line that is empty or
    /// starts with `#` says nothing.
    ///
    /// - `places`: station, country, name, latitude, longitude, spread in degrees, weight.
    /// - `sentences`: `@name = entry; entry` makes a list of words (`@source` is who reports),
    ///   `en > sentence` or `es > sentence` a closing sentence, and `weight | language | category | attributes | narrative` a kind of event. A narrative may hold
    ///   `{place}`, `{quantity}`, `{2-9}` (a number) and `{name}` (an entry of that list).
    public static func parse(places: String, sentences: String) throws(FeedError) -> Feed {
        var feed = Feed(places: [], templates: [], sources: [], lists: [], closings: [:])
        for (number, line) in contentLines(places) {
            do throws(FeedProblem) {
                feed.places.append(try parsePlace(line))
            } catch {
                throw FeedError(text: "places", line: number, reason: error.reason)
            }
        }
        var names: [String: Int] = [:]
        for (number, line) in contentLines(sentences) {
            do throws(FeedProblem) {
                try feed.addSentence(line, listNames: &names)
            } catch {
                throw FeedError(text: "sentences", line: number, reason: error.reason)
            }
        }
        guard !feed.places.isEmpty else { throw FeedError(text: "places", line: 1, reason: "no place at all") }
        guard !feed.templates.isEmpty else { throw FeedError(text: "sentences", line: 1, reason: "no event at all") }
        guard !feed.sources.isEmpty else { throw FeedError(text: "sentences", line: 1, reason: "no @source list") }
        for template in feed.templates where feed.closings[template.language, default: []].isEmpty {
            throw FeedError(
                text: "sentences",
                line: 1,
                reason: "no closing sentence for the language \(template.language)"
            )
        }
        return feed
    }

    private mutating func addSentence(_ line: Substring, listNames: inout [String: Int]) throws(FeedProblem) {
        if line.first == "@" {
            let parts = line.dropFirst().split(separator: "=", maxSplits: 1).map(trimmed)
            let entries = parts.count == 2 ? parts[1].split(separator: ";").map(trimmed).filter { !$0.isEmpty } : []
            guard !entries.isEmpty else { throw FeedProblem("a list is written @name = entry; entry") }
            if parts[0] == "source" {
                sources = entries
            } else {
                listNames[parts[0]] = lists.count
                lists.append(entries)
            }
        } else if line.hasPrefix("en > ") || line.hasPrefix("es > ") {
            closings[String(line.prefix(2)), default: []].append(trimmed(line.dropFirst(5)))
        } else {
            templates.append(try parseTemplate(line, listNames: listNames))
        }
    }
}

private struct FeedProblem: Error {
    var reason: String
    init(_ reason: String) { self.reason = reason }
}

private func contentLines(_ text: String) -> [(Int, Substring)] {
    text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { index, line in
        line.isEmpty || line.first == "#" ? nil : (index + 1, line)
    }
}

private func trimmed(_ text: Substring) -> String {
    guard let first = text.firstIndex(where: { $0 != " " }), let last = text.lastIndex(where: { $0 != " " }) else {
        return ""
    }
    return String(text[first...last])
}

private func fields(_ line: Substring) -> [String] { line.split(separator: "|").map(trimmed) }

private func parsePlace(_ line: Substring) throws(FeedProblem) -> Feed.Place {
    let parts = fields(line)
    guard parts.count == 7 else {
        throw FeedProblem("a place is station | country | name | latitude | longitude | spread | weight")
    }
    guard let latitude = hundredThousandths(parts[3]), let longitude = hundredThousandths(parts[4]),
        let spread = hundredThousandths(parts[5]), spread >= 0, abs(latitude) + spread <= 9_000_000,
        abs(longitude) + spread <= 18_000_000
    else { throw FeedProblem("latitude, longitude and spread are degrees with at most five decimals") }
    guard let weight = Int(parts[6]), (1...100).contains(weight) else { throw FeedProblem("a weight is 1 to 100") }
    guard parts[1] == "US" || parts[1] == "MX" else { throw FeedProblem("the country is US or MX") }
    return Feed.Place(
        station: parts[0],
        country: parts[1],
        name: parts[2],
        latitude_e5: latitude,
        longitude_e5: longitude,
        spread_e5: spread,
        weight: weight
    )
}

private func hundredThousandths(_ text: String) -> Int? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard let whole = parts.first, let degrees = Int(whole), abs(degrees) <= 180, parts.count <= 2 else { return nil }
    var decimals = parts.count == 2 ? String(parts[1]) : "0"
    guard (1...5).contains(decimals.utf8.count), decimals.utf8.allSatisfy({ (48...57).contains($0) }) else {
        return nil
    }
    decimals += String(repeating: "0", count: 5 - decimals.utf8.count)
    guard let fraction = Int(decimals) else { return nil }
    return text.hasPrefix("-") ? degrees * 100_000 - fraction : degrees * 100_000 + fraction
}

private func bounds(_ text: some StringProtocol) -> Feed.Bounds? {
    let parts = text.split(separator: "-")
    guard parts.count == 2, let lower = Int(parts[0]), let upper = Int(parts[1]), lower >= 0, lower <= upper,
        upper <= 1_000_000
    else { return nil }
    return Feed.Bounds(lower: lower, upper: upper)
}

private func parseTemplate(_ line: Substring, listNames: [String: Int]) throws(FeedProblem) -> Feed.Template {
    let parts = line.split(separator: "|", omittingEmptySubsequences: false).map(trimmed)
    guard parts.count == 5 else {
        throw FeedProblem("a kind of event is weight | language | category | attributes | narrative")
    }
    var template = Feed.Template()
    guard let weight = Int(parts[0]), (1...100).contains(weight) else { throw FeedProblem("a weight is 1 to 100") }
    template.weight = weight
    template.language = parts[1]
    template.category = parts[2]
    for attribute in parts[3].split(separator: " ") { try apply(attribute, to: &template) }
    template.narrative = try pieces(of: parts[4], listNames: listNames)
    if template.narrative.contains(.quantity), template.commodity == nil {
        throw FeedProblem("{quantity} needs a goods attribute")
    }
    return template
}

private func apply(_ attribute: Substring, to template: inout Feed.Template) throws(FeedProblem) {
    let pair = attribute.split(separator: "=", maxSplits: 1)
    guard pair.count == 2 else { throw FeedProblem("an attribute is key=value, not \(attribute)") }
    let value = String(pair[1])
    switch pair[0] {
    case "at": template.country = value
    case "severity": template.severity = value
    case "mode": template.mode = value
    case "direction": template.direction = value
    case "offence": template.offences.append(value)
    case "location":
        guard let positioning = Feed.Positioning(rawValue: value) else {
            throw FeedProblem("location is usual, place or none")
        }
        template.positioning = positioning
    case "goods":
        let parts = value.split(separator: ":")
        guard parts.count == 3, let quantity = bounds(parts[1]) else {
            throw FeedProblem("goods are kind:lower-upper:unit")
        }
        template.commodity = Feed.Commodity(kind: String(parts[0]), quantity: quantity, unit: String(parts[2]))
    case "victims", "injured", "killed", "detained", "rescued", "minors":
        guard let count = bounds(value) else { throw FeedProblem("a count is lower-upper") }
        template.persons[String(pair[0])] = count
    default: throw FeedProblem("unknown attribute \(pair[0])")
    }
}

private func pieces(of narrative: String, listNames: [String: Int]) throws(FeedProblem) -> [Feed.Piece] {
    var pieces: [Feed.Piece] = []
    var rest = narrative[...]
    while let open = rest.firstIndex(of: "{") {
        if open > rest.startIndex { pieces.append(.words(String(rest[..<open]))) }
        guard let close = rest[open...].firstIndex(of: "}") else { throw FeedProblem("a { without its }") }
        let name = rest[rest.index(after: open)..<close]
        if name == "place" {
            pieces.append(.place)
        } else if name == "quantity" {
            pieces.append(.quantity)
        } else if let number = bounds(name) {
            pieces.append(.number(number))
        } else if let list = listNames[String(name)] {
            pieces.append(.entry(list: list))
        } else {
            throw FeedProblem("no list is called \(name)")
        }
        rest = rest[rest.index(after: close)...]
    }
    if !rest.isEmpty { pieces.append(.words(String(rest))) }
    guard !pieces.isEmpty else { throw FeedProblem("a narrative says something") }
    return pieces
}
