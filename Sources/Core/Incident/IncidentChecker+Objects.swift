import Bytes

/// The fields that hold objects and arrays.
extension IncidentChecker {
    /// Calls `body` for each member of an object with the place of its name in `names`.
    @inline(__always)
    private func members(
        _ at: Int,
        _ tape: EventTape,
        _ field: String,
        _ names: NameTable,
        _ body: (Int, EventNode) throws(Refusal) -> Void
    ) throws(Refusal) {
        let object = tape.nodes[at]
        guard object.isObject else { throw Refusal(field: field, reason: "must be an object") }
        var seen: UInt32 = 0
        var child = at + 1
        while child < Int(object.next) {
            let node = tape.nodes[child]
            guard let index = names.index(of: node.keyText) else {
                throw unknown(node.keyText, in: field, tape: tape)
            }
            guard seen & (1 << UInt32(index)) == 0 else { throw duplicate("\(field).\(node.keyText.string)") }
            seen |= 1 << UInt32(index)
            try body(index, node)
            child = Int(node.next)
        }
    }

    /// Calls `body` for each element of an array.
    private func elements(
        _ at: Int,
        _ tape: EventTape,
        _ field: String,
        _ most: Int,
        _ body: (Int) throws(Refusal) -> Void
    ) throws(Refusal) {
        let array = tape.nodes[at]
        guard array.isArray else { throw Refusal(field: field, reason: "must be an array") }
        guard Int(array.childCount) <= most else {
            throw Refusal(field: field, reason: "is longer than \(most) entries; send the rest as another event")
        }
        var child = at + 1
        while child < Int(array.next) {
            try body(child)
            child = Int(tape.nodes[child].next)
        }
    }

    func location(_ at: Int, _ tape: EventTape, _ incident: inout Incident) throws(Refusal) {
        var latitude: Double?
        var longitude: Double?
        var accuracy: Double?
        var place: Text?
        var country: Text?
        try members(at, tape, "location", locationFields) { (index, node) throws(Refusal) in
            switch index {
            case 0: latitude = try number(node, "location.lat", -.greatestFiniteMagnitude ... .greatestFiniteMagnitude)
            case 1: longitude = try number(node, "location.lon", -.greatestFiniteMagnitude ... .greatestFiniteMagnitude)
            case 2: accuracy = try number(node, "location.accuracy_m", 0...limits.accuracy_m)
            case 3: place = try text(node, "location.place", limits.textBytes)
            default:
                guard let text = node.string, text.count == 2, text.bytes.allSatisfy({ (65...90).contains($0) })
                else {
                    throw Refusal(field: "location.country", reason: "must be two capital letters such as US or MX")
                }
                country = text
            }
        }
        incident.positionAccuracy_m = accuracy
        incident.place = place
        incident.country = country
        guard latitude != nil || longitude != nil else { return }
        guard let latitude, let longitude else {
            throw Refusal(
                field: latitude == nil ? "location.lat" : "location.lon",
                reason: "is missing: lat and lon come together; add it, or leave both out"
            )
        }
        incident.position = try position(latitude, longitude)
    }

    private func position(_ latitude: Double, _ longitude: Double) throws(Refusal) -> Position {
        if !(-90...90).contains(latitude) {
            let fits = (-130 ... -60).contains(latitude) && (0...60).contains(longitude)
            throw Refusal(
                field: "location.lat",
                reason: fits
                    ? "is out of range and looks swapped with lon; write lat (north) -90 to 90 and lon (east) -180 to 180"
                    : "is out of range; degrees north are -90 to 90"
            )
        }
        guard (-180...180).contains(longitude) else {
            throw Refusal(field: "location.lon", reason: "is out of range; degrees east are -180 to 180")
        }
        return Position(latitude_deg: latitude, longitude_deg: longitude)
    }

    func persons(_ at: Int, _ tape: EventTape, _ incident: inout Incident) throws(Refusal) {
        var counts = PersonCounts()
        try members(at, tape, "persons", personRoles) { (index, node) throws(Refusal) in
            guard node.kind == .integer else {
                throw Refusal(
                    field: "persons.\(node.keyText.string)",
                    reason: "must be a whole number: how many, never who"
                )
            }
            guard node.integer >= 0, node.number <= limits.persons else {
                throw Refusal(
                    field: "persons.\(node.keyText.string)",
                    reason: "is out of range; it must be 0 to \(Int64(limits.persons))"
                )
            }
            let count = UInt32(clamping: node.integer)
            switch index {
            case 0: counts.victims = count
            case 1: counts.injured = count
            case 2: counts.killed = count
            case 3: counts.detained = count
            case 4: counts.rescued = count
            default: counts.minors = count
            }
        }
        incident.persons = counts
    }

    func commodities(_ at: Int, _ tape: EventTape, _ incident: inout Incident) throws(Refusal) {
        var list = CommodityList()
        try elements(at, tape, "commodities", CommodityList.maximumCount) { (child) throws(Refusal) in
            var kind: Int?
            var quantity: Double?
            var unit: Text?
            try members(child, tape, "commodities", commodityFields) { (index, node) throws(Refusal) in
                switch index {
                case 0:
                    guard let text = node.string, let found = commodities.index(of: text) else {
                        let known = taxonomy.commodities.map(\.name).joined(separator: ", ")
                        throw Refusal(field: "commodities.kind", reason: "must be one of \(known)")
                    }
                    kind = found
                case 1: quantity = try number(node, "commodities.quantity", 0...limits.quantity)
                default: unit = try text(node, "commodities.unit", limits.unitBytes)
                }
            }
            guard let kind else {
                throw Refusal(field: "commodities.kind", reason: "is missing; say what kind of goods")
            }
            _ = list.append(CommodityList.Item(kind: UInt8(kind), quantity: quantity, unit: unit))
        }
        incident.commodities = list
    }

    func offences(_ at: Int, _ tape: EventTape, _ incident: inout Incident) throws(Refusal) {
        var set = CategorySet()
        try elements(at, tape, "offences", limits.offences) { (child) throws(Refusal) in
            set.insert(try category(tape.nodes[child], "offences"))
        }
        incident.offences = set
    }

    func related(_ at: Int, _ tape: EventTape) throws(Refusal) {
        try elements(at, tape, "related", limits.related) { (child) throws(Refusal) in
            _ = try identifier(tape.nodes[child], "related")
        }
    }

    func handling(_ at: Int, _ tape: EventTape, _ incident: inout Incident) throws(Refusal) {
        var tlp: TLP?
        var until: Timestamp?
        var purpose: Text?
        try members(at, tape, "handling", handlingFields) { (index, node) throws(Refusal) in
            switch index {
            case 0: tlp = TLP(rawValue: try word(node, "handling.tlp", markings)) ?? .clear
            case 1: until = try time(node, "handling.retain_until").timestamp
            default: purpose = try text(node, "handling.purpose", limits.textBytes)
            }
        }
        incident.tlp = tlp
        incident.retainUntil = until
        incident.purpose = purpose
    }
}
