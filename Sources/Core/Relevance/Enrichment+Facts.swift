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
        guard assessment.position == nil else { return }
        let station = own.map { reference.taxonomy.stations[$0] }
        if let place = incident.place {
            if let found = reference.gazetteer.find(place, country: incident.country, station: station) {
                take(found, basis: .place, &assessment)
            }
        } else if let narrative = incident.narrative,
            let found = reference.gazetteer.findFirst(in: narrative, country: incident.country, station: station)
        {
            take(found, basis: .narrative, &assessment)
        }
        if assessment.position == nil, let country = incident.country {
            assessment.side = country == "US" ? .us : country == "MX" ? .mx : .other
        }
    }

    /// A town that words name: its position, where no coordinates are stated.
    private func take(_ found: Gazetteer.Place, basis: PositionBasis, _ assessment: inout Assessment) {
        assessment.town = found.isNear ? nil : found.town
        let town = reference.gazetteer.towns[found.town]
        let accuracy_m = town.radius_m + (found.isNear ? 10_000 : 0)
        var fix = fix(ofTown: found.town, isNear: found.isNear, accuracy_m)
        fix.side = found.isNear ? fix.side : town.country == "US" ? .us : .mx
        assessment.positionBasis = basis
        assessment.position = town.position
        assessment.fix = fix
        assessment.side = fix.side
    }

    /// Towns do not move: each is located once.
    private func fix(ofTown town: Int, isNear: Bool, _ accuracy_m: Double) -> BorderFix {
        let key = town * 2 + (isNear ? 1 : 0)
        if let known = townFixes[key] { return known }
        let fix = reference.border.locate(reference.gazetteer.towns[town].position, accuracy_m: accuracy_m)
        townFixes[key] = fix
        return fix
    }

    func stationIndex(_ name: Text) -> Int? {
        for (index, known) in encoded.stationNames.enumerated()
        where known.count == name.count && known.elementsEqual(name.bytes) {
            return index
        }
        return nil
    }

    /// Facts from fields and geometry.
    func gatherFields(_ incident: Incident, _ assessment: Assessment, _ draft: inout Draft) {
        let rules = reference.rules
        draft.asserted.bits |= rules.categoryFacts[Int(incident.category.index)].bits
        var offences = incident.offences.bits
        while offences != 0 {
            draft.asserted.bits |= rules.categoryFacts[offences.trailingZeroBitCount].bits
            offences &= offences &- 1
        }
        if let fix = assessment.fix {
            let isExact = assessment.positionBasis == .stated && (incident.positionAccuracy_m ?? 0) <= 5_000
            if fix.distance_m <= 5_000, isExact { draft.insert(.near5km) }
            if fix.distance_m <= 50_000, fix.geometricSide != .other { draft.insert(.near50km) }
        }
        if let town = assessment.town, assessment.positionBasis != .stated,
            reference.gazetteer.towns[town].touchesLine
        {
            draft.insert(.lineTown)
        }
        if draft.here == .us { draft.insert(.sideUS) }
        if draft.here == .mx { draft.insert(.sideMX) }
        switch incident.direction {
        case .northbound: draft.explicitFlow = 1
        case .southbound: draft.explicitFlow = 2
        case .both: draft.explicitFlow = 3
        case .unknown: draft.isMovementUnknown = true
        case nil, .some(.none): break
        }
        draft.isDirectionStated = draft.explicitFlow != 0
        if draft.isDirectionStated { draft.insert(.directionAcross) }
        if incident.mode == .maritime { draft.insert(.maritime) }
        if incident.mode == .tunnel { draft.insert(.tunnelMode) }
        gatherCounts(incident.persons, &draft)
        gatherGoods(incident, &draft)
        draft.supposed = draft.asserted
    }

    private func gatherCounts(_ persons: PersonCounts, _ draft: inout Draft) {
        if (persons.minors ?? 0) > 0 { draft.insert(.minors) }
        if (persons.injured ?? 0) > 0 { draft.insert(.injured) }
        if (persons.killed ?? 0) > 0 { draft.insert(.killed) }
        if (persons.rescued ?? 0) > 0 { draft.insert(.rescued) }
        if (persons.detained ?? 0) > 0 { draft.insert(.detained) }
    }

    private func gatherGoods(_ incident: Incident, _ draft: inout Draft) {
        draft.contraband |= encoded.categoryContraband[Int(incident.category.index)]
        var isBulk = false
        var isRetail = incident.commodities.count > 0
        for index in 0..<incident.commodities.count {
            let item = incident.commodities[index]
            draft.contraband |= encoded.commodityContraband[Int(item.kind)]
            draft.isOffence = true
            let bulk = reference.bulk[Int(item.kind)]
            guard let quantity = item.quantity else {
                isRetail = false
                continue
            }
            let amount = quantity * encoded.factor(of: item.unit, to: bulk.unit)
            if amount >= bulk.quantity {
                isBulk = true
                isRetail = false
            }
        }
        if incident.commodities.count > 0 { draft.insert(.goods) }
        if isBulk { draft.insert(.bulk) }
        if isRetail { draft.insert(.retail) }
    }

    /// Facts from the narrative's words.
    func gatherWords(_ incident: Incident, _ assessment: Assessment, _ draft: inout Draft) {
        matches.removeAll(keepingCapacity: true)
        let rules = reference.rules
        draft.isMigration = !draft.asserted.intersects(encoded.migrationTraits) ? draft.isMigration : true
        guard let narrative = incident.narrative else { return }
        tokenizer.tokenize(narrative, rules.lexicon.vocabulary)
        tokenizer.markScopes(rules.lexicon.cues)
        rules.lexicon.find(in: tokenizer.tokens, into: &matches)
        var explicit = FactSet()
        for match in matches where !match.isNegated && (match.toward == .us || match.toward == .mx) {
            explicit.insert(Int(match.fact))
        }
        for (index, match) in matches.enumerated() where !match.isNegated {
            let fact = rules.wordFacts[Int(match.fact) &- rules.firstWordFact]
            if fact.isRelative, isSame(match.named, draft.here) { continue }
            draft.supposed.insert(Int(match.fact))
            if !match.isHypothetical { draft.asserted.insert(Int(match.fact)) }
            if fact.isMovement, !isOverruled(match, index, explicit) { draft.move(match.toward) }
            if fact.isOffence { draft.isOffence = true }
            if fact.isMigration { draft.isMigration = true }
            draft.contraband |= fact.contraband
            if draft.mode == nil { draft.mode = fact.mode }
        }
    }

    /// Whether a movement whose direction is only inferred stands aside: for the same fact with a stated direction
    /// ("crossed the border into Mexico"), or for a longer phrase that holds it ("fled across the border").
    private func isOverruled(_ match: PhraseMatch, _ index: Int, _ explicit: FactSet) -> Bool {
        guard match.toward != .us, match.toward != .mx, match.toward != .both else { return false }
        if explicit.contains(Int(match.fact)) { return true }
        for (other, longer) in matches.enumerated() where other != index && !longer.isNegated {
            guard longer.start <= match.start, longer.end >= match.end, longer.fact != match.fact,
                longer.end - longer.start > match.end - match.start || match.toward == .here && longer.toward == .other
            else { continue }
            if reference.rules.wordFacts[Int(longer.fact) &- reference.rules.firstWordFact].isMovement { return true }
        }
        return false
    }
}
