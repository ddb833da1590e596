import Border
import Bytes
import Incident

extension Enrichment {
    /// Position, side and distance: from coordinates, else from a place in words, else the side from a country alone.
    func locate(_ incident: Incident, _ assessment: inout Assessment) {
        let own = stationIndex(incident.station)
        assessment.stations.0 = own
        if let position = incident.position {
            assessment.positionBasis = .stated
            assessment.position = position
            let fix = reference.border.locate(position, accuracy_m: incident.positionAccuracy_m ?? 0)
            assessment.fix = fix
            assessment.side = fix.side
        }
        let context = PlaceContext(
            country: incident.country.map { reference.border.side(ofCountry: $0.string) },
            station: own.map { stationPlaces[$0] },
            time: incident.occurredAt.timestamp
        )
        let resolver = PlaceResolver(gazetteer: reference.gazetteer)
        let vocabulary = reference.rules.lexicon.vocabulary
        if let place = incident.place {
            tokenizer.cut(place, vocabulary)
            scanner.scan(tokenizer.tokens, place.bytes, reference.gazetteer, isTyped: true)
            let found = resolver.resolve(scanner, context)
            guard incident.position == nil else { return compare(incident, found, context, &assessment) }
            if let found { take(found, basis: .place, &assessment) }
        }
        guard incident.position == nil else { return compare(incident, nil, context, &assessment) }
        if assessment.place == nil, let narrative = incident.narrative {
            tokenizer.cut(narrative, vocabulary)
            assessment.hasReadNarrative = true
            scanner.scan(tokenizer.tokens, narrative.bytes, reference.gazetteer, isTyped: false)
            if let found = resolver.resolve(scanner, context) { take(found, basis: .narrative, &assessment) }
        }
        if assessment.position == nil, assessment.side == .other, let country = context.country {
            assessment.side = country
        }
    }

    /// A stated position stays what it is; that it contradicts a stated country or place is said, for people to look at.
    private func compare(
        _ incident: Incident,
        _ found: NamedPlace?,
        _ context: PlaceContext,
        _ assessment: inout Assessment
    ) {
        guard let position = assessment.position, let fix = assessment.fix else { return }
        let stated_m = incident.positionAccuracy_m ?? 0
        if let country = context.country, fix.geometricSide != country {
            assessment.contradictsCountry = fix.distance_m > fix.accuracy_m + stated_m
        }
        guard let found, !found.isSideOpen, reference.gazetteer.facts[found.entry].kind != .country else { return }
        let away_m = Geodesic.chord_m(Geodesic.spacePoint(position), reference.gazetteer.facts[found.entry].point)
        // A town's name is used for what lies around it.
        assessment.contradictsPlace = away_m > 2 * found.accuracy_m + stated_m + PlaceResolver.near_m
    }

    /// A place that words name: its position, where no coordinates are stated.
    private func take(_ found: NamedPlace, basis: PositionBasis, _ assessment: inout Assessment) {
        let gazetteer = reference.gazetteer
        let side = gazetteer.facts[found.entry].side
        // A country says on which side, and nothing more.
        guard gazetteer.facts[found.entry].kind != .country else {
            assessment.side = side
            return
        }
        var fix = gazetteer.fixes[found.entry]
        let isOpen = found.isSideOpen || fix.distance_m <= fix.accuracy_m + found.accuracy_m && found.isNear
        if found.isSideStated && !found.isSideOpen || !isOpen, side != .other {
            fix.side = side
        } else if found.isSideOpen {
            fix.side = .ambiguous
        } else if fix.geometricSide != .other, fix.distance_m <= fix.accuracy_m + found.accuracy_m {
            fix.side = .ambiguous
        }
        fix.accuracy_m += found.accuracy_m
        assessment.place = found
        assessment.positionBasis = basis
        assessment.position = gazetteer.entries[found.entry].position
        assessment.fix = fix
        assessment.side = fix.side
    }
}
