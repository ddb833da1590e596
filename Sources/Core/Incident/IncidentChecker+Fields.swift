import Bytes

/// The fields that hold one value.
extension IncidentChecker {
    func text(_ node: EventNode, _ field: String, _ most: Int) throws(Refusal) -> Text {
        guard let text = node.string else { throw Refusal(field: field, reason: "must be a string") }
        guard text.count <= most else {
            throw Refusal(field: field, reason: "is longer than \(most) bytes; shorten it")
        }
        return text
    }

    func word(_ node: EventNode, _ field: String, _ words: NameTable) throws(Refusal) -> Int {
        if let text = node.string, let index = words.index(of: text) { return index }
        let allowed: [String] =
            switch field {
            case "time_precision": TimePrecision.allCases.map(\.rawValue)
            case "time_basis": TimeBasis.allCases.map(\.rawValue)
            case "status": IncidentStatus.allCases.map(\.rawValue)
            case "severity": Severity.allCases.map(\.rawValue)
            case "direction": Direction.allCases.map(\.rawValue)
            case "mode": Mode.allCases.map(\.rawValue)
            default: TLP.allCases.map { "\($0.label)" }
            }
        throw Refusal(field: field, reason: "must be one of \(allowed.joined(separator: ", "))")
    }

    func time(_ node: EventNode, _ field: String) throws(Refusal) -> Timestamp.Written {
        guard let text = node.string else {
            throw Refusal(field: field, reason: "must be a string that holds an RFC 3339 date-time")
        }
        do throws(Timestamp.ParseError) { return try Timestamp.parse(text) } catch {
            throw Refusal(field: field, reason: error.rawValue)
        }
    }

    func station(_ node: EventNode, _ policy: StationPolicy) throws(Refusal) -> Text {
        guard let text = node.string, StationName.isSlug(text) else {
            throw Refusal(
                field: "station",
                reason: "must be a station's slug: 1 to 32 of a-z, 0-9 and -, not - at the front"
            )
        }
        switch policy {
        case .any: return text
        case .only(let own) where own.description.utf8.elementsEqual(text.bytes): return text
        case .known, .only: break
        }
        guard let index = stations.index(of: text) else {
            throw Refusal(
                field: "station",
                reason: "names an unknown station; known are \(stationNames)"
            )
        }
        if case .only(let own) = policy {
            let name = taxonomy.stations[index].name
            throw Refusal(
                field: "station",
                reason: "must be \(own) here; this event is for \(name): send it with enlace publish, "
                    + "which takes each event to its own station"
            )
        }
        return text
    }

    private var stationNames: String { taxonomy.stations.map(\.name.description).joined(separator: ", ") }

    func category(_ node: EventNode, _ field: String) throws(Refusal) -> Category {
        guard let text = node.string else { throw Refusal(field: field, reason: "must be a string") }
        guard let index = categories.index(of: text) else {
            throw Refusal(
                field: field,
                reason: "names an unknown category; take one of categories.yaml, or other"
            )
        }
        return Category(index: UInt8(index))
    }

    func identifier(_ node: EventNode, _ field: String) throws(Refusal) -> Text {
        guard let text = node.string, (1...limits.idBytes).contains(text.count), text.bytes.allSatisfy(isIdentifierByte)
        else {
            throw Refusal(field: field, reason: "must be 1 to \(limits.idBytes) of A-Z a-z 0-9 . _ : -")
        }
        return text
    }

    /// W3C Trace Context: `00-` 32 hex digits `-` 16 hex digits `-` two hex digits.
    func traceparent(_ node: EventNode) throws(Refusal) {
        let valid =
            node.string.map { text in
                text.count == 55
                    && text.bytes.enumerated().allSatisfy { index, byte in
                        [2, 35, 52].contains(index) ? byte == 45 : isLowerHex(byte)
                    }
            } ?? false
        guard valid else {
            throw Refusal(field: "traceparent", reason: "must be a W3C traceparent, 55 characters in lower case")
        }
    }

    func number(
        _ node: EventNode,
        _ field: String,
        _ range: ClosedRange<Double>
    ) throws(Refusal) -> Double {
        guard let value = node.double else { throw Refusal(field: field, reason: "must be a number") }
        guard range.contains(value) else {
            throw Refusal(
                field: field,
                reason: "is out of range; it must be \(words(range.lowerBound)) to \(words(range.upperBound))"
            )
        }
        return value
    }

    private func words(_ bound: Double) -> String { "\(Int64(bound))" }
}

@inline(__always)
private func isIdentifierByte(_ byte: UInt8) -> Bool {
    (97...122).contains(byte | 32) && byte >= 65 || (48...58).contains(byte) || byte == 45 || byte == 46 || byte == 95
}

private func isLowerHex(_ byte: UInt8) -> Bool { (48...57).contains(byte) || (97...102).contains(byte) }

extension StationName {
    /// Whether a text has the form of a slug.
    static func isSlug(_ text: Text) -> Bool {
        guard (1...maximumLength).contains(text.count), text.bytes[0] != 45 else { return false }
        return text.bytes.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
    }
}
