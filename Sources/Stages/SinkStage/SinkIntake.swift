import Archive
import Bytes
import Daemon
import Delivery
import Logging
import Platform
import Synchronization
import Wire
import ZeroMQ

/// Receives batches and hellos, and puts batches in order: one thread around `SinkOrdering`.
final class SinkIntake {
    private let options: SinkOptions
    private let queue: WorkQueue<SinkWork>
    private let results: Mailbox<CommitResult>
    private let counters: SinkCounters
    private let stop: StopSignal
    private let refusals: RefusalLog<SinkRefusal>
    private let log: Logger

    private var ordering: SinkOrdering
    private var slots: [UInt64: (box: MessageBox, header: BatchHeader)] = [:]
    private var nextSlot: UInt64 = 1
    private var routes = ProducerRoutes<[UInt8]>()
    private var rivalsTold: Set<Identifier128> = []
    private var frames = Multipart()
    private var scratch = ByteWriter(capacity: 1024)
    private var arrived: [CommitResult] = []

    init(
        options: SinkOptions,
        start: ArchiveStart,
        queue: WorkQueue<SinkWork>,
        results: Mailbox<CommitResult>,
        counters: SinkCounters,
        stop: StopSignal,
        refusals: RefusalLog<SinkRefusal>,
        log: Logger
    ) {
        self.options = options
        self.queue = queue
        self.results = results
        self.counters = counters
        self.stop = stop
        self.refusals = refusals
        self.log = log
        ordering = SinkOrdering(
            archive: start.identifier,
            generation: start.generation,
            sink: Random.identifier(),
            holdBytes: options.holdBytes,
            producers: start.producers.map { producer in
                (
                    id: producer.id, station: producer.station,
                    lines: producer.lines.map {
                        SinkLine(
                            epochs: $0.epochs,
                            committed: $0.committed,
                            number: $0.number,
                            parent: $0.parent,
                            inherited: $0.inherited
                        )
                    }
                )
            }
        )
    }

    private static var now_ms: Int64 { Int64(Clock.monotonicNanoseconds() / 1_000_000) }

    /// The thread's body; `started` is told once the endpoints are bound.
    func run(_ context: borrowing Context, started: () -> Void) throws {
        var intakeOptions = SocketOptions()
        intakeOptions.maximumMessageBytes = Int64(Limits.frameBytes)
        intakeOptions.receiveHighWaterMark = 16
        intakeOptions.isMonitored = true
        var intake = try context.socket(.router, intakeOptions)
        var controlOptions = SocketOptions()
        controlOptions.maximumMessageBytes = Int64(Limits.frameBytes)
        controlOptions.isMonitored = true
        var control = try context.socket(.router, controlOptions)
        try control.bind(try options.run.endpoint(.sinkControl))
        try intake.bind(try options.run.endpoint(.sinkIntake))
        started()
        var poller = Poller()
        let batches = poller.add(intake)
        let hellos = poller.add(control)
        let commits = poller.add(descriptor: results.descriptor)
        _ = poller.add(descriptor: stop.descriptor)
        while !stop.isGiven {
            try poller.wait(timeoutMilliseconds: 250)
            if poller.isReadable(commits) { try settle(&control) }
            if poller.isReadable(hellos) { try hear(&control) }
            if poller.isReadable(batches) { try receive(&intake, &control) }
            report()
            try refusals.note(connectionsOf: &intake)
            try refusals.note(connectionsOf: &control)
        }
    }

    /// After the stop: what the committer has still put on the disk is told to the producers.
    private func settle(_ control: inout Socket) throws {
        results.drain(into: &arrived)
        for result in arrived {
            switch result {
            case .committed(let ticket): try carryOut(ordering.committed(through: ticket), &control)
            case .failed(let ticket):
                try carryOut(ordering.failed(from: ticket), &control)
                _ = queue.push(.resume, cost: 1)
            case .gapRecorded(let producer, let generation):
                try carryOut(ordering.gapRecorded(producer: producer, generation: generation), &control)
            }
        }
    }

    // MARK: - Listening

    private static let messagesAtOnce = 64

    private func hear(_ control: inout Socket) throws {
        for _ in 0..<Self.messagesAtOnce {
            guard try control.receive(into: &frames) else { return }
            if frames.count == 3, frames.withBytes(at: 1, { BatchFrame.isDeadLetter($0) }) {
                try takeBatch(from: "a producer", mustBe: .unenriched, &control)
                continue
            }
            guard frames.count == 2 else {
                refusals.refuse(.controlFrames, ["reason": "a message of \(frames.count - 1) frames instead of one"])
                continue
            }
            let message: ControlMessage
            do throws(FrameError) {
                message = try frames.withBytes(at: 1) { (bytes) throws(FrameError) in
                    try ControlMessage.decode(bytes)
                }
            } catch {
                refusals.refuse(.controlFrames, ["reason": "\(error)"])
                continue
            }
            guard case .hello(let hello) = message else {
                refusals.refuse(.controlFrames, ["reason": "what only a sink sends"])
                continue
            }
            if routes.heard(hello, by: frames.bytes(at: 0), now_ms: Self.now_ms) { tellRival(hello) }
            try carryOut(ordering.heard(hello), &control)
        }
    }

    private func receive(_ intake: inout Socket, _ control: inout Socket) throws {
        for _ in 0..<Self.messagesAtOnce {
            guard try intake.receive(into: &frames) else { return }
            guard frames.count == 3, frames.withBytes(at: 1, { BatchFrame.decodeAppend($0) }) != nil else {
                counters.broken.add(1, ordering: .relaxed)
                refusals.refuse(.intakeFrames, ["reason": "\(wrongFrames)"])
                continue
            }
            try takeBatch(from: "a worker", mustBe: .enriched, &control)
        }
    }

    /// The batch in the third frame; one that is not whole is passed over, and its producer sends it again.
    private func takeBatch(from sender: String, mustBe flag: BatchHeader.Flags, _ control: inout Socket) throws {
        let box = MessageBox(frames.take(2))
        let header: BatchHeader
        do throws(BatchHeader.DecodeError) {
            header = try box.withBytes { (bytes) throws(BatchHeader.DecodeError) in
                let (header, payload) = try BatchHeader.decodeBatch(bytes, checksum: .hardware)
                // The archive trusts the count: offsets are counted by it.
                guard header.lineCountMatches(payload) else { throw .lines }
                return header
            }
        } catch {
            counters.broken.add(1, ordering: .relaxed)
            return refusals.refuse(.brokenBatch, ["from": "\(sender)", "reason": "\(error.rawValue)"])
        }
        guard header.flags.contains(flag) else {
            return refusals.refuse(
                .notEnriched,
                ["from": "\(sender)", "producer": "\(header.producer)", "sequence": "\(header.firstSequence)"]
            )
        }
        let slot = nextSlot
        nextSlot += 1
        slots[slot] = (box, header)
        CrashPoint.hit(.sinkReceiveBefore)
        try carryOut(ordering.received(header, slot: slot, bytes: box.count), &control)
        CrashPoint.hit(.sinkReceiveAfter)
    }

    private func tellRival(_ hello: Hello) {
        guard rivalsTold.insert(hello.producer).inserted else { return }
        counters.alarms.add(1, ordering: .relaxed)
        log.critical(
            "two processes speak for one producer: one of them runs on a copy of the other's outbox; stop one of them",
            metadata: ["producer": "\(hello.producer)", "station": "\(hello.station)"]
        )
    }

    /// What is wrong with the frames at hand, which are no append.
    private var wrongFrames: String {
        guard frames.count == 3 else { return "a message of \(frames.count - 1) frames instead of two" }
        return frames.withBytes(at: 1) { bytes in
            do throws(FrameError) {
                _ = try WorkerMessage.decode(bytes)
                return "what a worker sends to a producer"
            } catch { return "\(error)" }
        }
    }

    // MARK: - Doing

    private func carryOut(_ actions: [SinkOrdering.Action], _ control: inout Socket) throws {
        for action in actions {
            switch action {
            case .append(let slot, let ticket, let skip, let line):
                guard let held = slots.removeValue(forKey: slot) else { continue }
                // The hold budget bounds the queue; it never makes this thread wait.
                _ = queue.push(
                    .append(held.box, held.header, ticket: ticket, skip: skip, line: line),
                    cost: held.box.count
                )
            case .release(let slot, let reason): noteRefusal(reason, slots.removeValue(forKey: slot)?.header)
            case .send(let message, let producer, let epoch): try send(message, producer, epoch, &control)
            case .recordGap(let gap): _ = queue.push(.gap(gap), cost: 1)
            case .note(let note): tell(note)
            }
        }
    }

    /// Counts a batch that was not kept because something is wrong with it; want of room is not.
    private func noteRefusal(_ reason: SinkOrdering.Reason, _ header: BatchHeader?) {
        let kind: SinkRefusal
        switch reason {
        case .duplicate: kind = .archivedAlready
        case .unknownEpoch: kind = .unknownEpoch
        case .refused: kind = .wrongStation
        case .noRoom: return
        }
        guard let header else { return }
        refusals.refuse(
            kind,
            [
                "producer": "\(header.producer)", "epoch": "\(header.epoch.hexDigits)",
                "sequence": "\(header.firstSequence)", "station": "\(header.station)",
            ]
        )
    }

    /// To every address of the producer that knows the epoch; one that is gone says hello again.
    private func send(
        _ message: ControlMessage,
        _ producer: Identifier128,
        _ epoch: UInt64,
        _ control: inout Socket
    ) throws {
        if case .welcome(let welcome) = message, !welcome.refusal.isEmpty {
            refusals.refuse(.hello, ["producer": "\(producer)", "reason": "\(welcome.refusal)"])
        }
        let isCommit = if case .commit = message { true } else { false }
        for route in routes.routes(to: producer, epoch: epoch) {
            scratch.removeAll()
            message.encode(into: &scratch)
            frames.removeAll()
            frames.append(Message(copying: route))
            frames.append(copying: scratch.bytes)
            if isCommit { CrashPoint.hit(.sinkCommitSendBefore) }
            _ = try control.send(&frames)
            if isCommit { CrashPoint.hit(.sinkCommitSendAfter) }
        }
    }

    private func tell(_ note: SinkOrdering.Note) {
        switch note {
        case .producerJoined(let producer, let station):
            log.info("a producer joined", metadata: ["station": "\(station)", "producer": "\(producer)"])
            return
        case .forked(let producer, let epoch, let sequence):
            log.critical(
                "an outbox was rolled back or cloned: its events are archived as a fork",
                metadata: [
                    "producer": "\(producer)", "epoch": "\(epoch.hexDigits)", "from_sequence": "\(sequence)",
                ]
            )
        case .olderArchive(let producer, let watermark, let committed):
            log.critical(
                "an older copy of this archive was put in place: recording what it lacks",
                metadata: [
                    "producer": "\(producer)", "watermark": "\(watermark)", "once_committed": "\(committed)",
                ]
            )
        case .otherArchive(let producer, let expects):
            // It says hello again and again.
            refusals.refuse(.otherArchive, ["producer": "\(producer)", "archive": "\(expects)"])
        }
        counters.alarms.add(1, ordering: .relaxed)
    }

    private func report() {
        refusals.flush()
        counters.duplicateEvents.store(ordering.duplicateEvents, ordering: .relaxed)
        counters.droppedBatches.store(ordering.droppedBatches, ordering: .relaxed)
        counters.heldBytes.store(ordering.heldBytes, ordering: .relaxed)
        counters.waitingBatches.store(ordering.waitingBatches, ordering: .relaxed)
        counters.producers.store(ordering.producerCount, ordering: .relaxed)
    }
}
