import Bytes
import CLMDB
import CPlatform
import Glibc
import Synchronization
import Wire

/// What a producer has accepted and the archive has not yet committed: on disk, in order, in one LMDB environment.
///
/// Any thread may read. Writes follow each other; each of them is one durable commit.
public final class Outbox: Sendable {
    /// The station whose events it holds.
    public let station: StationName
    /// The producer's name among those of the station.
    public let name: String
    /// Where it lies.
    public let directory: String
    /// The producer's id, made with the outbox.
    public let producer: Identifier128
    /// The epoch of this opening.
    public let epoch: UInt64

    let environment: Environment
    let crc: CRC32C
    let reservePercent: Int
    private let lock: OutboxLock
    private let current: Mutex<Snapshot>

    /// What other threads see: the state as of the last commit.
    struct Snapshot: Sendable {
        var state: OutboxState
        var epochs: [StoredEpoch]
    }

    private init(_ parts: consuming Parts) {
        station = parts.station
        name = parts.name
        directory = parts.directory
        producer = parts.producer
        epoch = parts.snapshot.epochs.last?.epoch ?? 0
        environment = parts.environment
        crc = parts.crc
        reservePercent = parts.reservePercent
        lock = parts.lock
        current = Mutex(parts.snapshot)
    }

    private struct Parts {
        var station: StationName
        var name: String
        var directory: String
        var producer: Identifier128
        var snapshot: Snapshot
        var environment: Environment
        var crc: CRC32C
        var reservePercent: Int
        var lock: OutboxLock
    }

    /// Opens the outbox, or makes it, and begins a new epoch durably. Blocks on the disk.
    ///
    /// - Parameters:
    ///   - capBytes: The most bytes of events that wait for the archive.
    ///   - reservePercent: The share of the filesystem below which nothing is accepted any more.
    ///   - newIdentifier: Random bits for a new outbox.
    ///   - newEpoch: Random bits for this opening.
    public static func open(
        directory: String,
        station: StationName,
        name: String,
        capBytes: Int = Limits.outboxBytes,
        reservePercent: Int = Limits.filesystemReservePercent,
        now: Timestamp,
        newIdentifier: () -> Identifier128,
        newEpoch: () -> UInt64,
        crc: CRC32C
    ) throws(OutboxError) -> Outbox {
        try makeDirectories(directory)
        if let kind = enlace_network_filesystem(directory) {
            throw .unsupported(path: directory, what: "the network filesystem " + String(cString: kind))
        }
        let lock = try OutboxLock(directory)
        try EnvironmentCheck.run(directory)
        try makeFile(directory)
        // Twice the cap and a bit: freed pages lie scattered, and long batches need neighbours.
        let environment = try Environment(
            path: directory,
            mapBytes: 2 * capBytes + 512 * 1_048_576,
            capBytes: capBytes
        )
        try syncDirectory(directory)
        let identity = try environment.write { transaction throws(OutboxError) in
            try identify(transaction, environment, station, name, newIdentifier, crc)
        }
        enlace_crash_hit(.producerOutboxOpenBefore)
        let snapshot = try environment.write { transaction throws(OutboxError) in
            try beginEpoch(transaction, environment, newEpoch(), crc)
        }
        enlace_crash_hit(.producerOutboxOpenAfter)
        return Outbox(
            Parts(
                station: station,
                name: name,
                directory: directory,
                producer: identity.producer,
                snapshot: snapshot,
                environment: environment,
                crc: crc,
                reservePercent: reservePercent,
                lock: lock
            )
        )
    }

    private static func identify(
        _ transaction: Transaction,
        _ environment: Environment,
        _ station: StationName,
        _ name: String,
        _ newIdentifier: () -> Identifier128,
        _ crc: CRC32C
    ) throws(OutboxError) -> OutboxIdentity {
        let meta = environment.databases.meta
        if let stored = try transaction.get(meta, Keys.identity) {
            guard let identity = OutboxIdentity(stored, crc: crc) else {
                throw .damaged(path: environment.path, what: "its identity cannot be read")
            }
            guard identity.station == station.description, identity.name == name else {
                throw .otherStation(
                    path: environment.path,
                    found: "\(identity.station).\(identity.name)",
                    wanted: "\(station).\(name)"
                )
            }
            return identity
        }
        let identity = OutboxIdentity(producer: newIdentifier(), station: station.description, name: name)
        try transaction.put(meta, Keys.identity, identity.encoded(crc: crc))
        try transaction.put(meta, Keys.state, OutboxState().encoded(crc: crc))
        return identity
    }

    private static func beginEpoch(
        _ transaction: Transaction,
        _ environment: Environment,
        _ epoch: UInt64,
        _ crc: CRC32C
    ) throws(OutboxError) -> Snapshot {
        let meta = environment.databases.meta
        guard let stored = try transaction.get(meta, Keys.state), let state = OutboxState(stored, crc: crc) else {
            throw .damaged(path: environment.path, what: "its state cannot be read")
        }
        var epochs: [StoredEpoch] = []
        if let list = try transaction.get(meta, Keys.epochs) {
            guard let known = StoredEpoch.decoded(list, crc: crc) else {
                throw .damaged(path: environment.path, what: "its list of epochs cannot be read")
            }
            epochs = known
        }
        let predecessor = epochs.last?.epoch ?? 0
        // An epoch that accepted nothing says nothing.
        epochs.removeAll { $0.firstSequence >= state.nextSequence }
        // Those whose events are all archived are kept a while: by them the sink knows which line goes on.
        while epochs.count > kept, epochs[1].firstSequence <= state.oldest { epochs.removeFirst() }
        // With too many restarts behind a sink that is away, the last epoch goes on: nothing must become undeliverable.
        if epochs.count < Hello.maximumEpochs {
            epochs.append(StoredEpoch(epoch: epoch, firstSequence: state.nextSequence, predecessor: predecessor))
        }
        try transaction.put(meta, Keys.epochs, StoredEpoch.encoded(epochs, crc: crc))
        return Snapshot(state: state, epochs: epochs)
    }

    private static let kept = 32

    // MARK: - What it holds, as of the last commit; any thread

    /// The epochs that a hello lists, oldest first; the last is the current one.
    public var epochs: [EpochStart] {
        snapshot.epochs.map { EpochStart(epoch: $0.epoch, firstSequence: $0.firstSequence) }
    }

    /// The sequence that the next event gets.
    public var nextSequence: UInt64 { snapshot.state.nextSequence }

    /// The oldest sequence that is kept, or the next one when nothing is.
    public var oldest: UInt64 { snapshot.state.oldest }

    /// What the archive has.
    public var committed: OutboxCommitted { snapshot.state.committed }

    /// What waits.
    public var backlog: OutboxBacklog {
        let state = snapshot.state
        return OutboxBacklog(events: Int(clamping: state.events), bytes: Int(clamping: state.bytes))
    }

    /// How many refused events wait for their file.
    public var pendingRejects: Int { Int(clamping: snapshot.state.rejects) }

    /// How many gateways are remembered.
    public var gatewayCount: Int { Int(clamping: snapshot.state.gateways) }

    var snapshot: Snapshot { current.withLock { $0 } }

    // MARK: - Writing

    /// One durable commit of all that `body` does; when it throws, nothing of it has happened. Blocks on the disk.
    public func write<Result>(
        _ body: (inout OutboxWrite) throws(OutboxError) -> Result
    ) throws(OutboxError) -> Result {
        let before = snapshot.state
        var after = before
        let result = try environment.write { transaction throws(OutboxError) -> Result in
            var write = OutboxWrite(outbox: self, transaction: transaction, state: before)
            let result = try body(&write)
            after = write.state
            if after != before {
                try transaction.put(environment.databases.meta, Keys.state, after.encoded(crc: crc))
            }
            enlace_crash_hit(.producerOutboxCommitBefore)
            return result
        }
        enlace_crash_hit(.producerOutboxCommitAfter)
        current.withLock { $0.state = after }
        return result
    }

    // MARK: - Reading

    /// Appends the batch that holds `sequence`, or else the next one behind it, header and payload as they go over the
    /// wire; nil when there is none. Its checksums are verified, and that it is the one that was asked for.
    public func nextBatch(
        from sequence: UInt64,
        into writer: inout ByteWriter
    ) throws(OutboxError) -> BatchHeader? {
        let start = writer.count
        var kept: Range<UInt64> = 0..<0
        let hasFound = try environment.read { transaction throws(OutboxError) in
            // As of this transaction: another thread may just have trimmed.
            guard let stored = try transaction.get(environment.databases.meta, Keys.state),
                let state = OutboxState(stored, crc: crc)
            else { throw .damaged(path: directory, what: "its state cannot be read") }
            kept = state.oldest..<state.nextSequence
            return try transaction.withCursor(environment.databases.batches) { cursor throws(OutboxError) in
                guard let found = try Self.find(sequence, cursor) else { return false }
                writer.append(found)
                return true
            }
        }
        guard hasFound else {
            guard sequence >= kept.upperBound || kept.isEmpty else {
                throw .damaged(path: directory, what: "the batch at sequence \(sequence) is missing")
            }
            return nil
        }
        let bytes = UnsafeRawBufferPointer(rebasing: writer.bytes[start...])
        do throws(BatchHeader.DecodeError) {
            let header = try BatchHeader.decodeBatch(bytes, checksum: crc).header
            // Everything from the oldest to the next sequence is there, so a hole is damage and nothing to pass over.
            if header.firstSequence <= max(sequence, kept.lowerBound), header.lastSequence >= sequence { return header }
        } catch {
            writer.truncate(to: start)
            throw .damaged(path: directory, what: "the batch at sequence \(sequence): \(error.rawValue)")
        }
        writer.truncate(to: start)
        throw .damaged(path: directory, what: "the batch at sequence \(sequence) is missing")
    }

    private static func find(
        _ sequence: UInt64,
        _ cursor: Cursor
    ) throws(OutboxError) -> UnsafeRawBufferPointer? {
        let behind = try cursor.seek(orderedKey(sequence))
        if let behind, orderedNumber(behind.key) == sequence { return behind.value }
        if let before = try cursor.move(behind == nil ? MDB_LAST : MDB_PREV),
            let first = orderedNumber(before.key), before.value.count >= BatchHeader.encodedBytes
        {
            let count = UInt32(littleEndian: before.value.loadUnaligned(fromByteOffset: 72, as: UInt32.self))
            if first + UInt64(count) > sequence { return before.value }
        }
        guard behind != nil else { return nil }
        return try cursor.seek(orderedKey(sequence))?.value
    }

    /// What is remembered of a gateway; nil when it is not known.
    public func gatewayState(_ gateway: String) throws(OutboxError) -> GatewayState? {
        try environment.read { transaction throws(OutboxError) in
            guard let stored = try transaction.get(environment.databases.gateways, Array(gateway.utf8)),
                let lowest = orderedNumber(stored)
            else { return nil }
            return GatewayState(
                answered: try transaction.answered(environment.databases.answers, gateway),
                lowest: lowest
            )
        }
    }

    /// The stored answer to a request; nil when there is none.
    public func answer(_ gateway: String, request: UInt64) throws(OutboxError) -> [UInt8]? {
        try environment.read { transaction throws(OutboxError) in
            try transaction.get(environment.databases.answers, Keys.answer(gateway, request)).map { [UInt8]($0) }
        }
    }

    /// What was stored of a source of input; nil when nothing was.
    public func input(_ source: [UInt8]) throws(OutboxError) -> [UInt8]? {
        try environment.read { transaction throws(OutboxError) in
            try transaction.get(environment.databases.inputs, source).map { [UInt8]($0) }
        }
    }

    /// The refused events behind `number` that still wait for their file, oldest first.
    public func rejects(after number: UInt64, limit: Int) throws(OutboxError) -> [RejectRecord] {
        try environment.read { transaction throws(OutboxError) in
            try transaction.withCursor(environment.databases.rejects) { cursor throws(OutboxError) in
                var records: [RejectRecord] = []
                var entry = try cursor.seek(orderedKey(number + 1))
                while let found = entry, records.count < limit {
                    guard let number = orderedNumber(found.key), found.value.count >= 8 else {
                        throw .damaged(path: directory, what: "a refused event cannot be read")
                    }
                    let time = Int64(littleEndian: found.value.loadUnaligned(as: Int64.self))
                    records.append(
                        RejectRecord(
                            number: number,
                            receivedAt: Timestamp(microseconds: time),
                            bytes: [UInt8](found.value.dropFirst(8))
                        )
                    )
                    entry = try cursor.move(MDB_NEXT)
                }
                return records
            }
        }
    }

    // MARK: - Directories

    /// Makes the file of a new outbox. It gets its name once it is on the disk: one that a power cut left half made would
    /// look like one that lost its pages.
    private static func makeFile(_ directory: String) throws(OutboxError) {
        guard access(directory + "/data.mdb", F_OK) != 0 else { return }
        let making = directory + "/making"
        try makeDirectories(making)
        for file in ["data.mdb", "lock.mdb"] { unlink("\(making)/\(file)") }
        // Its databases are a commit, and that is synced.
        _ = try Environment(path: making, mapBytes: 1_048_576, capBytes: 1_048_576)
        guard rename(making + "/data.mdb", directory + "/data.mdb") == 0 else {
            throw .last("rename", making + "/data.mdb")
        }
        unlink(making + "/lock.mdb")
        rmdir(making)
        try syncDirectory(directory)
    }

    private static func makeDirectories(_ path: String) throws(OutboxError) {
        var status = stat()
        guard stat(path, &status) != 0 else { return }
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        if !parent.isEmpty, parent != path { try makeDirectories(parent) }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .last("make the directory", path) }
        try syncDirectory(parent.isEmpty ? "/" : parent)
    }

    private static func syncDirectory(_ path: String) throws(OutboxError) {
        let descriptor = enlace_open(path, O_RDONLY | O_DIRECTORY, 0)
        guard descriptor >= 0 else { throw .last("open the directory", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .last("sync the directory", path) }
    }
}

/// The lock by which one process at a time has an outbox; the kernel lets it go when the process ends.
final class OutboxLock: Sendable {
    private let descriptor: Int32

    init(_ directory: String) throws(OutboxError) {
        descriptor = enlace_lock_file(directory + "/producer.lock")
        guard descriptor >= 0 else {
            if errno == EWOULDBLOCK { throw .taken(path: directory) }
            throw .last("lock", directory)
        }
    }

    deinit { enlace_unlock_file(descriptor) }
}

/// The keys of the small records.
enum Keys {
    static let identity = Array("identity".utf8)
    static let state = Array("state".utf8)
    static let epochs = Array("epochs".utf8)

    /// Length, name, number: the answers of one gateway lie together in the order of their numbers.
    static func answer(_ gateway: String, _ request: UInt64) -> [UInt8] { prefix(gateway) + orderedKey(request) }

    static func prefix(_ gateway: String) -> [UInt8] { [UInt8(truncatingIfNeeded: gateway.utf8.count)] + gateway.utf8 }
}

extension Transaction {
    /// The numbers of a gateway's stored answers, ascending.
    func answered(_ database: MDB_dbi, _ gateway: String) throws(OutboxError) -> [UInt64] {
        let prefix = Keys.prefix(gateway)
        return try withCursor(database) { cursor throws(OutboxError) in
            var numbers: [UInt64] = []
            var entry = try cursor.seek(prefix)
            while let found = entry, found.key.starts(with: prefix), found.key.count == prefix.count + 8 {
                if let number = orderedNumber(found.key) { numbers.append(number) }
                entry = try cursor.move(MDB_NEXT)
            }
            return numbers
        }
    }
}
