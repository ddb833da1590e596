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
    /// Two for each town: named, and near it.
    var townFixes: [BorderFix?]

    /// Prepares to enrich.
    public init(reference: Reference) {
        self.reference = reference
        encoded = EncodedReference(reference)
        townFixes = Array(repeating: nil, count: reference.gazetteer.towns.count * 2)
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
        append(assessment, to: &writer)
        appendRelease(assessment, incident, to: &writer)
        writer.append("}")
    }

    /// Finds out about an incident without writing it.
    public func assess(incident: Incident) -> Assessment {
        var assessment = Assessment()
        locate(incident, &assessment)
        var draft = Draft(
            incident: incident,
            assessment: assessment,
            stationCountry: assessment.stations.0.map { reference.taxonomy.stations[$0].country }
        )
        gatherFields(incident, assessment, &draft)
        gatherWords(incident, assessment, &draft)
        decide(draft, incident, &assessment)
        conclude(draft, incident, &assessment)
        return assessment
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

        init(incident: Incident, assessment: Assessment, stationCountry: String?) {
            mode = incident.mode
            here = assessment.side == .ambiguous ? assessment.fix?.geometricSide ?? .other : assessment.side
            if here == .other, assessment.position == nil, let country = stationCountry {
                // Nobody says where: words are read as the reporting station would read them.
                here = country == "US" ? .us : .mx
            }
        }

        mutating func insert(_ fact: FieldFact) {
            asserted.insert(EncodedReference.index(of: fact))
        }

        /// Bits: 1 into the United States, 2 into Mexico.
        mutating func move(_ toward: Toward) {
            switch toward {
            case .us: explicitFlow |= 1
            case .mx: explicitFlow |= 2
            case .both: explicitFlow |= 3
            case .here where here == .us, .other where here == .mx: inferredFlow |= 1
            case .here where here == .mx, .other where here == .us: inferredFlow |= 2
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
    named == .us && side == .us || named == .mx && side == .mx
}
