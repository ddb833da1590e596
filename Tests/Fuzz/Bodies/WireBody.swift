import Bytes
import Platform
import ProducerStage
import Wire

enum WireBody {
    static func run(_ input: UnsafeRawBufferPointer) throws {
        if let message = try? WorkerMessage.decode(input) {
            var writer = ByteWriter()
            message.encode(into: &writer)
            try expect((try? WorkerMessage.decode(writer.bytes)) == message, "a worker's message changes: \(message)")
            try expect(writer.count <= input.count, "a worker's message grows: \(message)")
        }
        if let message = try? ControlMessage.decode(input) {
            var writer = ByteWriter()
            message.encode(into: &writer)
            try expect((try? ControlMessage.decode(writer.bytes)) == message, "a control message changes: \(message)")
            try expect(writer.count <= input.count, "a control message grows: \(message)")
        }
        let isAppend = BatchFrame.decodeAppend(input) != nil
        let kinds = [isAppend, BatchFrame.isDispatch(input), BatchFrame.isDeadLetter(input)]
        try expect(kinds.count { $0 } <= 1, "a frame of two kinds")
        let text = String(decoding: input, as: UTF8.self)
        if let position = ArchivePosition(text) {
            try expect(ArchivePosition(position.description) == position, "a position changes: \(position)")
        }
        if let identifier = Identifier128(text) {
            try expect(identifier.description == text.lowercased(), "\(text) is read as \(identifier)")
        }
        if let station = StationName(text) {
            try expect(station.description == text && !text.contains("/"), "a station's name changes: \(text)")
        }
    }
}

enum BatchBody {
    static func run(_ input: UnsafeRawBufferPointer) throws {
        try check(input)
        guard input.count >= BatchHeader.encodedBytes else { return }
        // The same with lengths and checksums that fit: behind them nothing else would ever be reached.
        var repaired = Array(input)
        try repaired.withUnsafeMutableBytes { raw in
            let payload = UnsafeRawBufferPointer(rebasing: raw[BatchHeader.encodedBytes...])
            raw.storeBytes(of: BatchHeader.magic.littleEndian, as: UInt32.self)
            raw[4] = BatchHeader.version
            raw.storeBytes(of: UInt16(BatchHeader.encodedBytes).littleEndian, toByteOffset: 6, as: UInt16.self)
            raw.storeBytes(of: UInt32(payload.count).littleEndian, toByteOffset: 76, as: UInt32.self)
            let checksum = CRC32C.hardware.checksum(of: payload)
            raw.storeBytes(of: checksum.littleEndian, toByteOffset: 88, as: UInt32.self)
            let head = CRC32C.hardware.checksum(of: UnsafeRawBufferPointer(rebasing: raw[..<92]))
            raw.storeBytes(of: head.littleEndian, toByteOffset: 92, as: UInt32.self)
            try check(UnsafeRawBufferPointer(raw))
        }
    }

    private static func check(_ bytes: UnsafeRawBufferPointer) throws {
        guard let header = try? BatchHeader.decode(bytes, checksum: .hardware) else { return }
        try expect(header.lastSequence >= header.firstSequence, "sequences run over")
        var writer = ByteWriter()
        header.encode(into: &writer, checksum: .hardware)
        try expect(writer.count == BatchHeader.encodedBytes, "a header of \(writer.count) bytes")
        let again = try? BatchHeader.decode(writer.bytes, checksum: .hardware)
        try expect(again == header, "a header changes: \(header)")
        try expect(Timestamp.writable.contains(header.receivedAt), "received at \(header.receivedAt.microseconds)")
        guard let (_, payload) = try? BatchHeader.decodeBatch(bytes, checksum: .hardware) else { return }
        try expect(payload.count == Int(header.payloadBytes) && payload.last == 10, "a payload that does not fit")
        let lines = payload.count { $0 == 10 }
        try expect(header.lineCountMatches(payload) == (lines == Int(header.count)), "lines are counted wrongly")
        guard lines == Int(header.count) else { return }
        try checkParts(bytes, header, payload)
    }

    /// A batch cut in halves is the same events with the same sequences.
    private static func checkParts(
        _ bytes: UnsafeRawBufferPointer,
        _ header: BatchHeader,
        _ payload: UnsafeRawBufferPointer
    ) throws {
        let half = UInt64(header.count / 2)
        let counts = half == 0 ? [1] : [half, UInt64(header.count) - half]
        var joined: [UInt8] = []
        var next = header.firstSequence
        let parts = BatchSlices.cut(bytes, counts)
        try expect(parts.count == counts.count, "\(parts.count) parts instead of \(counts.count)")
        for part in parts {
            try part.bytes.withUnsafeBytes { raw in
                let decoded = try BatchHeader.decodeBatch(raw, checksum: .hardware)
                try expect(decoded.header == part.header, "a part's header is not the one that it says")
                try expect(decoded.header.firstSequence == next, "a part begins at the wrong sequence")
                try expect(decoded.header.lineCountMatches(decoded.payload), "a part has other lines than it says")
                next = decoded.header.lastSequence + 1
                joined.append(contentsOf: decoded.payload)
            }
        }
        try expect(joined.elementsEqual(payload), "the parts are not the whole")
        guard let single = BatchSlices.unenriched(bytes, reason: "a \"test\"") else {
            return try expect(header.count != 1, "no dead letter of a batch of one")
        }
        try single.withUnsafeBytes { raw in
            let decoded = try BatchHeader.decodeBatch(raw, checksum: .hardware)
            try expect(decoded.header.count == 1 && decoded.header.lineCountMatches(decoded.payload), "a dead letter")
        }
    }
}
