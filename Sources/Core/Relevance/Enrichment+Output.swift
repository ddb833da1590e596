import Border
import Bytes
import Incident

extension Enrichment {
    func append(_ stamp: IngestStamp, to writer: inout ByteWriter) {
        writer.append(",\"ingest\":{\"producer\":\"")
        writer.append(hex: stamp.producer.high)
        writer.append(hex: stamp.producer.low)
        writer.append("\",\"epoch\":\"")
        writer.append(hex: stamp.epoch)
        writer.append("\",\"seq\":")
        writer.append(decimal: Int64(clamping: stamp.sequence))
        writer.append(",\"received_at\":\"")
        writer.append(timestamp: stamp.receivedAt)
        writer.append("\"}")
    }

    func append(_ assessment: Assessment, to writer: inout ByteWriter) {
        writer.append(",\"cross_border\":{\"level\":\"")
        writer.append(assessment.level.label)
        writer.append("\",\"score\":")
        writer.append(decimal: Int64(assessment.score))
        writer.append(",\"side\":\"")
        writer.append(assessment.side.label)
        writer.append("\",\"involves\":[")
        if assessment.involvesUS { writer.append("\"US\"") }
        if assessment.involvesUS, assessment.involvesMX { writer.append(",") }
        if assessment.involvesMX { writer.append("\"MX\"") }
        writer.append("],\"border\":")
        appendBorder(assessment, to: &writer)
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
        writer.append("\"")
        writer.append(encoded.stationNames[index])
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

extension ByteWriter {
    /// A UUIDv7 (RFC 9562) whose time is the receipt's and whose other bits are a hash of producer, epoch and
    /// sequence: the same at every redelivery.
    mutating func append(identifierOf stamp: IngestStamp) {
        var state = stamp.producer.high
        for word in [stamp.producer.low, stamp.epoch, stamp.sequence] { state = mixed(state ^ word) }
        let first = mixed(state &+ 0x9E37_79B9_7F4A_7C15)
        let second = mixed(first &+ 0x9E37_79B9_7F4A_7C15)
        let milliseconds = UInt64(max(0, stamp.receivedAt.microseconds / 1000)) & 0xFFFF_FFFF_FFFF
        let high = milliseconds << 16 | 0x7000 | first & 0x0FFF
        let low = 0x8000_0000_0000_0000 | second & 0x3FFF_FFFF_FFFF_FFFF
        let start = count
        append(hex: high)
        append(hex: low)
        // 32 digits so far; spread them to 8-4-4-4-12, from the back.
        reserve(4)
        append("----")
        let digits = base.advanced(by: start)
        for (from, to, length) in [(20, 24, 12), (16, 19, 4), (12, 14, 4), (8, 9, 4)] {
            (digits + to).copyMemory(from: digits + from, byteCount: length)
            digits.storeBytes(of: UInt8(ascii: "-"), toByteOffset: to - 1, as: UInt8.self)
        }
    }
}

/// The finaliser of SplitMix64 (S. Vigna).
private func mixed(_ value: UInt64) -> UInt64 {
    var value = value
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
}
