import Bytes

/// What the pipeline itself adds about an event's way in.
public struct IngestStamp: Hashable, Sendable {
    /// The producer.
    public var producer: Identifier128
    /// The producer's epoch.
    public var epoch: UInt64
    /// The event's sequence number.
    public var sequence: UInt64
    /// When the producer took it.
    public var receivedAt: Timestamp

    /// Makes a stamp.
    public init(producer: Identifier128, epoch: UInt64, sequence: UInt64, receivedAt: Timestamp) {
        self.producer = producer
        self.epoch = epoch
        self.sequence = sequence
        self.receivedAt = receivedAt
    }

    /// The identifier of an event that brought none: a UUIDv7 that is the same at every redelivery.
    public var identifier: String {
        var writer = ByteWriter(capacity: 64)
        writer.append(identifierOf: self)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

extension ByteWriter {
    /// Appends the member `ingest`, with a comma in front. `unenriched` says why an event goes on without tags.
    public mutating func append(ingest stamp: IngestStamp, unenriched: String? = nil) {
        append(",\"ingest\":{\"producer\":\"")
        append(hex: stamp.producer.high)
        append(hex: stamp.producer.low)
        append("\",\"epoch\":\"")
        append(hex: stamp.epoch)
        append("\",\"seq\":")
        append(decimal: Int64(clamping: stamp.sequence))
        append(",\"received_at\":\"")
        append(timestamp: stamp.receivedAt)
        append("\"")
        if let unenriched {
            append(",\"unenriched\":")
            append(jsonString: unenriched)
        }
        append("}")
    }

    /// Appends an accepted event that could not be enriched, without a line feed: as it came, with `ingest` and the
    /// reason, and with nothing that would release it to anybody.
    public mutating func append(
        unenriched event: UnsafeRawBufferPointer,
        ingest stamp: IngestStamp,
        reason: String
    ) {
        guard let brace = event.lastIndex(of: UInt8(ascii: "}")) else { return append(event) }
        append(UnsafeRawBufferPointer(rebasing: event[..<brace]))
        append(ingest: stamp, unenriched: reason)
        append("}")
    }

    /// A UUIDv7 (RFC 9562) whose time is the receipt's and whose other bits are a hash of producer, epoch and
    /// sequence: the same at every redelivery.
    public mutating func append(identifierOf stamp: IngestStamp) {
        var state = stamp.producer.high
        for word in [stamp.producer.low, stamp.epoch, stamp.sequence] { state = mixed(state ^ word) }
        let first = mixed(state &+ 0x9E37_79B9_7F4A_7C15)
        let second = mixed(first &+ 0x9E37_79B9_7F4A_7C15)
        let milliseconds = UInt64(max(0, stamp.receivedAt.microseconds / 1000)) & 0xFFFF_FFFF_FFFF
        let high = milliseconds << 16 | 0x7000 | first & 0x0FFF
        let low = 0x8000_0000_0000_0000 | second & 0x3FFF_FFFF_FFFF_FFFF
        let start = count
        append(hex: high)
        append(hex: low)
        // 32 digits so far; spread them to 8-4-4-4-12, from the back.
        reserve(4)
        append("----")
        let digits = base.advanced(by: start)
        for (from, to, length) in [(20, 24, 12), (16, 19, 4), (12, 14, 4), (8, 9, 4)] {
            (digits + to).copyMemory(from: digits + from, byteCount: length)
            digits.storeBytes(of: UInt8(ascii: "-"), toByteOffset: to - 1, as: UInt8.self)
        }
    }
}

/// The finaliser of SplitMix64 (S. Vigna).
private func mixed(_ value: UInt64) -> UInt64 {
    var value = value
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
}
