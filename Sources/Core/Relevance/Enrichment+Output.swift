import Border
import Bytes
import Incident

extension Enrichment {
    func append(_ assessment: Assessment, _ incident: Incident, to writer: inout ByteWriter) {
        writer.append(",\"cross_border\":{\"level\":\"")
        writer.append(assessment.level.label)
        writer.append("\",\"score\":")
        writer.append(decimal: Int64(assessment.score))
        writer.append(",\"side\":\"")
        writer.append(encoded.sideNames[Int(assessment.side.rawValue)])
        writer.append("\",\"involves\":[")
        if assessment.involvesLeft { appendQuoted(encoded.sideNames[Int(Side.left.rawValue)], to: &writer) }
        if assessment.involvesLeft, assessment.involvesRight { writer.append(",") }
        if assessment.involvesRight { appendQuoted(encoded.sideNames[Int(Side.right.rawValue)], to: &writer) }
        writer.append("],\"border\":")
        appendBorder(assessment, to: &writer)
        writer.append(",\"place\":")
        appendPlace(assessment, incident, to: &writer)
        writer.append(",\"flow\":\"")
        writer.append(assessment.flow.label)
        writer.append("\",\"mode\":\"")
        switch assessment.mode {
        case .land: writer.append("land")
        case .maritime: writer.append("maritime")
        case .air: writer.append("air")
        case .tunnel: writer.append("tunnel")
        case nil: writer.append("unknown")
        }
        writer.append("\",\"contraband\":[")
        appendContraband(assessment.contraband, to: &writer)
        writer.append(assessment.isMigrationOnly ? "],\"migration_only\":true" : "],\"migration_only\":false")
        writer.append(",\"position_basis\":\"")
        writer.append(assessment.positionBasis.label)
        writer.append("\",\"stations\":[")
        appendStation(assessment.stations.0, isFirst: true, to: &writer)
        appendStation(assessment.stations.1, isFirst: assessment.stations.0 == nil, to: &writer)
        writer.append("],\"evidence\":[")
        for index in 0..<assessment.evidenceCount {
            if index > 0 { writer.append(",") }
            append(assessment.evidence(index), to: &writer)
        }
        writer.append("]")
        writer.append(encoded.rulesetMember)
        writer.append("}")
    }

    private func appendBorder(_ assessment: Assessment, to writer: inout ByteWriter) {
        guard let fix = assessment.fix else {
            writer.append("null")
            return
        }
        writer.append("{\"distance_m\":")
        writer.append(decimal: Int64(fix.distance_m.rounded()))
        writer.append(",\"accuracy_m\":")
        writer.append(decimal: Int64(fix.accuracy_m.rounded()))
        if let crossing = fix.crossing {
            writer.append(",\"nearest_crossing\":\"")
            writer.append(encoded.crossingIDs[crossing])
            writer.append("\",\"crossing_distance_m\":")
            writer.append(decimal: Int64(fix.crossingDistance_m.rounded()))
        } else {
            writer.append(",\"nearest_crossing\":null,\"crossing_distance_m\":null")
        }
        writer.append("}")
    }

    /// The place that words name, how far it may reach, and the words; `null` when the position is stated, or none known.
    private func appendPlace(_ assessment: Assessment, _ incident: Incident, to writer: inout ByteWriter) {
        guard let place = assessment.place else {
            writer.append("null")
            return
        }
        writer.append(encoded.placeMembers[place.entry])
        writer.append(place.isNear ? ",\"near\":true,\"accuracy_m\":" : ",\"near\":false,\"accuracy_m\":")
        writer.append(decimal: Int64(place.accuracy_m.rounded()))
        let isTyped = assessment.positionBasis == .place
        let text = isTyped ? incident.place : incident.narrative
        writer.append(",\"span\":{\"field\":\"")
        writer.append(isTyped ? "location.place" : "narrative")
        writer.append("\",\"start\":")
        let start = text.map { scalars($0, 0, place.bytes.lowerBound) } ?? 0
        writer.append(decimal: Int64(start))
        writer.append(",\"end\":")
        let length = text.map { scalars($0, place.bytes.lowerBound, place.bytes.upperBound) } ?? 0
        writer.append(decimal: Int64(start + length))
        writer.append("}}")
    }

    private func appendContraband(_ bits: UInt8, to writer: inout ByteWriter) {
        var isFirst = true
        for index in 0..<5 where bits & (1 << UInt8(index)) != 0 {
            if !isFirst { writer.append(",") }
            isFirst = false
            switch index {
            case 0: writer.append("\"drugs\"")
            case 1: writer.append("\"weapons\"")
            case 2: writer.append("\"cash\"")
            case 3: writer.append("\"people\"")
            default: writer.append("\"other\"")
            }
        }
    }

    private func appendStation(_ index: Int?, isFirst: Bool, to writer: inout ByteWriter) {
        guard let index else { return }
        if !isFirst { writer.append(",") }
        appendQuoted(encoded.stationNames[index], to: &writer)
    }

    /// Words that need no escapes.
    private func appendQuoted(_ word: [UInt8], to writer: inout ByteWriter) {
        writer.append("\"")
        writer.append(word)
        writer.append("\"")
    }

    private func append(_ evidence: Evidence, to writer: inout ByteWriter) {
        writer.append("{\"rule\":\"")
        writer.append(encoded.ruleIDs[evidence.rule])
        writer.append("\",\"level\":\"")
        writer.append(evidence.level.label)
        writer.append("\",\"basis\":\"")
        writer.append(evidence.basis.label)
        if let span = evidence.span {
            writer.append("\",\"span\":{\"field\":\"narrative\",\"start\":")
            writer.append(decimal: Int64(span.lowerBound))
            writer.append(",\"end\":")
            writer.append(decimal: Int64(span.upperBound))
            writer.append("}}")
        } else {
            writer.append("\",\"span\":null}")
        }
    }

    /// Closed by default: nobody but the open audiences until a release rule says more.
    func appendRelease(_ assessment: Assessment, _ incident: Incident, to writer: inout ByteWriter) {
        let policy = reference.release
        var tlp = incident.tlp ?? policy.defaultTLP
        let isCare = (incident.persons.minors ?? 0) > 0 || assessment.isMigrationOnly
        if isCare { tlp = max(tlp, .amberStrict) }
        writer.append(",\"release\":{\"tlp\":\"")
        writer.append(tlp.label)
        writer.append("\",")
        writer.append(assessment.isMigrationOnly ? encoded.migrationReleaseMembers : encoded.releaseMembers)
        writer.append(",\"notify\":[],\"human_review_required\":true,\"retain_until\":\"")
        let days = assessment.isMigrationOnly ? policy.migrationRetain_days : policy.retain_days
        let latest = incident.occurredAt.timestamp.microseconds &+ Int64(days) * 86_400_000_000
        let wanted = incident.retainUntil?.microseconds ?? latest
        writer.append(timestamp: Timestamp(microseconds: min(wanted, latest)))
        writer.append("\"}")
    }
}
