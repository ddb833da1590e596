import Bytes
import Incident
import Wire

/// Batches as they go to the sink.
enum Enriched {
    /// As an enricher leaves it: with `ingest`, which is what the checkers read.
    static func batch(_ batch: SimulatedBatch, _ crc: CRC32C) -> SimulatedBatch {
        var header = batch.header
        header.flags.insert(.enriched)
        return SimulatedBatch(header: header, payload: payload(batch, nil), crc: crc)
    }

    /// As a producer sends what no worker survives.
    static func deadLetter(_ batch: SimulatedBatch, _ reason: String, _ crc: CRC32C) -> SimulatedBatch {
        var header = batch.header
        header.flags = [.enriched, .unenriched]
        return SimulatedBatch(header: header, payload: payload(batch, reason), crc: crc)
    }

    private static func payload(_ batch: SimulatedBatch, _ reason: String?) -> [UInt8] {
        var writer = ByteWriter(capacity: 4 * batch.payload.count)
        for (index, line) in batch.lines.enumerated() {
            let stamp = IngestStamp(
                producer: batch.header.producer,
                epoch: batch.header.epoch,
                sequence: batch.header.firstSequence + UInt64(index),
                receivedAt: batch.header.receivedAt
            )
            line.dropLast().withUnsafeBytes { writer.append($0) }
            writer.append(ingest: stamp, unenriched: reason)
            writer.append("}\n")
        }
        return writer.array
    }
}
