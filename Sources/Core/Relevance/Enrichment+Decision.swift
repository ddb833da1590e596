import Border
import Bytes
import Incident

extension Enrichment {
    /// The decision table: the level is the highest that any one rule grants; what is only supposed grants at most
    /// moderate. Integers only.
    func decide(_ draft: Draft, _ incident: Incident, _ assessment: inout Assessment) {
        let rules = reference.rules
        for (index, rule) in rules.rules.enumerated() {
            var level = rule.level
            if !fires(rule, draft.asserted) {
                guard fires(rule, draft.supposed) else { continue }
                level = min(level, .moderate)
            }
            assessment.level = max(assessment.level, level)
            let wanted = FactSet(bits: rule.all.bits | rule.any.bits)
            assessment.add(
                Evidence(
                    rule: index,
                    level: level,
                    basis: rule.basis,
                    span: span(of: wanted, incident, draft.here)
                )
            )
        }
    }

    @inline(__always)
    private func fires(_ rule: RuleSet.Rule, _ facts: FactSet) -> Bool {
        facts.isSuperset(of: rule.all) && (rule.any.bits == 0 || facts.intersects(rule.any))
            && !facts.intersects(rule.none)
    }

    /// The first words in the narrative that told one of the facts.
    private func span(of facts: FactSet, _ incident: Incident, _ here: Side) -> Range<Int>? {
        guard let narrative = incident.narrative else { return nil }
        for match in matches where !match.isNegated && facts.contains(Int(match.fact)) {
            let fact = reference.rules.wordFacts[Int(match.fact) &- reference.rules.firstWordFact]
            if fact.isRelative, isSame(match.named, here) { continue }
            let start = scalars(narrative, 0, match.start)
            return start..<start + scalars(narrative, match.start, match.end)
        }
        return nil
    }

    /// All that follows from level and facts.
    func conclude(_ draft: Draft, _ incident: Incident, _ assessment: inout Assessment) {
        assessment.contraband = draft.contraband
        assessment.mode = draft.mode
        assessment.isMigrationOnly = draft.isMigration && !draft.isOffence
        // A stated direction needs no inference.
        let flow = draft.isDirectionStated ? draft.explicitFlow : draft.explicitFlow | draft.inferredFlow
        assessment.flow =
            switch flow {
            case 1: Flow(reference.border.left.into)
            case 2: Flow(reference.border.right.into)
            case 3: .both
            default: draft.isMovementUnknown ? .unknown : .none
            }
        let isBoth =
            assessment.level == .high
            || assessment.level == .moderate && draft.supposed.intersects(encoded.lookoutFacts)
        assessment.involvesLeft = isBoth || assessment.side == .left
        assessment.involvesRight = isBoth || assessment.side == .right
        assessment.score = score(draft, incident, assessment)
        if isBoth { assessment.stations.1 = counterpart(assessment) }
    }

    /// Ranks within the level: a base, four for each further piece of evidence up to three, severity, and nearness.
    private func score(_ draft: Draft, _ incident: Incident, _ assessment: Assessment) -> Int {
        let (base, most) =
            switch assessment.level {
            case .none: (0, 9)
            case .low: (12, 39)
            case .moderate: (44, 69)
            case .high: (74, 100)
            }
        let severity =
            switch incident.severity {
            case .extreme: 8
            case .severe: 6
            case .moderate: 3
            case .minor, .unknown, nil: 0
            }
        // What only calls for a look grants nothing.
        let granting = (0..<assessment.evidenceCount).reduce(0) { $0 + (assessment.evidence($1).level > .none ? 1 : 0) }
        let further = 4 * min(3, max(0, granting - 1))
        let near = draft.asserted.contains(EncodedReference.index(of: .near5km)) ? 4 : 0
        return min(most, base + further + severity + near)
    }

    /// The nearest station on the other side than the reporting one's.
    private func counterpart(_ assessment: Assessment) -> Int? {
        guard let own = assessment.stations.0 else { return nil }
        let stations = reference.taxonomy.stations
        let from = assessment.position ?? stations[own].position
        var best: Int?
        var bestSquared = Double.infinity
        for (index, station) in stations.enumerated() where station.country != stations[own].country {
            let dx = (station.position.longitude_deg - from.longitude_deg) * 0.86
            let dy = station.position.latitude_deg - from.latitude_deg
            if dx * dx + dy * dy < bestSquared { (best, bestSquared) = (index, dx * dx + dy * dy) }
        }
        return best
    }
}
