import Bytes

/// The fixed head of a batch, the unit on the wire and on disk. `docs/wire.md` has the layout.
public struct BatchHeader: Hashable, Sendable {
    /// What a batch is, besides its events.
    public struct Flags: OptionSet, Hashable, Sendable {
        /// The bits as written.
        public let rawValue: UInt8
        /// Takes the bits as written.
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// The events carry `ingest`, `cross_border` and `release`.
        public static let enriched = Flags(rawValue: 1)
        /// The one event could not be enriched and is archived as it came.
        public static let unenriched = Flags(rawValue: 2)
    }

    /// "ENLB" as the bytes stand in memory.
    public static let magic: UInt32 = 0x424C_4E45
    /// The layout's version.
    public static let version: UInt8 = 1
    /// Bytes before the payload.
    public static let encodedBytes = 96

    /// What the batch is.
    public var flags: Flags
    /// The station of every event in it.
    public var station: StationName
    /// The producer that accepted it.
    public var producer: Identifier128
    /// The producer's epoch when it accepted it.
    public var epoch: UInt64
    /// The sequence of its first event; the others follow without a gap.
    public var firstSequence: UInt64
    /// How many events.
    public var count: UInt32
    /// Bytes of the events, line feeds included.
    public var payloadBytes: UInt32
    /// When the producer took it.
    public var receivedAt: Timestamp
    /// CRC-32C of the payload.
    public var payloadChecksum: UInt32

    /// Joins the fields.
    public init(
        flags: Flags,
        station: StationName,
        producer: Identifier128,
        epoch: UInt64,
        firstSequence: UInt64,
        count: UInt32,
        payloadBytes: UInt32,
        receivedAt: Timestamp,
        payloadChecksum: UInt32
    ) {
        self.flags = flags
        self.station = station
        self.producer = producer
        self.epoch = epoch
        self.firstSequence = firstSequence
        self.count = count
        self.payloadBytes = payloadBytes
        self.receivedAt = receivedAt
        self.payloadChecksum = payloadChecksum
    }

    /// The sequence of its last event.
    public var lastSequence: UInt64 { firstSequence + UInt64(count) - 1 }

    /// Why bytes are not a batch.
    public enum DecodeError: String, Error, Sendable {
        case short = "shorter than a batch header"
        case magic = "not a batch: the first four bytes are not ENLB"
        case version = "a batch of another version of the protocol"
        case headerChecksum = "the batch header's checksum does not match"
        case station = "the batch's station is not a station name"
        case empty = "a batch without events"
        case range = "the batch's sequences, sizes or time are out of range"
        case length = "the batch's length is not what its header says"
        case payloadChecksum = "the batch's payload does not match its checksum"
        case lines = "the batch does not have as many lines as its header says"
    }

    /// Whether the payload has as many lines as the header says.
    public func lineCountMatches(_ payload: UnsafeRawBufferPointer) -> Bool {
        var lines: UInt32 = 0
        for byte in payload where byte == 0x0A { lines &+= 1 }
        return lines == count
    }

    /// Reads the header at the front of `bytes` and checks all but the payload.
    public static func decode(_ bytes: UnsafeRawBufferPointer, checksum: CRC32C) throws(DecodeError) -> BatchHeader {
        guard bytes.count >= encodedBytes else { throw .short }
        func load<Value: FixedWidthInteger>(_ offset: Int, as type: Value.Type) -> Value {
            Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
        }
        guard load(0, as: UInt32.self) == magic else { throw .magic }
        guard bytes[4] == version, load(6, as: UInt16.self) == UInt16(encodedBytes) else { throw .version }
        guard checksum.checksum(of: UnsafeRawBufferPointer(rebasing: bytes[0..<92])) == load(92, as: UInt32.self)
        else { throw .headerChecksum }
        let slug = bytes[8..<40]
        let length = slug.firstIndex(of: 0).map { $0 - 8 } ?? 32
        guard let station = StationName(String(decoding: slug.prefix(length), as: UTF8.self)) else { throw .station }
        let header = BatchHeader(
            flags: Flags(rawValue: bytes[5]),
            station: station,
            producer: Identifier128(
                high: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 40, as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 48, as: UInt64.self))
            ),
            epoch: load(56, as: UInt64.self),
            firstSequence: load(64, as: UInt64.self),
            count: load(72, as: UInt32.self),
            payloadBytes: load(76, as: UInt32.self),
            receivedAt: Timestamp(microseconds: load(80, as: Int64.self)),
            payloadChecksum: load(88, as: UInt32.self)
        )
        guard header.count > 0 else { throw .empty }
        guard header.firstSequence > 0, header.firstSequence <= UInt64(Int64.max), header.count <= Limits.batchEvents,
            header.lastSequence < UInt64(Int64.max),
            header.payloadBytes <= Limits.enrichedPayloadBytes, header.payloadBytes >= header.count,
            Timestamp.writable.contains(header.receivedAt)
        else { throw .range }
        return header
    }

    /// Reads a whole batch: the header and its payload, and checks both. The payload is a view into `bytes`.
    public static func decodeBatch(
        _ bytes: UnsafeRawBufferPointer,
        checksum: CRC32C
    ) throws(DecodeError) -> (header: BatchHeader, payload: UnsafeRawBufferPointer) {
        let header = try decode(bytes, checksum: checksum)
        guard bytes.count == encodedBytes + Int(header.payloadBytes) else { throw .length }
        let payload = UnsafeRawBufferPointer(rebasing: bytes[encodedBytes...])
        guard checksum.checksum(of: payload) == header.payloadChecksum, payload.last == 0x0A else {
            throw .payloadChecksum
        }
        return (header, payload)
    }

    /// Appends the 96 bytes of this header.
    public func encode(into writer: inout ByteWriter, checksum: CRC32C) {
        let start = writer.count
        writer.append(littleEndian: Self.magic)
        writer.append(Self.version)
        writer.append(flags.rawValue)
        writer.append(littleEndian: UInt16(Self.encodedBytes))
        writer.append(string: station.description)
        for _ in station.description.utf8.count..<StationName.maximumLength { writer.append(0) }
        writer.append(littleEndian: producer.high.byteSwapped)
        writer.append(littleEndian: producer.low.byteSwapped)
        writer.append(littleEndian: epoch)
        writer.append(littleEndian: firstSequence)
        writer.append(littleEndian: count)
        writer.append(littleEndian: payloadBytes)
        writer.append(littleEndian: receivedAt.microseconds)
        writer.append(littleEndian: payloadChecksum)
        let body = UnsafeRawBufferPointer(rebasing: writer.bytes[start...])
        writer.append(littleEndian: checksum.checksum(of: body))
    }
}
