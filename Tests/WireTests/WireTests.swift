import Bytes
import Testing
import Wire

@Suite struct WireTests {
    private let producer = Identifier128(high: 0x0102_0304_0506_0708, low: 0x090a_0b0c_0d0e_0f10)

    private func encoded(_ payload: [UInt8], count: UInt32 = 1) throws -> [UInt8] {
        let station = try #require(StationName("nogales"))
        let checksum = payload.withUnsafeBytes { CRC32C.portable.checksum(of: $0) }
        let header = BatchHeader(
            flags: .enriched,
            station: station,
            producer: producer,
            epoch: 0x1122_3344_5566_7788,
            firstSequence: 42,
            count: count,
            payloadBytes: UInt32(payload.count),
            receivedAt: Timestamp(microseconds: 1_000_000),
            payloadChecksum: checksum
        )
        var writer = ByteWriter()
        header.encode(into: &writer, checksum: .portable)
        writer.append(payload)
        return writer.array
    }

    private func decode(_ bytes: [UInt8]) -> Result<BatchHeader, BatchHeader.DecodeError> {
        bytes.withUnsafeBytes { raw in
            do throws(BatchHeader.DecodeError) {
                return .success(try BatchHeader.decodeBatch(raw, checksum: .portable).header)
            } catch { return .failure(error) }
        }
    }

    @Test func `the bounds hang together`() {
        #expect(Limits.relationsHold)
    }

    @Test func `a batch stands in memory as documented`() throws {
        let bytes = try encoded(Array("{}\n".utf8))
        #expect(bytes.count == 99)
        #expect(Array(bytes[0..<8]) == [0x45, 0x4e, 0x4c, 0x42, 1, 1, 96, 0])
        #expect(Array(bytes[8..<16]) == Array("nogales".utf8) + [0])
        #expect(Array(bytes[40..<56]) == (1...16).map { UInt8($0) })
        #expect(Array(bytes[56..<64]) == [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11])
        #expect(Array(bytes[64..<72]) == [42, 0, 0, 0, 0, 0, 0, 0])
        #expect(Array(bytes[72..<80]) == [1, 0, 0, 0, 3, 0, 0, 0])
        #expect(Array(bytes[80..<88]) == [0x40, 0x42, 0x0f, 0, 0, 0, 0, 0])
    }

    @Test func `the checksum is CRC-32C`() {
        // The check value of RFC 3720, appendix B.4, and the customary one for nine digits.
        #expect([UInt8](repeating: 0, count: 32).withUnsafeBytes { CRC32C.portable.checksum(of: $0) } == 0x8a91_36aa)
        #expect(Array("123456789".utf8).withUnsafeBytes { CRC32C.portable.checksum(of: $0) } == 0xe306_9283)
    }

    @Test func `a batch comes back as it went`() throws {
        let header = try decode(encoded(Array("{}\n{}\n".utf8), count: 2)).get()
        #expect(header.station.description == "nogales")
        #expect(header.producer == producer)
        #expect(header.lastSequence == 43)
        #expect(header.flags == .enriched)
        #expect(header.receivedAt == Timestamp(microseconds: 1_000_000))
    }

    @Test func `every flipped bit of a batch is noticed`() throws {
        let bytes = try encoded(Array("{\"a\":1}\n".utf8))
        for index in bytes.indices {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[index] ^= 1 << UInt8(bit)
                #expect(throws: BatchHeader.DecodeError.self) { try decode(damaged).get() }
            }
        }
    }

    @Test func `a cut or lengthened batch is refused`() throws {
        let bytes = try encoded(Array("{}\n".utf8))
        for count in bytes.indices {
            #expect(throws: BatchHeader.DecodeError.self) { try decode(Array(bytes[..<count])).get() }
        }
        #expect(throws: BatchHeader.DecodeError.length) { try decode(bytes + [0]).get() }
        #expect(throws: BatchHeader.DecodeError.magic) { try decode([UInt8](repeating: 0, count: 99)).get() }
    }

    @Test func `control messages come back as they went and no shorter form is taken`() throws {
        let station = try #require(StationName("douglas"))
        let hello = Hello(
            producer: producer,
            station: station,
            epochs: [EpochStart(epoch: 7, firstSequence: 1), EpochStart(epoch: 9, firstSequence: 5)],
            oldest: 3,
            next: 8,
            archive: .zero,
            committed: 2,
            generation: 4
        )
        let welcome = Welcome(
            producer: producer,
            epoch: 17,
            sink: producer,
            archive: producer,
            generation: 3,
            watermark: 2,
            windowBytes: 4096,
            refusal: "no"
        )
        let messages: [ControlMessage] = [
            .hello(hello), .welcome(welcome), .commit(producer: producer, epoch: 9, through: 7),
            .nack(producer: producer, epoch: 9, from: 8),
        ]
        for message in messages {
            var writer = ByteWriter()
            message.encode(into: &writer)
            #expect(try ControlMessage.decode(writer.bytes) == message)
            for count in 0..<writer.count {
                let cut = UnsafeRawBufferPointer(rebasing: writer.bytes[..<count])
                #expect(throws: FrameError.self) { try ControlMessage.decode(cut) }
            }
        }
    }

    @Test func `worker messages come back as they went and no shorter form is taken`() throws {
        let key = WorkerMessage.BatchKey(epoch: 3, firstSequence: 17)
        let messages: [WorkerMessage] = [
            .heartbeat(worker: producer, capacity: 4, held: [key, key], isAlone: false),
            .died(
                worker: producer,
                .init(dead: producer, producer: producer, batch: key, sequence: 9, cause: .signal(11))
            ),
            .done(worker: producer, batch: key),
            .goodbye(worker: producer),
        ]
        for message in messages {
            var writer = ByteWriter()
            message.encode(into: &writer)
            #expect(try WorkerMessage.decode(writer.bytes) == message)
            for count in 0..<writer.count {
                let cut = UnsafeRawBufferPointer(rebasing: writer.bytes[..<count])
                #expect(throws: FrameError.self) { try WorkerMessage.decode(cut) }
            }
        }
    }

    @Test func `a heartbeat names no more batches than may be`() throws {
        func decoded(_ count: Int) throws(FrameError) -> WorkerMessage {
            var writer = ByteWriter()
            let held = (0..<UInt64(count)).map { WorkerMessage.BatchKey(epoch: 1, firstSequence: $0 + 1) }
            WorkerMessage.heartbeat(worker: producer, capacity: 1, held: held, isAlone: true).encode(into: &writer)
            return try WorkerMessage.decode(writer.bytes)
        }
        #expect(throws: Never.self) { try decoded(Limits.heartbeatBatches) }
        #expect(throws: FrameError.short) { try decoded(Limits.heartbeatBatches + 1) }
    }

    @Test func `positions are read and written`() {
        #expect(ArchivePosition("puerto-penasco@12")?.description == "puerto-penasco@12")
        for text in ["nogales", "nogales@", "@1", "nogales@-1", "nogales@1x", "No@1", "nogales@99999999999999999999"] {
            #expect(ArchivePosition(text) == nil)
        }
    }
}
