import Bytes

/// Turns a parsed event into an `Incident`, or says why not. Immutable; any thread may use it.
///
/// The checks are those of `seeds/reference/incident.schema.json` and more: stations and categories are data,
/// a field that names or profiles a person is refused at any depth, and so is what the pipeline itself sets.
public final class IncidentChecker: Sendable {
    /// The closed lists.
    public let taxonomy: Taxonomy
    /// The bounds.
    public let limits: IncidentLimits

    let fieldList = EventField.allCases
    let precisionList = TimePrecision.allCases
    let basisList = TimeBasis.allCases
    let statusList = IncidentStatus.allCases
    let severityList = Severity.allCases
    let directionList = Direction.allCases
    let modeList = Mode.allCases
    let fields = NameTable(EventField.allCases.map(\.rawValue))
    let locationFields = NameTable(["lat", "lon", "accuracy_m", "place", "country"])
    let personRoles = NameTable(["victims", "injured", "killed", "detained", "rescued", "minors"])
    let commodityFields = NameTable(["kind", "quantity", "unit"])
    let handlingFields = NameTable(["tlp", "retain_until", "purpose"])
    let precisions = NameTable(TimePrecision.allCases.map(\.rawValue))
    let bases = NameTable(TimeBasis.allCases.map(\.rawValue))
    let statuses = NameTable(IncidentStatus.allCases.map(\.rawValue))
    let severities = NameTable(Severity.allCases.map(\.rawValue))
    let directions = NameTable(Direction.allCases.map(\.rawValue))
    let modes = NameTable(Mode.allCases.map(\.rawValue))
    let markings = NameTable(TLP.allCases.map { "\($0.label)" } + ["WHITE"])
    let categories: NameTable
    let commodities: NameTable
    let stations: NameTable
    let personFields: Set<String>

    /// Prepares the lists. `personFields` are names of fields that name or profile a person; case, `_`, `-`, `.`
    /// and spaces make no difference.
    public init(taxonomy: Taxonomy, personFields: [String], limits: IncidentLimits = IncidentLimits()) {
        self.taxonomy = taxonomy
        self.limits = limits
        categories = NameTable(taxonomy.categories.map(\.name))
        commodities = NameTable(taxonomy.commodities.map(\.name))
        stations = NameTable(taxonomy.stations.map(\.name.description))
        self.personFields = Set(personFields.map(Self.folded))
    }

    /// Checks an event. The result views the parser's memory. An event that is refused for any reason and holds
    /// personal data besides is refused for that, so that nobody keeps it whole.
    public func check(_ tape: EventTape, station policy: StationPolicy) throws(Refusal) -> Incident {
        do throws(Refusal) { return try checkFields(tape, station: policy) } catch {
            throw personalFirst(error, tape)
        }
    }

    private func checkFields(_ tape: EventTape, station policy: StationPolicy) throws(Refusal) -> Incident {
        let nodes = tape.nodes
        guard let root = nodes.first, root.isObject else {
            throw Refusal(field: nil, reason: "must be a JSON object; write one event a line")
        }
        var draft = EventDraft()
        var at = 1
        while at < Int(root.next) {
            let node = nodes[at]
            guard let index = fields.index(of: node.keyText) else { throw unknown(node.keyText, in: nil, tape: tape) }
            let field = fieldList[index]
            guard draft.seen & (1 << UInt64(index)) == 0 else { throw duplicate(field.rawValue) }
            draft.seen |= 1 << UInt64(index)
            try take(field, at: at, tape: tape, policy: policy, into: &draft)
            at = Int(node.next)
        }
        return try draft.finished()
    }

    private func take(
        _ field: EventField,
        at: Int,
        tape: EventTape,
        policy: StationPolicy,
        into draft: inout EventDraft
    ) throws(Refusal) {
        let node = tape.nodes[at]
        switch field {
        case .occurredAt: draft.occurredAt = try time(node, field.rawValue)
        case .station: draft.station = try station(node, policy)
        case .category: draft.category = try category(node, field.rawValue)
        case .id: draft.rest.id = try identifier(node, field.rawValue)
        case .timePrecision:
            draft.rest.timePrecision = precisionList[try word(node, field.rawValue, precisions)]
        case .timeBasis: draft.rest.timeBasis = basisList[try word(node, field.rawValue, bases)]
        case .status: draft.rest.status = statusList[try word(node, field.rawValue, statuses)]
        case .severity: draft.rest.severity = severityList[try word(node, field.rawValue, severities)]
        case .direction: draft.rest.direction = directionList[try word(node, field.rawValue, directions)]
        case .mode: draft.rest.mode = modeList[try word(node, field.rawValue, modes)]
        case .source: draft.rest.source = try text(node, field.rawValue, limits.textBytes)
        case .narrative: draft.rest.narrative = try text(node, field.rawValue, limits.narrativeBytes)
        case .offences: try offences(at, tape, &draft.rest)
        case .location: try location(at, tape, &draft.rest)
        case .persons: try persons(at, tape, &draft.rest)
        case .commodities: try commodities(at, tape, &draft.rest)
        case .related: try related(at, tape)
        case .handling: try handling(at, tape, &draft.rest)
        case .traceparent: try traceparent(node)
        case .extra:
            guard node.isObject else { throw Refusal(field: "extra", reason: "must be an object") }
            try checkFree(at, tape)
        case .ingest, .crossBorder, .release:
            throw Refusal(
                field: field.rawValue,
                reason: "is set by the pipeline; leave the field \(field.rawValue) out and send the event again"
            )
        }
    }

    /// A name as person fields are compared: lower case, without what parts words.
    static func folded(_ name: String) -> String {
        String(decoding: name.lowercased().utf8.filter { ![95, 45, 46, 32].contains($0) }, as: UTF8.self)
    }
}

/// The top-level fields; at most 64, a bit each.
enum EventField: String, CaseIterable {
    case id
    case occurredAt = "occurred_at"
    case timePrecision = "time_precision"
    case timeBasis = "time_basis"
    case status, station, source, category, offences, severity, location, direction, mode, persons, commodities
    case narrative, related, handling, traceparent, extra, ingest
    case crossBorder = "cross_border"
    case release
}

extension Incident {
    /// The names that an event's top level may have, those that the pipeline sets among them.
    public static let fieldNames = EventField.allCases.map(\.rawValue)
}

/// An event while its fields are read.
struct EventDraft {
    var seen: UInt64 = 0
    var occurredAt: Timestamp.Written?
    var station: Text?
    var category: Category?
    var rest = Incident(
        occurredAt: Timestamp.Written(timestamp: Timestamp(microseconds: 0), offsetMinutes: 0),
        station: Text(start: nil, count: 0),
        category: Category(index: 0)
    )

    /// The event when nothing required is missing.
    func finished() throws(Refusal) -> Incident {
        guard let occurredAt else { throw missing("occurred_at", "say when it happened, with an offset") }
        guard let station else { throw missing("station", "name the station") }
        guard let category else { throw missing("category", "name what it was; other when nothing fits") }
        var incident = rest
        incident.occurredAt = occurredAt
        incident.station = station
        incident.category = category
        return incident
    }

    private func missing(_ field: String, _ advice: String) -> Refusal {
        Refusal(field: field, reason: "is missing; \(advice)")
    }
}
