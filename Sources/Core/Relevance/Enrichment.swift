import Border
import Bytes
import Incident

/// Tags incidents: a pure function of incident and reference data. One a thread, for the memory that it uses again.
public final class Enrichment {
    /// What it knows.
    public let reference: Reference
    var tokenizer = Tokenizer()
    var matches: [PhraseMatch] = []
    let encoded: EncodedReference
    var scanner = PlaceScanner()
    /// The reporting stations as places are compared with.
    let stationPlaces: [(side: Side, point: SpacePoint)]

    /// Prepares to enrich.
    public init(reference: Reference) {
        self.reference = reference
        encoded = EncodedReference(reference)
        stationPlaces = reference.taxonomy.stations.map {
            (reference.border.side(ofCountry: $0.country), Geodesic.spacePoint($0.position))
        }
        matches.reserveCapacity(Lexicon.matchLimit)
    }

    /// Appends the event with the objects that enrichment adds, before its closing brace; no line feed.
    ///
    /// `event` must be the checked bytes of `incident`, without white space behind them. Without `ingest` neither
    /// `ingest` nor a missing `id` is added: that is what `enlace enrich` prints.
    public func enrich(
        incident: Incident,
        event: UnsafeRawBufferPointer,
        ingest: IngestStamp?,
        into writer: inout ByteWriter
    ) {
        let assessment = assess(incident: incident)
        writer.append(UnsafeRawBufferPointer(rebasing: event[..<(event.count - 1)]))
        if let ingest {
            if incident.id == nil {
                writer.append(",\"id\":\"")
                writer.append(identifierOf: ingest)
                writer.append("\"")
            }
            writer.append(ingest: ingest)
        }
        append(assessment, incident, to: &writer)
        appendRelease(assessment, incident, to: &writer)
        writer.append("}")
    }

    /// Finds out about an incident without writing it.
    public func assess(incident: Incident) -> Assessment {
        var assessment = Assessment()
        locate(incident, &assessment)
        var draft = draft(incident, assessment)
        gatherFields(incident, assessment, &draft)
        gatherWords(incident, assessment, &draft)
        decide(draft, incident, &assessment)
        conclude(draft, incident, &assessment)
        return assessment
    }

    /// The facts, before any is gathered.
    func draft(_ incident: Incident, _ assessment: Assessment) -> Draft {
        Draft(
            incident: incident,
            assessment: assessment,
            stationSide: assessment.stations.0.map { stationPlaces[$0].side }
        )
    }

    /// What the words of the incident that was assessed last said, for people.
    public func findings(narrative: Text, side: Side) -> [WordFinding] {
        matches.map { match in
            let facts = reference.rules.wordFacts[Int(match.fact) - reference.rules.firstWordFact]
            let fate: WordFinding.Fate =
                match.isNegated
                ? .negated
                : facts.isRelative && isSame(match.named, side)
                    ? .sameSide : match.isHypothetical ? .supposed : .counted
            return WordFinding(
                fact: reference.rules.factNames[Int(match.fact)],
                span: scalars(narrative, 0, match.start)..<scalars(narrative, 0, match.end),
                fate: fate
            )
        }
    }

    /// Facts while they are gathered.
    struct Draft {
        var asserted = FactSet()
        var supposed = FactSet()
        var explicitFlow: UInt8 = 0
        var inferredFlow: UInt8 = 0
        var isDirectionStated = false
        var isMovementUnknown = false
        var isOffence = false
        var isMigration = false
        var contraband: UInt8 = 0
        var mode: Mode?
        /// The side against which words are read: where it happened, by geometry when the line is near.
        var here: Side

        init(incident: Incident, assessment: Assessment, stationSide: Side?) {
            mode = incident.mode
            here = assessment.side == .ambiguous ? assessment.fix?.geometricSide ?? .other : assessment.side
            if here == .other, assessment.position == nil, let stationSide {
                // Nobody says where: words are read as the reporting station would read them.
                here = stationSide
            }
        }

        mutating func insert(_ fact: FieldFact) {
            asserted.insert(EncodedReference.index(of: fact))
        }

        /// Bits: 1 into the country on the left of the line, 2 into the one on its right.
        mutating func move(_ toward: Toward) {
            switch toward {
            case .left: explicitFlow |= 1
            case .right: explicitFlow |= 2
            case .both: explicitFlow |= 3
            case .here where here == .left, .other where here == .right: inferredFlow |= 1
            case .here where here == .right, .other where here == .left: inferredFlow |= 2
            case .none, .here, .other: isMovementUnknown = true
            }
        }
    }
}

/// Unicode scalars of `text` from byte `from` to byte `to`.
func scalars(_ text: Text, _ from: Int32, _ to: Int32) -> Int {
    var count = 0
    var at = Int(from)
    let end = min(Int(to), text.count)
    while at < end {
        if text.bytes[at] & 0xC0 != 0x80 { count &+= 1 }
        at &+= 1
    }
    return count
}

/// Whether a country that words name is the side itself.
@inline(__always)
func isSame(_ named: Toward, _ side: Side) -> Bool {
    named == .left && side == .left || named == .right && side == .right
}
