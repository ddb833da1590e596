import Bytes
import Glibc
import Incident
import Logging
import Platform
import Synchronization
import Wire
import ZeroMQ

/// Turns a raw batch into an enriched one: event by event, in one buffer that is used again.
struct BatchEnricher: ~Copyable {
    private let enrich: EnrichEvent
    private let recorder: FlightRecorder?
    private let counters: EnricherCounters
    private let log: Logger
    private var writer = ByteWriter(capacity: 1 << 20)

    /// Bytes behind an event that the parser may read.
    private static let padding = 64

    init(enrich: @escaping EnrichEvent, recorder: FlightRecorder?, counters: EnricherCounters, log: Logger) {
        self.enrich = enrich
        self.recorder = recorder
        self.counters = counters
        self.log = log
    }

    /// Enriches a whole batch whose header and checksum were verified.
    ///
    /// An event that is refused here was accepted under other reference data: it goes on as it came, with the reason,
    /// and no audience sees it, because nothing releases it. `recorder` is told of each event before it is touched.
    mutating func enrich(_ batch: UnsafeRawBufferPointer) -> Message {
        guard var header = try? BatchHeader.decode(batch, checksum: .hardware) else { return Message() }
        writer.removeAll()
        recorder?.begin(header)
        defer { recorder?.end() }
        // Room for the header, which is known at the end.
        for _ in 0..<BatchHeader.encodedBytes / 8 { writer.append(littleEndian: UInt64(0)) }
        let end = batch.count
        var start = BatchHeader.encodedBytes
        var sequence = header.firstSequence
        while start < end, let base = batch.baseAddress {
            guard let found = memchr(base + start, 0x0A, end - start) else { break }
            let stop = base.distance(to: UnsafeRawPointer(found))
            let event = UnsafeRawBufferPointer(rebasing: batch[start..<stop])
            let mark = writer.count
            recorder?.at(sequence)
            CrashPoint.hitEvent(event)
            do throws(Refusal) {
                try enrich(event, stop + Self.padding <= end, header, sequence, &writer)
            } catch {
                writer.truncate(to: mark)
                let stamp = IngestStamp(
                    producer: header.producer,
                    epoch: header.epoch,
                    sequence: sequence,
                    receivedAt: header.receivedAt
                )
                let field = error.field.map { "\($0): " } ?? ""
                writer.append(unenriched: event, ingest: stamp, reason: field + error.reason)
                counters.unenriched.add(1, ordering: .relaxed)
                log.error(
                    "an event goes on without tags",
                    metadata: [
                        "sequence": "\(sequence)", "field": "\(error.field ?? "-")", "reason": "\(error.reason)",
                    ]
                )
            }
            writer.append(0x0A)
            sequence += 1
            start = stop + 1
        }
        counters.events.add(UInt64(header.count), ordering: .relaxed)
        let payload = UnsafeRawBufferPointer(rebasing: writer.bytes[BatchHeader.encodedBytes...])
        header.flags.insert(.enriched)
        header.payloadBytes = UInt32(payload.count)
        header.payloadChecksum = CRC32C.hardware.checksum(of: payload)
        var head = ByteWriter(capacity: 128)
        header.encode(into: &head, checksum: .hardware)
        let bytes = writer.bytes
        return Message(count: bytes.count) { target in
            target.copyMemory(from: bytes)
            target.copyMemory(from: head.bytes)
        }
    }
}
