import Bytes
import Wire

/// One entry of a segment's index: a committed batch, or a fact about the sequence. `docs/archive.md` has the layout.
struct IndexRecord: Hashable, Sendable {
    enum Kind: UInt8, Sendable {
        /// A batch of a producer's main line.
        case batch = 1
        /// A batch of a fork.
        case fork = 2
        /// Sequences that this archive lost; no offsets, no bytes.
        case gap = 3
        /// Offsets whose lines were damaged and set aside; no bytes.
        case damaged = 4
    }

    static let encodedBytes = 96

    var kind: Kind
    var flags: UInt8
    /// The number of the producer's line: 0 is the main one, the others are forks.
    var line: UInt8 = 0
    /// For a fork the number of the line that it branches off.
    var parent: UInt8 = 0
    var generation: UInt32
    /// The offset of the first event; for a gap the offset that comes next.
    var offset: UInt64
    /// Where its bytes begin in the segment.
    var start: UInt64
    var count: UInt32
    var bytes: UInt32
    var producer: Identifier128
    var epoch: UInt64
    var firstSequence: UInt64
    /// For a gap the last missing one, which may be one less than the first.
    var lastSequence: UInt64
    var receivedAt: Timestamp
    /// The number of the commit that wrote it, rising within a segment; 0 where it is not known.
    var commit: UInt64 = 0
    var checksum: UInt32

    var nextOffset: UInt64 { offset &+ UInt64(count) }
    var end: UInt64 { start &+ UInt64(bytes) }

    func encode(into writer: inout ByteWriter, crc: CRC32C) {
        let begin = writer.count
        writer.append(kind.rawValue)
        writer.append(parent)
        writer.append(flags)
        writer.append(line)
        writer.append(littleEndian: generation)
        writer.append(littleEndian: offset)
        writer.append(littleEndian: start)
        writer.append(littleEndian: count)
        writer.append(littleEndian: bytes)
        writer.append(identifier: producer)
        writer.append(littleEndian: epoch)
        writer.append(littleEndian: firstSequence)
        writer.append(littleEndian: lastSequence)
        writer.append(littleEndian: receivedAt.microseconds)
        writer.append(littleEndian: commit)
        writer.append(littleEndian: checksum)
        let body = UnsafeRawBufferPointer(rebasing: writer.bytes[begin...])
        writer.append(littleEndian: crc.checksum(of: body))
    }

    /// Reads the record at the front of `bytes`; nothing when its checksum or a field is wrong.
    static func decode(_ bytes: UnsafeRawBufferPointer, crc: CRC32C) -> IndexRecord? {
        guard bytes.count >= encodedBytes else { return nil }
        func load<Value: FixedWidthInteger>(_ offset: Int, _ type: Value.Type) -> Value {
            Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
        }
        guard crc.checksum(of: UnsafeRawBufferPointer(rebasing: bytes[0..<92])) == load(92, UInt32.self),
            let kind = Kind(rawValue: bytes[0])
        else { return nil }
        let record = IndexRecord(
            kind: kind,
            flags: bytes[2],
            line: bytes[3],
            parent: bytes[1],
            generation: load(4, UInt32.self),
            offset: load(8, UInt64.self),
            start: load(16, UInt64.self),
            count: load(24, UInt32.self),
            bytes: load(28, UInt32.self),
            producer: Identifier128(
                high: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 32, as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 40, as: UInt64.self))
            ),
            epoch: load(48, UInt64.self),
            firstSequence: load(56, UInt64.self),
            lastSequence: load(64, UInt64.self),
            receivedAt: Timestamp(microseconds: load(72, Int64.self)),
            commit: load(80, UInt64.self),
            checksum: load(88, UInt32.self)
        )
        // Bounds that keep every later sum within range, whoever wrote the file.
        let top = UInt64(Int64.max)
        guard record.offset < top, record.start < top, record.firstSequence < top, record.lastSequence < top else {
            return nil
        }
        // A reader takes memory for the lines of a record: no more than a batch may hold.
        guard kind == .damaged || record.bytes <= Limits.enrichedPayloadBytes else { return nil }
        return record
    }
}
