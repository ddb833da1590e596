import Border
import Bytes
import Incident

/// What is known of an event beside its words.
struct PlaceContext {
    /// The side of the country that the event states.
    var country: Side?
    /// The side of the reporting station's country, and where the station is.
    var station: (side: Side, point: SpacePoint)?
    /// When it happened.
    var time: Timestamp
}

/// Decides between the names in a text, and between places of one name. Integers only.
///
/// A place is likelier the more people live there, the nearer it is to the line and to the reporting station, and when
/// states, countries and agencies named elsewhere in the text are its own. Whose language a text is in is no input.
struct PlaceResolver {
    let gazetteer: Gazetteer

    /// Beyond this from the station a small town without a state is not meant, in metres.
    static let reach_m = 400_000.0
    /// People from which a town is known everywhere.
    static let largePopulation = 500_000
    /// The same for a town near the line.
    static let knownPopulation = 20_000
    /// The same for a city that has no namesake.
    static let cityPopulation = 100_000
    /// Two places of one name that are so near in likelihood leave the side open.
    static let margin = 4
    /// The same far from the station, whose own side then says less.
    static let farMargin = 10
    /// What "near" adds to a place, in metres.
    static let near_m = 10_000.0

    private struct Choice {
        var entry = -1
        var score = Int.min
        var rival = -1
        var rivalScore = Int.min
    }

    /// States and countries that a text names, one bit a side, and the states themselves.
    private struct Surroundings {
        var sides: UInt8 = 0
        var states: [4 of Int32] = [-1, -1, -1, -1]
        var stateCount = 0
        /// A town that there is but once, or a city, and where it is named.
        var anchor = -1
        var anchorStart: Int32 = -1
    }

    /// Where it happened, by the names that a scanner found; nil when none of them says it.
    func resolve(_ scanner: borrowing PlaceScanner, _ context: PlaceContext) -> NamedPlace? {
        guard scanner.mentions.count > 0 else { return nil }
        let around = surroundings(scanner)
        var best: NamedPlace?
        var bestRank = 0
        var dateline: Side?
        for index in 0..<scanner.mentions.count {
            var mention = scanner.mentions[index]
            // People are pulled from rivers; who comes from a town is elsewhere.
            let isLandscape = mention.role == .elsewhere
            guard !isLandscape || mention.isOrigin,
                let choice = choose(mention, context, around, landscape: isLandscape)
            else { continue }
            if isLandscape { mention.role = .at }
            if mention.isDateline { dateline = gazetteer.facts[choice.entry].side }
            let rank = rank(mention, gazetteer.facts[choice.entry].kind)
            guard rank > bestRank else { continue }
            best = place(choice, mention, context)
            bestRank = rank
        }
        // Written on one side about the other: a reader would not swear to it.
        if let found = best, let dateline, dateline != gazetteer.facts[found.entry].side { best?.isSideOpen = true }
        return best
    }

    /// A port of entry says more than its town, a town more than its state; a word that says "in" more than none.
    private func rank(_ mention: PlaceMention, _ kind: PlaceEntry.Kind) -> Int {
        let role = mention.role.rawValue
        let precision =
            switch kind {
            case .crossing, .checkpoint: 4
            case .town: 3
            case .water, .deployment: 2
            case .state, .range, .river, .desert, .region, .road: 1
            case .country: 0
            }
        // What is only named beside an authority is less than any place that is said to be where it happened.
        let isSaid = mention.role >= .near
        // Nor does a state, however it is said, take the place of a town.
        return (isSaid ? (kind.isPlace || kind == .water ? 100 : 30) : 20) + precision * 8 + Int(role)
    }

    private func surroundings(_ scanner: borrowing PlaceScanner) -> Surroundings {
        var around = Surroundings()
        around.sides = scanner.agencies
        for index in 0..<scanner.mentions.count {
            let mention = scanner.mentions[index]
            let isAlone = mention.entries.count == 1
            for at in mention.entries {
                note(gazetteer.names.entry(at), isAlone: isAlone, mention, &around)
            }
            if mention.state >= 0 { noteState(mention.state, &around) }
        }
        return around
    }

    private func note(_ entry: Int, isAlone: Bool, _ mention: PlaceMention, _ around: inout Surroundings) {
        // Where somebody comes from or goes is in the same part of the world; a street's name says nothing.
        guard mention.role > .elsewhere || mention.isOrigin || mention.isContext else { return }
        switch gazetteer.facts[entry].kind {
        case .state where mention.role > .elsewhere && (isAlone || mention.state < 0): noteState(Int32(entry), &around)
        case .country where mention.role > .elsewhere: around.sides |= bit(gazetteer.facts[entry].side)
        case .town where !mention.isCommon && around.anchor < 0:
            if isAlone || gazetteer.facts[entry].population >= Self.cityPopulation {
                (around.anchor, around.anchorStart) = (entry, mention.start)
            }
        default: break
        }
    }

    private func noteState(_ entry: Int32, _ around: inout Surroundings) {
        around.sides |= bit(gazetteer.facts[Int(entry)].side)
        guard around.stateCount < 4 else { return }
        around.states[around.stateCount] = entry
        around.stateCount += 1
    }

    private func bit(_ side: Side) -> UInt8 { side == .left ? 1 : side == .right ? 2 : 0 }

    private func choose(
        _ mention: PlaceMention,
        _ context: PlaceContext,
        _ around: Surroundings,
        landscape: Bool
    ) -> Choice? {
        var choice = Choice()
        for at in mention.entries {
            let entry = gazetteer.names.entry(at)
            guard !landscape || gazetteer.facts[entry].kind.isLandscape,
                let score = score(entry, mention, context, around)
            else { continue }
            if score > choice.score {
                if choice.entry >= 0, gazetteer.facts[choice.entry].side != gazetteer.facts[entry].side {
                    (choice.rival, choice.rivalScore) = (choice.entry, choice.score)
                }
                (choice.entry, choice.score) = (entry, score)
            } else if gazetteer.facts[choice.entry].side != gazetteer.facts[entry].side, score > choice.rivalScore {
                (choice.rival, choice.rivalScore) = (entry, score)
            }
        }
        return choice.entry >= 0 ? choice : nil
    }

    /// How likely an entry is meant; nil when it cannot be.
    private func score(
        _ entry: Int,
        _ mention: PlaceMention,
        _ context: PlaceContext,
        _ around: Surroundings
    ) -> Int? {
        let place = gazetteer.facts[entry]
        let side = place.side
        if mention.state >= 0 {
            let state = gazetteer.facts[Int(mention.state)]
            if place.country != 0 {
                guard place.country == state.country else { return nil }
                if state.kind == .state, place.state != state.state || place.kind == .state { return nil }
            }
        } else if let country = context.country, country != side, place.country != 0 {
            return nil
        }
        guard place.validFrom <= context.time.microseconds, context.time.microseconds < place.validTo else {
            return nil
        }
        var score = 0
        switch place.kind {
        case .country: score = 30
        // A state and its namesake town: the state holds both.
        case .state: score = 24
        case .crossing, .checkpoint: score = 12
        default: score = peopleScore(place.population)
        }
        score += place.line_m < 50_000 ? 8 : place.line_m < 300_000 ? 4 : 0
        if around.sides == bit(side), around.sides != 0 { score += 10 }
        var isAtHome = mention.state >= 0
        for index in 0..<around.stateCount {
            let state = gazetteer.facts[Int(around.states[index])]
            if state.state == place.state, state.kind == .state, place.kind != .state {
                score += 14
                isAtHome = true
                break
            }
        }
        if around.anchor >= 0, around.anchorStart != mention.start {
            let away_m = Geodesic.chord_m(gazetteer.facts[around.anchor].point, place.point)
            if away_m < 120_000 { score += gazetteer.facts[around.anchor].side == side ? 6 : 2 }
        }
        guard let station = context.station else { return score }
        if station.side == side { score += 9 }
        let away_m = Geodesic.chord_m(station.point, place.point)
        score += away_m < 60_000 ? 8 : away_m < 150_000 ? 5 : away_m < Self.reach_m ? 2 : isAtHome ? 0 : -4
        if place.kind == .town, away_m > Self.reach_m, !isAtHome, !isKnown(place, mention, context) {
            return nil
        }
        return score
    }

    /// Whether a town is known far from the station: a large one, one near the line that is no common word, and one whose
    /// country the event states.
    private func isKnown(
        _ place: Gazetteer.Facts,
        _ mention: PlaceMention,
        _ context: PlaceContext
    ) -> Bool {
        if place.population >= Self.largePopulation { return true }
        if mention.entries.count == 1, !mention.isCommon, place.population >= Self.cityPopulation { return true }
        if context.country != nil, place.population >= (place.line_m < 50_000 ? 1_000 : Self.knownPopulation) {
            return true
        }
        if place.line_m < 50_000, mention.role >= .near, place.population >= Self.knownPopulation { return true }
        return place.line_m < 300_000 && (!mention.isCommon || mention.role >= .near)
            && (mention.entries.count == 1 || place.population >= Self.knownPopulation)
    }

    private func peopleScore(_ population: Int) -> Int {
        switch population {
        case ..<1_000: 0
        case ..<5_000: 2
        case ..<20_000: 4
        case ..<100_000: 6
        case ..<500_000: 8
        case ..<1_000_000: 10
        default: 14
        }
    }

    private func place(
        _ choice: Choice,
        _ mention: PlaceMention,
        _ context: PlaceContext
    ) -> NamedPlace {
        let entry = gazetteer.facts[choice.entry]
        let isNear = mention.role == .near
        let isStated = mention.state >= 0 || context.country != nil || entry.kind == .state || entry.kind == .country
        var accuracy_m = entry.radius_m + (isNear ? max(Self.near_m, mention.distance_m * 1.25) : 0)
        // Far from the station less speaks for its own side.
        let isHome =
            context.station.map { Geodesic.chord_m($0.point, entry.point) < 150_000 } ?? true
        let margin = isHome ? Self.margin : Self.farMargin
        let isOpen = !isStated && choice.rival >= 0 && choice.score - choice.rivalScore < margin
        if isOpen {
            let rival = gazetteer.facts[choice.rival]
            accuracy_m +=
                Geodesic.chord_m(entry.point, rival.point) + rival.radius_m
        }
        return NamedPlace(
            entry: choice.entry,
            isNear: isNear,
            accuracy_m: accuracy_m,
            isSideStated: isStated,
            isSideOpen: isOpen,
            bytes: mention.start..<mention.end
        )
    }
}
