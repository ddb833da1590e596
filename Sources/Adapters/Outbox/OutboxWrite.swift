import Bytes
import CLMDB
import Wire

/// What may be done in one commit of the outbox. Lent to a closure; must not outlive it.
public struct OutboxWrite: ~Copyable {
    private let outbox: Outbox
    private let transaction: Transaction
    private(set) var state: OutboxState
    private var hasChecked = false

    /// The most bytes that refused events may take while they wait for their file.
    static let rejectsBytes: UInt64 = 256 * 1_048_576

    init(outbox: Outbox, transaction: Transaction, state: OutboxState) {
        self.outbox = outbox
        self.transaction = transaction
        self.state = state
    }

    /// The sequence that the next event gets.
    public var nextSequence: UInt64 { state.nextSequence }

    private var databases: Environment.Databases { outbox.environment.databases }

    /// Appends a batch of events and returns the sequence of its first.
    ///
    /// - Parameters:
    ///   - payload: The events, each with a line feed behind it.
    ///   - count: How many events.
    ///   - checksum: CRC-32C of the payload.
    public mutating func append(
        payload: UnsafeRawBufferPointer,
        count: Int,
        receivedAt: Timestamp,
        checksum: UInt32
    ) throws(OutboxError) -> UInt64 {
        try checkSpace()
        let bytes = BatchHeader.encodedBytes + payload.count
        let charge = Self.charge(bytes)
        guard state.charged + charge <= UInt64(outbox.environment.capBytes) else {
            throw .full(capBytes: outbox.environment.capBytes)
        }
        guard count > 0, count <= Limits.batchEvents, payload.count <= Limits.enrichedPayloadBytes else {
            throw .invalid("a batch of \(count) events and \(payload.count) bytes cannot be stored")
        }
        let first = state.nextSequence
        let header = BatchHeader(
            flags: [],
            station: outbox.station,
            producer: outbox.producer,
            epoch: outbox.epoch,
            firstSequence: first,
            count: UInt32(count),
            payloadBytes: UInt32(payload.count),
            receivedAt: receivedAt,
            payloadChecksum: checksum
        )
        var head = ByteWriter(capacity: 128)
        header.encode(into: &head, checksum: outbox.crc)
        let room = try transaction.reserveLast(databases.batches, orderedKey(first), count: bytes)
        room.copyMemory(from: head.bytes)
        UnsafeMutableRawBufferPointer(rebasing: room[BatchHeader.encodedBytes...]).copyMemory(from: payload)
        state.nextSequence += UInt64(count)
        state.events += UInt64(count)
        state.bytes += UInt64(bytes)
        state.charged += charge
        return first
    }

    /// What a value takes of the file: whole pages once it is long.
    private static func charge(_ bytes: Int) -> UInt64 { UInt64((bytes + 16 + 4095) / 4096 * 4096 + 64) }

    /// Refuses when the filesystem is nearer to full than the reserve allows. Asked once a commit.
    private mutating func checkSpace() throws(OutboxError) {
        guard !hasChecked else { return }
        hasChecked = true
        guard let space = Space(at: outbox.directory) else { return }
        guard space.available >= space.total / 100 * outbox.reservePercent else {
            throw .noSpace(path: outbox.directory, availableBytes: space.available)
        }
    }

    // MARK: - Gateways and inputs

    /// Stores the answer to a gateway's request and forgets those that are below `lowest` or older than the last 64.
    public mutating func storeAnswer(
        gateway: String,
        request: UInt64,
        lowest: UInt64,
        answer: UnsafeRawBufferPointer
    ) throws(OutboxError) {
        guard (1...200).contains(gateway.utf8.count) else {
            throw .invalid("a gateway's id must have 1 to 200 bytes")
        }
        let name = Array(gateway.utf8)
        if try transaction.get(databases.gateways, name) == nil {
            guard state.gateways < UInt64(Limits.gatewaysPerProducer) else {
                throw .tooManyGateways(limit: Limits.gatewaysPerProducer)
            }
            state.gateways += 1
        }
        try transaction.put(databases.gateways, name, orderedKey(lowest))
        try transaction.put(databases.answers, Keys.answer(gateway, request), answer)
        let numbers = try transaction.answered(databases.answers, gateway)
        let surplus = max(0, numbers.count - Limits.answersPerGateway)
        for (index, number) in numbers.enumerated() where index < surplus || number < lowest {
            try transaction.delete(databases.answers, Keys.answer(gateway, number))
        }
    }

    /// Forgets a gateway and its answers; false when it is not known.
    public mutating func forget(gateway: String) throws(OutboxError) -> Bool {
        guard (1...200).contains(gateway.utf8.count), try transaction.delete(databases.gateways, Array(gateway.utf8))
        else { return false }
        state.gateways -= min(state.gateways, 1)
        for number in try transaction.answered(databases.answers, gateway) {
            try transaction.delete(databases.answers, Keys.answer(gateway, number))
        }
        return true
    }

    /// Remembers how far a source of input is read.
    public mutating func setInput(_ source: [UInt8], _ value: [UInt8]) throws(OutboxError) {
        guard (1...400).contains(source.count) else { throw .invalid("the name of an input has 1 to 400 bytes") }
        try transaction.put(databases.inputs, source, value)
    }

    // MARK: - Rejects

    /// Keeps a refused event until it is in its file; returns its number, dense from 1.
    public mutating func appendReject(
        _ record: UnsafeRawBufferPointer,
        receivedAt: Timestamp
    ) throws(OutboxError) -> UInt64 {
        try checkSpace()
        guard state.otherBytes + UInt64(record.count) <= Self.rejectsBytes else {
            throw .full(capBytes: Int(Self.rejectsBytes))
        }
        let number = state.nextReject
        let room = try transaction.reserveLast(databases.rejects, orderedKey(number), count: 8 + record.count)
        room.storeBytes(of: receivedAt.microseconds.littleEndian, as: Int64.self)
        UnsafeMutableRawBufferPointer(rebasing: room[8...]).copyMemory(from: record)
        state.nextReject += 1
        state.rejects += 1
        state.otherBytes += UInt64(record.count)
        return number
    }

    /// Forgets refused events through `number`: they are in their file.
    public mutating func deleteRejects(through number: UInt64) throws(OutboxError) {
        var removed: UInt64 = 0
        var bytes: UInt64 = 0
        try transaction.withCursor(databases.rejects) { cursor throws(OutboxError) in
            while let entry = try cursor.move(MDB_FIRST), let found = orderedNumber(entry.key), found <= number {
                removed += 1
                bytes += UInt64(max(0, entry.value.count - 8))
                try cursor.delete(entry)
            }
        }
        state.rejects -= min(state.rejects, removed)
        state.otherBytes -= min(state.otherBytes, bytes)
    }

    // MARK: - Commits of the archive

    /// Removes the batches that lie wholly at or below `sequence`; returns how many.
    public mutating func trim(through sequence: UInt64) throws(OutboxError) -> Int {
        var removed = 0
        var next = state
        let path = outbox.directory
        let crc = outbox.crc
        try transaction.withCursor(databases.batches) { cursor throws(OutboxError) in
            while let entry = try cursor.move(MDB_FIRST) {
                guard let header = try? BatchHeader.decode(entry.value, checksum: crc) else {
                    throw .damaged(path: path, what: "the header of its oldest batch cannot be read")
                }
                guard header.lastSequence <= sequence else { break }
                next.oldest = header.lastSequence + 1
                next.events -= min(next.events, UInt64(header.count))
                next.bytes -= min(next.bytes, UInt64(entry.value.count))
                next.charged -= min(next.charged, Self.charge(entry.value.count))
                try cursor.delete(entry)
                removed += 1
            }
        }
        state = next
        return removed
    }

    /// Remembers how far which archive is; may go back when the archive did, but not behind what is trimmed: that was
    /// committed, and is what the archive must record as lost.
    public mutating func setCommitted(
        _ sequence: UInt64,
        archive: Identifier128,
        generation: UInt32
    ) throws(OutboxError) {
        state.committed = OutboxCommitted(
            sequence: max(sequence, state.oldest - 1),
            archive: archive,
            generation: generation
        )
    }
}
