import Border
import Bytes
import Incident

/// Reference data in the form in which it is compared and written, made once.
struct EncodedReference {
    let stationNames: [[UInt8]]
    let crossingIDs: [[UInt8]]
    /// For each entry of the gazetteer the beginning of `place`, with what is the same in every event.
    let placeMembers: [[UInt8]]
    /// As written in an event, by `Side.rawValue`: the countries' codes, `ambiguous`, `other`.
    let sideNames: [[UInt8]]
    let ruleIDs: [[UInt8]]
    let rulesetMember: [UInt8]
    let releaseMembers: [UInt8]
    let migrationReleaseMembers: [UInt8]
    let categoryContraband: [UInt8]
    let commodityContraband: [UInt8]
    let migrationTraits: FactSet
    let lookoutFacts: FactSet

    init(_ reference: Reference) {
        stationNames = reference.taxonomy.stations.map { Array($0.name.description.utf8) }
        let border = reference.border
        sideNames = Side.allCases.map { Array(border.name(of: $0).utf8) }
        placeMembers = reference.gazetteer.entries.map(Self.placeMember)
        crossingIDs = border.crossings.map { Array($0.id.utf8) }
        ruleIDs = reference.rules.declarations.map { Array($0.id.utf8) }
        var writer = ByteWriter(capacity: 128)
        writer.append(",\"ruleset\":")
        writer.append(jsonString: reference.rulesetName)
        rulesetMember = writer.array
        releaseMembers = reference.release.members(isMigrationOnly: false)
        migrationReleaseMembers = reference.release.members(isMigrationOnly: true)
        let kinds = RuleSet.contrabandKinds
        func bit(_ kind: String) -> UInt8 { kinds.firstIndex(of: kind).map { 1 << UInt8($0) } ?? 0 }
        commodityContraband = reference.taxonomy.commodities.map { bit($0.contraband) }
        categoryContraband = reference.taxonomy.categories.map { category in
            guard category.traits.contains("smuggling") || category.traits.contains("people") else { return 0 }
            return category.traits.reduce(0) { $0 | bit($1 == "goods" ? "other" : $1) }
        }
        let names = reference.rules.factNames
        func facts(_ wanted: [String]) -> FactSet {
            var set = FactSet()
            for name in wanted { if let index = names.firstIndex(of: name) { set.insert(index) } }
            return set
        }
        migrationTraits = facts(["trait.migration"])
        lookoutFacts = facts(["trait.lookout", "lookout_watch"])
    }

    private static func placeMember(_ entry: PlaceEntry) -> [UInt8] {
        var writer = ByteWriter(capacity: 96)
        writer.append("{\"name\":")
        writer.append(jsonString: entry.name)
        writer.append(",\"kind\":")
        writer.append(jsonString: entry.kind.rawValue)
        writer.append(",\"country\":")
        if entry.country.isEmpty { writer.append("null") } else { writer.append(jsonString: entry.country) }
        writer.append(",\"region\":")
        if entry.admin1.isEmpty {
            writer.append("null")
        } else {
            writer.append(jsonString: "\(entry.country)-\(entry.admin1)")
        }
        // The middle of an area, to five decimals: about a metre, far below any area's size.
        writer.append(",\"lat\":")
        writer.append(Array("\(entry.position.latitude_deg)".utf8))
        writer.append(",\"lon\":")
        writer.append(Array("\(entry.position.longitude_deg)".utf8))
        return writer.array
    }

    /// A field fact's index: they come first.
    @inline(__always)
    static func index(of fact: FieldFact) -> Int {
        switch fact {
        case .near5km: 0
        case .near50km: 1
        case .lineTown: 2
        case .sideLeft: 3
        case .sideRight: 4
        case .directionAcross: 5
        case .goods: 6
        case .bulk: 7
        case .retail: 8
        case .maritime: 9
        case .tunnelMode: 10
        case .minors: 11
        case .injured: 12
        case .killed: 13
        case .rescued: 14
        case .detained: 15
        case .positionContradictsCountry: 16
        case .positionContradictsPlace: 17
        }
    }

    /// What a quantity in `unit` is multiplied with to be in `bulkUnit`; 1 when the unit is missing or unknown.
    func factor(of unit: Text?, to bulkUnit: String) -> Double {
        guard let unit, bulkUnit == "kg" else { return 1 }
        if unit == "g" { return 0.001 }
        if unit == "lb" || unit == "lbs" || unit == "pounds" { return 0.453_592_37 }
        if unit == "t" { return 1000 }
        if unit == "oz" { return 0.028_349_523_125 }
        return 1
    }
}
