import Bytes
import EventJSON
import Incident
import Relevance
import Wire

/// Reads and enriches events of batches. One a thread.
public final class EventEnrichment {
    private let reader: EventReader
    private let enrichment: Enrichment

    /// Makes one with memory of its own.
    public init(checker: IncidentChecker, reference: Reference) {
        reader = EventReader(checker: checker)
        enrichment = Enrichment(reference: reference)
    }

    /// Appends the enriched event, without a line feed. `isPadded` promises `EventReader.padding` readable bytes.
    public func enrich(
        _ event: UnsafeRawBufferPointer,
        isPadded: Bool,
        header: BatchHeader,
        sequence: UInt64,
        into writer: inout ByteWriter
    ) throws(Refusal) {
        let incident = try reader.read(event, isPadded: isPadded, station: .known)
        let stamp = IngestStamp(
            producer: header.producer,
            epoch: header.epoch,
            sequence: sequence,
            receivedAt: header.receivedAt
        )
        enrichment.enrich(incident: incident, event: event, ingest: stamp, into: &writer)
    }
}
