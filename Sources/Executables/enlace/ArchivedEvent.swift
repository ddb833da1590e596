import Bytes
import EventJSON
import Incident
import Relevance

/// An archived line taken apart: the event as it came, and the stamp it was given.
struct ArchivedEvent {
    /// The bytes before the pipeline's objects, closed again.
    let event: [UInt8]
    /// What the pipeline added about its way in.
    let stamp: IngestStamp

    /// Nil when the line was not enriched.
    init?(_ line: UnsafeRawBufferPointer) {
        guard let value = try? JSONValue.parse(line), let ingest = value["ingest"],
            let producer = ingest["producer"]?.string.flatMap({ Identifier128($0) }),
            let epoch = ingest["epoch"]?.string.flatMap({ UInt64($0, radix: 16) }),
            let sequence = ingest["seq"]?.unsigned, let written = ingest["received_at"]?.string,
            let start = TopLevelReader.value(of: "ingest", in: line)?.baseAddress, let base = line.baseAddress
        else { return nil }
        let time = Array(written.utf8)
        guard let receivedAt = time.withUnsafeBytes({ try? Timestamp.parse(Text($0)) })?.timestamp else { return nil }
        stamp = IngestStamp(producer: producer, epoch: epoch, sequence: sequence, receivedAt: receivedAt)
        var end = base.distance(to: start) - ",\"ingest\":".utf8.count
        // The pipeline's own id stands right before, and is the last member named so.
        let added = Array(",\"id\":\"\(stamp.identifier)\"".utf8)
        if end >= added.count, line[(end - added.count)..<end].elementsEqual(added) { end -= added.count }
        guard end > 0 else { return nil }
        event = Array(line[..<end]) + [UInt8(ascii: "}")]
    }
}
