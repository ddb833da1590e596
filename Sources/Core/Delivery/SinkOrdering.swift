import Bytes
import Mutation
import Wire

/// Puts batches in their producers' order, each event once, and says what is committed.
///
/// Pure: the shell keeps the batches' bytes and names them by slots; it appends in the order of the tickets, syncs,
/// and reports back. Memory is bounded by the hold budget: what does not fit is dropped and asked for again.
public struct SinkOrdering: Sendable {
    /// What the shell is to do.
    public enum Action: Equatable, Sendable {
        /// Append the slot's events but the first `skip`; tickets are dense and in order.
        case append(slot: UInt64, ticket: UInt64, skip: UInt32, line: LinePlace)
        /// Forget the slot: all of it is already archived, or there is no room.
        case release(slot: UInt64, Reason)
        /// Tell the producer, at the address that its last hello came from.
        case send(ControlMessage, producer: Identifier128, epoch: UInt64)
        /// Begin a new generation, record that the gap's sequences are missing from this archive, durably, and
        /// answer with `gapRecorded` before anything else of this producer is taken.
        case recordGap(Gap)
        /// For the log and the alarms.
        case note(Note)
    }

    /// Why a batch was not kept.
    public enum Reason: Equatable, Sendable { case duplicate, noRoom, unknownEpoch, refused }

    /// What an operator must know.
    public enum Note: Equatable, Sendable {
        case producerJoined(Identifier128, StationName)
        case forked(producer: Identifier128, epoch: UInt64, at: UInt64)
        case olderArchive(producer: Identifier128, watermark: UInt64, committed: UInt64)
        case otherArchive(producer: Identifier128, expects: Identifier128)
    }

    /// What an archive once had of a producer and has no longer, because an older copy of it was put in place.
    public struct Gap: Hashable, Sendable {
        /// Whose sequences.
        public var producer: Identifier128
        /// The station whose archive lost them.
        public var station: StationName
        /// The missing sequences by the epoch that they belong to, without a hole between them.
        public var parts: [Part]
        /// The line that they are missing on.
        public var line = LinePlace()
        /// The newest generation that the producer has heard of: the gap's is newer, also when a copy that was put back
        /// twice comes to the same number twice.
        public var heardGeneration: UInt32

        /// Missing sequences of one epoch.
        public struct Part: Hashable, Sendable {
            /// The epoch.
            public var epoch: UInt64
            /// The first one.
            public var from: UInt64
            /// The last one; `from - 1` when the producer still has all of them.
            public var through: UInt64

            /// Joins the fields.
            public init(epoch: UInt64, from: UInt64, through: UInt64) {
                (self.epoch, self.from, self.through) = (epoch, from, through)
            }
        }
    }

    struct Waiting {
        var slot: UInt64
        var last: UInt64
        var bytes: Int
        var epoch: UInt64
    }

    struct Line {
        var state: SinkLine
        var waiting: [UInt64: Waiting] = [:]
        /// What the producer on this line said last; nil until it has.
        var hello: Hello?

        /// Whether a batch that waits here is not one of the producer's on this line, as far as it has told.
        func isForeign(_ first: UInt64, _ batch: Waiting) -> Bool { !(hello?.has(first, batch) ?? false) }
    }

    struct Producer {
        var station: StationName
        var lines: [Line]
        /// First sequences of epochs, and the epochs before them, as the last hellos told them.
        var announced: [UInt64: (first: UInt64, predecessor: UInt64?)] = [:]
        /// For announced epochs that no line has yet, the line that their producer is on.
        var successors: [UInt64: Int] = [:]
        /// The current epoch of the last hello, for addressing.
        var isConnected = false
        var pendingGap: (gap: Gap, line: Int, committed: UInt64)?
        /// What the producer believed committed when a gap was recorded: the next welcome corrects it, and it sends again
        /// what it still has. Until then its belief is no reason for another gap.
        var excusedThrough: UInt64 = 0

        mutating func announce(_ epochs: [EpochStart]) {
            if announced.count > 4 * Hello.maximumEpochs { announced = [:] }
            var predecessor: UInt64?
            for start in epochs {
                announced[start.epoch] = (start.firstSequence, predecessor)
                predecessor = start.epoch
            }
        }
    }

    struct Ticket {
        var number: UInt64
        var producer: Identifier128
        var line: Int
        var epoch: UInt64
        var last: UInt64
        var bytes: Int
        var slot: UInt64
    }

    private let archive: Identifier128
    private let sink: Identifier128
    /// The archive's generation.
    public private(set) var generation: UInt32
    let holdBytes: Int
    private let minimumWindowBytes: Int
    var producers: [Identifier128: Producer] = [:]
    var tickets: [Ticket] = []
    var nextTicket: UInt64 = 1
    /// Bytes held in all, waiting or handed to the archive.
    public internal(set) var heldBytes = 0
    /// Events dropped because they were archived already.
    public internal(set) var duplicateEvents: UInt64 = 0
    /// Batches dropped for want of room.
    public internal(set) var droppedBatches: UInt64 = 0

    /// Begins with what the archive holds.
    public init(
        archive: Identifier128,
        generation: UInt32,
        sink: Identifier128,
        holdBytes: Int = Limits.sinkHoldBytes,
        minimumWindowBytes: Int = Limits.minimumWindowBytes,
        producers: [(id: Identifier128, station: StationName, lines: [SinkLine])]
    ) {
        self.archive = archive
        self.generation = generation
        self.sink = sink
        self.holdBytes = holdBytes
        self.minimumWindowBytes = minimumWindowBytes
        for entry in producers {
            self.producers[entry.id] = Producer(station: entry.station, lines: entry.lines.map { Line(state: $0) })
        }
    }

    /// How many producers are known.
    public var producerCount: Int { producers.count }

    /// How many batches wait for an earlier one.
    public var waitingBatches: Int { producers.values.reduce(0) { $0 + $1.lines.reduce(0) { $0 + $1.waiting.count } } }

    /// The line of a producer that `epoch` belongs to.
    public func line(of producer: Identifier128, epoch: UInt64) -> SinkLine? {
        guard let known = producers[producer] else { return nil }
        return known.lines.last { $0.state.contains(epoch) }?.state
    }

    // MARK: - Hello

    /// A producer says who it is; it does so again and again, and each time gets the answer.
    public mutating func heard(_ hello: Hello) -> [Action] {
        guard let current = hello.epochs.last else { return [] }
        func answer(_ watermark: UInt64, _ window: Int, _ refusal: String) -> Action {
            let welcome = Welcome(
                producer: hello.producer,
                epoch: current.epoch,
                sink: sink,
                archive: archive,
                generation: generation,
                watermark: watermark,
                windowBytes: UInt64(window),
                refusal: refusal
            )
            return .send(.welcome(welcome), producer: hello.producer, epoch: current.epoch)
        }
        if hello.archive != .zero, hello.archive != archive {
            let words = "its outbox belongs to archive \(hello.archive), this is \(archive)"
            let note = Note.otherArchive(producer: hello.producer, expects: hello.archive)
            return [.note(note), answer(0, 0, words + "; put that archive back, or see enlace archive adopt")]
        }
        var actions: [Action] = []
        if producers[hello.producer] == nil {
            if producers.count >= Limits.producersPerSink { forgetIdle() }
            guard producers.count < Limits.producersPerSink else {
                return [answer(0, 0, "this sink already serves \(Limits.producersPerSink) producers")]
            }
            producers[hello.producer] = Producer(station: hello.station, lines: [])
        }
        guard var producer = producers.removeValue(forKey: hello.producer) else { return [] }
        defer { producers[hello.producer] = producer }
        guard producer.station == hello.station else {
            return [answer(0, 0, "this producer's events so far are of station \(producer.station)")]
        }
        if !producer.isConnected {
            producer.isConnected = true
            actions.append(.note(.producerJoined(hello.producer, hello.station)))
        }
        producer.announce(hello.epochs)
        guard let index = adopt(hello, producer: &producer, &actions) else {
            // What the fork will share with its line is not on disk yet: nothing is taken before it is.
            return actions + [answer(0, 0, "")]
        }
        noteSuccessors(hello, line: index, &producer)
        let line = producer.lines[index].state
        let own = line.agreement(with: hello).shared
        if producer.pendingGap == nil, hello.archive == archive,
            hello.committed > max(own, producer.excusedThrough), !isMutated(.forgetGap)
        {
            let gap = Gap(
                producer: hello.producer,
                station: hello.station,
                parts: Self.parts(of: hello, from: line.appended + 1, through: max(hello.oldest - 1, line.appended)),
                line: LinePlace(number: line.number, parent: line.parent),
                heardGeneration: hello.generation
            )
            producer.pendingGap = (gap, index, hello.committed)
            let note = Note.olderArchive(
                producer: hello.producer,
                watermark: line.committed,
                committed: hello.committed
            )
            actions += [.note(note), .recordGap(gap)]
        }
        guard producer.pendingGap == nil else {
            return actions + [answer(0, 0, "recording that \(hello.producer) has events this archive lost")]
        }
        sortWaiting(hello, line: index, &producer, &actions)
        // Only what line and producer agree on: where a copy of its outbox took the line over, the rest is not its own.
        actions.append(answer(min(line.committed, own), windowBytes, ""))
        return actions
    }

    /// The gap stands in the archive; the producer's next hello is answered with a watermark behind it. What waited
    /// behind the gap is handed on.
    @discardableResult
    public mutating func gapRecorded(producer id: Identifier128, generation: UInt32) -> [Action] {
        self.generation = generation
        guard var producer = producers.removeValue(forKey: id) else { return [] }
        defer { producers[id] = producer }
        guard let (gap, index, committed) = producer.pendingGap else { return [] }
        producer.pendingGap = nil
        producer.excusedThrough = committed
        for part in gap.parts {
            producer.lines[index].state.appended = part.through
            producer.lines[index].state.committed = part.through
            if !producer.lines[index].state.contains(part.epoch) {
                let start = EpochStart(epoch: part.epoch, firstSequence: part.from)
                producer.lines[index].state.epochs.append(start)
            }
        }
        var actions: [Action] = []
        advance(id, &producer, index, &actions)
        return actions
    }

    /// The epochs of sequences, as far as the producer still knows them.
    private static func parts(of hello: Hello, from: UInt64, through: UInt64) -> [Gap.Part] {
        var parts: [Gap.Part] = []
        var next = from
        repeat {
            let epoch = hello.epoch(at: next) ?? hello.epochs[0].epoch
            let following = hello.epochs.first { $0.firstSequence > next }?.firstSequence ?? .max
            let end = min(through, following - 1)
            parts.append(Gap.Part(epoch: epoch, from: next, through: end))
            next = end + 1
        } while next <= through
        return parts
    }

    /// What each producer may have dispatched: their windows, enriched, fit the hold budget together.
    private var windowBytes: Int {
        let share = holdBytes / Limits.enrichedGrowth / max(producers.count + 1, 1)
        return min(max(share, minimumWindowBytes), Limits.producerWindowBytes)
    }

    // MARK: - Batches

    /// A batch has arrived; the shell keeps its bytes in `slot` until it is told to release it or reports the
    /// ticket as committed or failed.
    public mutating func received(_ header: BatchHeader, slot: UInt64, bytes: Int) -> [Action] {
        guard var producer = producers.removeValue(forKey: header.producer) else {
            return [.release(slot: slot, .unknownEpoch)]
        }
        defer { producers[header.producer] = producer }
        guard producer.station == header.station, producer.pendingGap == nil else {
            return [.release(slot: slot, .refused)]
        }
        var actions: [Action] = []
        guard let index = lineIndex(for: header, producer: &producer, &actions) else {
            return actions + [.release(slot: slot, .unknownEpoch)]
        }
        let appended = producer.lines[index].state.appended
        if header.lastSequence <= appended, isMutated(.dropDedupe) {
            heldBytes += bytes
            let again = Waiting(slot: slot, last: header.lastSequence, bytes: bytes, epoch: header.epoch)
            append(
                again,
                first: header.firstSequence,
                after: header.firstSequence - 1,
                of: header.producer,
                line: index,
                producer,
                &actions
            )
            return actions
        }
        if header.lastSequence <= appended {
            duplicateEvents += UInt64(header.count)
            return actions + [.release(slot: slot, .duplicate)]
        }
        let rival = producer.lines[index].waiting[header.firstSequence]
        if let rival, rival.epoch != header.epoch {
            // Two epochs claim these sequences: the line decides when it gets there; until then the first one stays.
            droppedBatches += 1
            return actions + [.release(slot: slot, .noRoom)]
        }
        if let rival, rival.last >= header.lastSequence {
            duplicateEvents += UInt64(header.count)
            return actions + [.release(slot: slot, .duplicate)]
        }
        let isNext = header.firstSequence <= appended + 1 && canContinue(header, producer: producer, line: index)
        // The batch that everything waits for is taken even beyond the budget, so that the budget cannot deadlock.
        guard heldBytes + bytes <= (isNext ? 2 * holdBytes : holdBytes) else {
            droppedBatches += 1
            let nack = ControlMessage.nack(
                producer: header.producer,
                epoch: header.epoch,
                from: header.firstSequence
            )
            return actions + [
                .release(slot: slot, .noRoom), .send(nack, producer: header.producer, epoch: header.epoch),
            ]
        }
        if let shorter = producer.lines[index].waiting.removeValue(forKey: header.firstSequence) {
            heldBytes -= shorter.bytes
            actions.append(.release(slot: shorter.slot, .duplicate))
        }
        heldBytes += bytes
        producer.lines[index].waiting[header.firstSequence] = Waiting(
            slot: slot,
            last: header.lastSequence,
            bytes: bytes,
            epoch: header.epoch
        )
        advance(header.producer, &producer, index, &actions)
        return actions
    }

    // MARK: - Commits

    /// Everything through this ticket is on the archive's disk.
    public mutating func committed(through ticket: UInt64) -> [Action] {
        var furthest: [(producer: Identifier128, line: Int, epoch: UInt64, last: UInt64)] = []
        var finished = 0
        while finished < tickets.count, tickets[finished].number <= ticket {
            let done = tickets[finished]
            heldBytes -= done.bytes
            producers[done.producer]?.lines[done.line].state.committed = done.last
            if let index = furthest.firstIndex(where: { $0.producer == done.producer && $0.line == done.line }) {
                furthest[index].last = done.last
                furthest[index].epoch = done.epoch
            } else {
                furthest.append((done.producer, done.line, done.epoch, done.last))
            }
            finished += 1
        }
        tickets.removeFirst(finished)
        return furthest.map {
            .send(
                .commit(producer: $0.producer, epoch: $0.epoch, through: $0.last),
                producer: $0.producer,
                epoch: $0.epoch
            )
        }
    }

    /// The archive could not keep anything from this ticket on and has forgotten it: the disk was full. The slots
    /// are released and the producers are told to send again later.
    public mutating func failed(from ticket: UInt64) -> [Action] {
        var actions: [Action] = []
        let lost = tickets.filter { $0.number >= ticket }
        tickets.removeAll { $0.number >= ticket }
        for entry in lost {
            heldBytes -= entry.bytes
            droppedBatches += 1
            actions.append(.release(slot: entry.slot, .noRoom))
        }
        for name in Set(lost.map { LineName(producer: $0.producer, line: $0.line) }).sorted() {
            let (id, line) = (name.producer, name.line)
            guard var state = producers[id]?.lines[line].state else { continue }
            let kept = tickets.last { $0.producer == id && $0.line == line }?.last ?? state.committed
            state.appended = kept
            let first = state.epochs.first?.epoch
            state.epochs.removeAll { $0.firstSequence > kept && $0.epoch != first }
            producers[id]?.lines[line].state = state
            let epoch = lost.first { $0.producer == id && $0.line == line }?.epoch ?? 0
            actions.append(.send(.nack(producer: id, epoch: epoch, from: kept + 1), producer: id, epoch: epoch))
        }
        return actions
    }

    private struct LineName: Hashable, Comparable {
        var producer: Identifier128
        var line: Int
        static func < (left: LineName, right: LineName) -> Bool {
            (left.producer, left.line) < (right.producer, right.line)
        }
    }
}
