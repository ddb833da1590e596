import Bytes
import Mutation
import Wire

/// A batch in the open: its header and its payload.
public struct SimulatedBatch: Hashable, Sendable {
    /// The header; lengths and checksum are those of the payload.
    public var header: BatchHeader
    /// The events, each with a line feed.
    public var payload: [UInt8]

    /// Joins the two and corrects the header.
    public init(header: BatchHeader, payload: [UInt8], crc: CRC32C) {
        self.header = header
        self.payload = payload
        self.header.payloadBytes = UInt32(payload.count)
        self.header.payloadChecksum = payload.withUnsafeBytes { crc.checksum(of: $0) }
    }

    /// The events, without their line feeds.
    public var lines: [ArraySlice<UInt8>] { payload[...].lines }
}

/// What an outbox promises, as a value: the simulator's outbox, and what the real one is compared with.
///
/// A commit is a change of this value as a whole, so a crash loses nothing of it and keeps nothing half done.
public struct OutboxModel: Hashable, Sendable {
    /// The producer's id, made with the outbox.
    public let producer: Identifier128
    /// The station.
    public let station: StationName
    /// Epochs that a hello lists, oldest first; the last is the current one.
    public private(set) var epochs: [EpochStart] = []
    /// The sequence that the next event gets.
    public private(set) var nextSequence: UInt64 = 1
    /// The oldest sequence that is kept, or the next one.
    public private(set) var oldest: UInt64 = 1
    /// The last sequence that an archive committed, and which archive that was.
    public private(set) var committed: (sequence: UInt64, archive: Identifier128, generation: UInt32) {
        get { (committedSequence, committedArchive, committedGeneration) }
        set { (committedSequence, committedArchive, committedGeneration) = newValue }
    }
    private var committedSequence: UInt64 = 0
    private var committedArchive = Identifier128.zero
    private var committedGeneration: UInt32 = 0
    /// What waits, in order.
    public private(set) var batches: [SimulatedBatch] = []
    /// Answers by gateway and request, and the lowest number that is not stale.
    public private(set) var gateways: [String: Gateway] = [:]

    /// What is remembered of a gateway.
    public struct Gateway: Hashable, Sendable {
        /// Stored answers.
        public var answers: [UInt64: [UInt8]] = [:]
        /// The lowest number that is not stale.
        public var lowest: UInt64 = 0
        /// The numbers with answers, ascending.
        public var answered: [UInt64] { answers.keys.sorted() }
    }

    /// Makes an empty outbox.
    public init(producer: Identifier128, station: StationName) {
        self.producer = producer
        self.station = station
    }

    /// The epoch of the present opening.
    public var epoch: UInt64 { epochs.last?.epoch ?? 0 }

    /// Events that wait.
    public var waiting: UInt64 { batches.reduce(0) { $0 + UInt64($1.header.count) } }

    /// Gives it to another archive: what the one before had committed stays committed.
    public mutating func adopt(_ archive: Identifier128) { committedArchive = archive }

    /// An opening: begins a new epoch.
    public mutating func open(newEpoch: UInt64) {
        if isMutated(.reuseSequence), nextSequence > oldest { nextSequence -= 1 }
        epochs.removeAll { $0.firstSequence >= nextSequence }
        while epochs.count > 32, epochs[1].firstSequence <= oldest { epochs.removeFirst() }
        if epochs.count < Hello.maximumEpochs {
            epochs.append(EpochStart(epoch: newEpoch, firstSequence: nextSequence))
        }
    }

    /// Appends a batch and returns the sequence of its first event.
    public mutating func append(_ payload: [UInt8], count: Int, receivedAt: Timestamp, crc: CRC32C) -> UInt64 {
        let header = BatchHeader(
            flags: [],
            station: station,
            producer: producer,
            epoch: epoch,
            firstSequence: nextSequence,
            count: UInt32(count),
            payloadBytes: 0,
            receivedAt: receivedAt,
            payloadChecksum: 0
        )
        batches.append(SimulatedBatch(header: header, payload: payload, crc: crc))
        nextSequence += UInt64(count)
        return header.firstSequence
    }

    /// Stores the answer to a request, forgets those below `lowest` and all but the last 64.
    public mutating func storeAnswer(_ gateway: String, request: UInt64, lowest: UInt64, answer: [UInt8]) {
        var known = gateways[gateway] ?? Gateway()
        known.lowest = lowest
        known.answers[request] = answer
        let surplus = max(0, known.answers.count - Limits.answersPerGateway)
        for (index, number) in known.answered.enumerated() where index < surplus || number < lowest {
            known.answers[number] = nil
        }
        gateways[gateway] = known
    }

    /// Forgets a gateway; false when it is not known.
    public mutating func forget(_ gateway: String) -> Bool { gateways.removeValue(forKey: gateway) != nil }

    /// Removes the batches that lie wholly at or below `sequence`; returns how many.
    @discardableResult
    public mutating func trim(through sequence: UInt64) -> Int {
        let count = batches.firstIndex { $0.header.lastSequence > sequence } ?? batches.count
        if let last = batches[..<count].last { oldest = last.header.lastSequence + 1 }
        batches.removeFirst(count)
        return count
    }

    /// Remembers how far which archive is; not behind what is trimmed.
    public mutating func setCommitted(_ sequence: UInt64, archive: Identifier128, generation: UInt32) {
        committed = (max(sequence, oldest - 1), archive, generation)
    }

    /// The batch that holds `sequence`, or the next one behind it.
    public func nextBatch(from sequence: UInt64) -> SimulatedBatch? {
        batches.first { $0.header.lastSequence >= sequence }
    }
}
