import Bytes
import CLMDB
import Glibc
import Wire

/// What an outbox holds, at one moment.
public struct OutboxFacts: Hashable, Sendable {
    /// The epochs that it remembers, oldest first.
    public var epochs: [EpochStart]
    /// The sequence that the next event gets.
    public var nextSequence: UInt64
    /// The oldest sequence that is kept, or the next one when nothing is.
    public var oldest: UInt64
    /// What the archive has.
    public var committed: OutboxCommitted
    /// What waits, by its own count.
    public var backlog: OutboxBacklog
}

/// A batch that waits in an outbox.
public struct OutboxBatch: Hashable, Sendable {
    /// The epoch that accepted it.
    public var epoch: UInt64
    /// Its sequences.
    public var sequences: ClosedRange<UInt64>
    /// When the producer took it.
    public var receivedAt: Timestamp
}

/// Looks into an outbox, also beside the producer that writes it. Changes nothing.
///
/// LMDB forgets its locks when a process opens an environment twice: never use this in a process that has the outbox
/// open. Belongs to one thread; every call is a short transaction, because a reader that stays keeps pages from being
/// used again.
public final class OutboxInspection {
    /// The station whose events it holds.
    public let station: StationName
    /// The producer's name among those of the station.
    public let name: String
    /// The producer's id.
    public let producer: Identifier128
    /// Where it lies.
    public let directory: String

    private let environment: Environment
    private let crc: CRC32C

    /// Opens an outbox for reading; nil when there is none, or one that its producer is only just making.
    public init?(directory: String, crc: CRC32C) throws(OutboxError) {
        guard access(directory + "/data.mdb", F_OK) == 0 else { return nil }
        if let kind = enlace_network_filesystem(directory) {
            throw .unsupported(path: directory, what: "the network filesystem " + String(cString: kind))
        }
        try EnvironmentCheck.run(directory)
        let environment = try Environment(inspecting: directory)
        guard environment.databases.meta != 0, environment.databases.batches != 0 else { return nil }
        let identity = try environment.read { transaction throws(OutboxError) -> OutboxIdentity? in
            guard let stored = try transaction.get(environment.databases.meta, Keys.identity) else { return nil }
            guard let identity = OutboxIdentity(stored, crc: crc) else {
                throw .damaged(path: directory, what: "its identity cannot be read")
            }
            return identity
        }
        guard let identity else { return nil }
        guard let station = StationName(identity.station) else {
            throw .damaged(path: directory, what: "its identity cannot be read")
        }
        self.environment = environment
        self.crc = crc
        self.directory = directory
        self.station = station
        name = identity.name
        producer = identity.producer
    }

    /// What it says about itself.
    public func facts() throws(OutboxError) -> OutboxFacts {
        try environment.read { transaction throws(OutboxError) in
            let meta = environment.databases.meta
            guard let stored = try transaction.get(meta, Keys.state), let state = OutboxState(stored, crc: crc) else {
                throw .damaged(path: directory, what: "its state cannot be read")
            }
            var epochs: [StoredEpoch] = []
            if let list = try transaction.get(meta, Keys.epochs) {
                guard let known = StoredEpoch.decoded(list, crc: crc) else {
                    throw .damaged(path: directory, what: "its list of epochs cannot be read")
                }
                epochs = known
            }
            return OutboxFacts(
                epochs: epochs.map { EpochStart(epoch: $0.epoch, firstSequence: $0.firstSequence) },
                nextSequence: state.nextSequence,
                oldest: state.oldest,
                committed: state.committed,
                backlog: OutboxBacklog(events: Int(clamping: state.events), bytes: Int(clamping: state.bytes))
            )
        }
    }

    /// Up to `limit` batches whose first sequence is not below `sequence`, in their order. `body` also gets the events,
    /// which it must not keep.
    ///
    /// - Returns: Where to go on; nil when there are no more.
    public func batches(
        from sequence: UInt64,
        limit: Int,
        _ body: (OutboxBatch, UnsafeRawBufferPointer) throws(OutboxError) -> Void
    ) throws(OutboxError) -> UInt64? {
        try environment.read { transaction throws(OutboxError) -> UInt64? in
            try transaction.withCursor(environment.databases.batches) { cursor throws(OutboxError) -> UInt64? in
                var entry = try cursor.seek(orderedKey(sequence))
                var count = 0
                while let found = entry {
                    guard let first = orderedNumber(found.key),
                        let header = try? BatchHeader.decode(found.value, checksum: crc), header.firstSequence == first
                    else { throw .damaged(path: directory, what: "the header of a batch cannot be read") }
                    if count == limit { return first }
                    count += 1
                    let batch = OutboxBatch(
                        epoch: header.epoch,
                        sequences: first...header.lastSequence,
                        receivedAt: header.receivedAt
                    )
                    try body(batch, UnsafeRawBufferPointer(rebasing: found.value[BatchHeader.encodedBytes...]))
                    entry = try cursor.move(MDB_NEXT)
                }
                return nil
            }
        }
    }
}
