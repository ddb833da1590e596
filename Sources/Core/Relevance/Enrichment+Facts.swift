import Border
import Bytes
import Incident

extension Enrichment {
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
            let isPlace = assessment.place.map { $0.accuracy_m <= 50_000 } ?? true
            if fix.distance_m <= 50_000, isPlace, fix.geometricSide != .other { draft.insert(.near50km) }
        }
        if let place = assessment.place, !place.isNear, reference.gazetteer.entries[place.entry].touchesLine {
            draft.insert(.lineTown)
        }
        if assessment.contradictsCountry { draft.insert(.positionContradictsCountry) }
        if assessment.contradictsPlace { draft.insert(.positionContradictsPlace) }
        if draft.here == .left { draft.insert(.sideLeft) }
        if draft.here == .right { draft.insert(.sideRight) }
        switch incident.direction {
        case reference.border.left.into?: draft.explicitFlow = 1
        case reference.border.right.into?: draft.explicitFlow = 2
        case .both: draft.explicitFlow = 3
        case .unknown: draft.isMovementUnknown = true
        default: break
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
        if !assessment.hasReadNarrative { tokenizer.cut(narrative, rules.lexicon.vocabulary) }
        tokenizer.join(rules.lexicon.vocabulary)
        tokenizer.markScopes(rules.lexicon.cues)
        rules.lexicon.find(in: tokenizer.tokens, into: &matches)
        var explicit = FactSet()
        for match in matches where !match.isNegated && (match.toward == .left || match.toward == .right) {
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
        guard match.toward != .left, match.toward != .right, match.toward != .both else { return false }
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
