import Bytes
import Incident

/// How far enrichment goes, for who measures its steps one by one.
package enum EnrichmentStep: String, CaseIterable, Sendable {
    /// Where it happened, by coordinates or by words.
    case place
    /// What the words tell.
    case text
    /// The decision table, and what follows from it.
    case rules
    /// The event with its tags.
    case splice
}

extension Enrichment {
    /// Does the work up to and with a step, and nothing beyond.
    package func run(
        through step: EnrichmentStep,
        incident: Incident,
        event: UnsafeRawBufferPointer,
        into writer: inout ByteWriter
    ) {
        guard step != .splice else { return enrich(incident: incident, event: event, ingest: nil, into: &writer) }
        var assessment = Assessment()
        locate(incident, &assessment)
        guard step != .place else { return }
        var draft = draft(incident, assessment)
        gatherFields(incident, assessment, &draft)
        gatherWords(incident, assessment, &draft)
        guard step != .text else { return }
        decide(draft, incident, &assessment)
        conclude(draft, incident, &assessment)
    }
}
