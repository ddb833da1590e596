import Bytes
import Glibc
import Incident
import Platform
import Wire

/// Batches made of a batch: parts of it, and its one event as a dead letter.
package enum BatchSlices {
    /// A batch, header and payload.
    package struct Slice {
        package var header: BatchHeader
        package var bytes: [UInt8]
    }

    /// The parts of so many events each; none when the batch does not have as many events as it says.
    package static func cut(_ batch: UnsafeRawBufferPointer, _ counts: [UInt64]) -> [Slice] {
        guard let header = try? BatchHeader.decode(batch, checksum: .hardware), let base = batch.baseAddress else {
            return []
        }
        var slices: [Slice] = []
        var start = BatchHeader.encodedBytes
        var sequence = header.firstSequence
        for count in counts {
            var end = start
            for _ in 0..<count {
                guard end < batch.count, let feed = memchr(base + end, 0x0A, batch.count - end) else { return [] }
                end = base.distance(to: UnsafeRawPointer(feed)) + 1
            }
            var part = header
            part.firstSequence = sequence
            part.count = UInt32(count)
            slices.append(slice(part, UnsafeRawBufferPointer(rebasing: batch[start..<end])))
            sequence += count
            start = end
        }
        return slices
    }

    /// The batch's one event as it goes to the archive without tags; nil when it has several.
    package static func unenriched(_ batch: UnsafeRawBufferPointer, reason: String) -> [UInt8]? {
        guard var header = try? BatchHeader.decode(batch, checksum: .hardware), header.count == 1 else { return nil }
        let stamp = IngestStamp(
            producer: header.producer,
            epoch: header.epoch,
            sequence: header.firstSequence,
            receivedAt: header.receivedAt
        )
        var line = ByteWriter(capacity: batch.count + 512)
        let event = UnsafeRawBufferPointer(rebasing: batch[BatchHeader.encodedBytes..<batch.count - 1])
        line.append(unenriched: event, ingest: stamp, reason: reason)
        line.append(0x0A)
        header.flags = [.enriched, .unenriched]
        return slice(header, line.bytes).bytes
    }

    private static func slice(_ header: BatchHeader, _ payload: UnsafeRawBufferPointer) -> Slice {
        var header = header
        header.payloadBytes = UInt32(payload.count)
        header.payloadChecksum = CRC32C.hardware.checksum(of: payload)
        var writer = ByteWriter(capacity: BatchHeader.encodedBytes + payload.count)
        header.encode(into: &writer, checksum: .hardware)
        writer.append(payload)
        return Slice(header: header, bytes: writer.array)
    }
}
