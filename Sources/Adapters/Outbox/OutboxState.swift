import Bytes
import Wire

/// The last sequence that the archive has committed, and which archive that was.
public struct OutboxCommitted: Hashable, Sendable {
    /// The last committed sequence, 0 before the first.
    public var sequence: UInt64
    /// The archive, `.zero` before the first commit.
    public var archive: Identifier128
    /// The archive's generation.
    public var generation: UInt32

    /// Joins the fields.
    public init(sequence: UInt64, archive: Identifier128, generation: UInt32) {
        self.sequence = sequence
        self.archive = archive
        self.generation = generation
    }
}

/// What waits in the outbox.
public struct OutboxBacklog: Hashable, Sendable {
    /// Events.
    public var events: Int
    /// Bytes of their batches, headers included.
    public var bytes: Int
}

/// What the outbox remembers of a gateway.
public struct GatewayState: Hashable, Sendable {
    /// The numbers of the requests whose answers are stored, ascending.
    public var answered: [UInt64]
    /// The lowest number that is not stale.
    public var lowest: UInt64
}

/// An event that was refused, waiting for its file.
public struct RejectRecord: Hashable, Sendable {
    /// Dense from 1 within the producer.
    public var number: UInt64
    /// When the producer took it.
    public var receivedAt: Timestamp
    /// The record, a JSON object.
    public var bytes: [UInt8]
}

/// Everything about the outbox that changes with nearly every commit: one small record.
struct OutboxState: Hashable, Sendable {
    var nextSequence: UInt64 = 1
    var oldest: UInt64 = 1
    var committed = OutboxCommitted(sequence: 0, archive: .zero, generation: 0)
    var events: UInt64 = 0
    var bytes: UInt64 = 0
    /// What the batches take of the cap, in bytes of the file.
    var charged: UInt64 = 0
    /// What answers, inputs and rejects take of the file.
    var otherBytes: UInt64 = 0
    var nextReject: UInt64 = 1
    var rejects: UInt64 = 0
    var gateways: UInt64 = 0

    /// The record as it is stored.
    func encoded(crc: CRC32C) -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        writer.append(littleEndian: nextSequence)
        writer.append(littleEndian: oldest)
        writer.append(littleEndian: committed.sequence)
        writer.append(identifier: committed.archive)
        writer.append(littleEndian: committed.generation)
        for number in [events, bytes, charged, otherBytes, nextReject, rejects, gateways] {
            writer.append(littleEndian: number)
        }
        return sealed(&writer, crc: crc)
    }

    init() {}

    /// Reads the record; nil when it is not one.
    init?(_ bytes: UnsafeRawBufferPointer, crc: CRC32C) {
        guard var reader = openSealed(bytes, crc: crc) else { return nil }
        do throws(ByteReader.Malformed) {
            nextSequence = try reader.read(UInt64.self)
            oldest = try reader.read(UInt64.self)
            committed = OutboxCommitted(
                sequence: try reader.read(UInt64.self),
                archive: try reader.readIdentifier(),
                generation: try reader.read(UInt32.self)
            )
            events = try reader.read(UInt64.self)
            self.bytes = try reader.read(UInt64.self)
            charged = try reader.read(UInt64.self)
            otherBytes = try reader.read(UInt64.self)
            nextReject = try reader.read(UInt64.self)
            rejects = try reader.read(UInt64.self)
            gateways = try reader.read(UInt64.self)
        } catch { return nil }
        guard oldest >= 1, oldest <= nextSequence, nextSequence <= UInt64(Int64.max) else { return nil }
    }
}

/// Who the outbox belongs to; written once.
struct OutboxIdentity: Hashable, Sendable {
    /// The layout of the whole outbox.
    static let format: UInt32 = 1

    var producer: Identifier128
    var station: String
    var name: String

    /// The record as it is stored.
    func encoded(crc: CRC32C) -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        writer.append(littleEndian: Self.format)
        writer.append(identifier: producer)
        writer.append(shortText: station)
        writer.append(shortText: name)
        return sealed(&writer, crc: crc)
    }

    init(producer: Identifier128, station: String, name: String) {
        self.producer = producer
        self.station = station
        self.name = name
    }

    /// Reads the record; nil when it is not one of this layout.
    init?(_ bytes: UnsafeRawBufferPointer, crc: CRC32C) {
        guard var reader = openSealed(bytes, crc: crc) else { return nil }
        do throws(ByteReader.Malformed) {
            guard try reader.read(UInt32.self) == Self.format else { return nil }
            producer = try reader.readIdentifier()
            station = try reader.readText()
            name = try reader.readText()
        } catch { return nil }
    }
}

/// An epoch as it is stored: with the one before it.
struct StoredEpoch: Hashable, Sendable {
    var epoch: UInt64
    var firstSequence: UInt64
    /// The epoch before it, 0 for the first.
    var predecessor: UInt64

    /// The list as it is stored.
    static func encoded(_ epochs: [StoredEpoch], crc: CRC32C) -> [UInt8] {
        var writer = ByteWriter(capacity: 24 * epochs.count + 4)
        for epoch in epochs {
            writer.append(littleEndian: epoch.epoch)
            writer.append(littleEndian: epoch.firstSequence)
            writer.append(littleEndian: epoch.predecessor)
        }
        return sealed(&writer, crc: crc)
    }

    /// Reads the list; nil when it is not one.
    static func decoded(_ bytes: UnsafeRawBufferPointer, crc: CRC32C) -> [StoredEpoch]? {
        guard var reader = openSealed(bytes, crc: crc) else { return nil }
        var epochs: [StoredEpoch] = []
        do throws(ByteReader.Malformed) {
            while reader.remaining > 0 {
                epochs.append(
                    StoredEpoch(
                        epoch: try reader.read(UInt64.self),
                        firstSequence: try reader.read(UInt64.self),
                        predecessor: try reader.read(UInt64.self)
                    )
                )
            }
        } catch { return nil }
        return epochs.isEmpty ? nil : epochs
    }
}

/// Appends a checksum over all that is written and returns the bytes.
private func sealed(_ writer: inout ByteWriter, crc: CRC32C) -> [UInt8] {
    let checksum = crc.checksum(of: writer.bytes)
    writer.append(littleEndian: checksum)
    return writer.array
}

/// A reader over what `sealed` was given, or nil when the checksum does not match.
private func openSealed(_ bytes: UnsafeRawBufferPointer, crc: CRC32C) -> ByteReader? {
    guard bytes.count >= 4 else { return nil }
    let body = UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - 4)])
    let stored = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: bytes.count - 4, as: UInt32.self))
    return crc.checksum(of: body) == stored ? ByteReader(body) : nil
}
