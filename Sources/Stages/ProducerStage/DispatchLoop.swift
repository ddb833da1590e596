import Bytes
import Daemon
import Delivery
import Logging
import Outbox
import Platform
import Synchronization
import Wire
import ZeroMQ

/// Hands batches to workers and talks with the sink: one thread around `ProducerDispatch`.
final class DispatchLoop {
    /// A batch as it was read from the outbox; sent again it shares its bytes.
    private final class Loaded {
        var message: Message
        let last: UInt64
        init(_ message: consuming Message, last: UInt64) {
            self.message = message
            self.last = last
        }
    }

    private let options: ProducerOptions
    private let outbox: Outbox
    private let writer: OutboxWriter
    private let stored: Mailbox<UInt64>
    private let counters: ProducerCounters
    private let stop: StopSignal
    private let refusals: RefusalLog<ProducerRefusal>
    private let log: Logger

    private var machine: ProducerDispatch
    private var loaded: [UInt64: Loaded] = [:]
    /// Where the frames of a worker come from.
    private var routes: [Identifier128: [UInt8]] = [:]
    private var scratch = ByteWriter(capacity: Limits.batchPayloadBytes + 1024)
    private var frames = Multipart()
    private var archive: (id: Identifier128, generation: UInt32) = (.zero, 0)
    private var nextHello_ms: Int64 = 0
    private var nextTick_ms: Int64 = 0
    private var lastWelcome_ms: Int64 = .min / 2
    private var arrived: [UInt64] = []
    /// Events that go to the sink as they came, at the next turn.
    private var deadLetters: [(sequence: UInt64, reason: String)] = []

    private static let tickMilliseconds: Int64 = 20

    init(
        options: ProducerOptions,
        outbox: Outbox,
        writer: OutboxWriter,
        stored: Mailbox<UInt64>,
        counters: ProducerCounters,
        stop: StopSignal,
        refusals: RefusalLog<ProducerRefusal>,
        log: Logger
    ) {
        self.options = options
        self.outbox = outbox
        self.writer = writer
        self.stored = stored
        self.counters = counters
        self.stop = stop
        self.refusals = refusals
        self.log = log
        let committed = outbox.committed
        // What was trimmed is committed, whatever the last note said.
        let through = max(committed.sequence, outbox.oldest - 1)
        archive = (committed.archive, committed.generation)
        machine = ProducerDispatch(
            producer: outbox.producer,
            epochs: outbox.epochs,
            committed: through,
            stored: outbox.nextSequence - 1,
            archive: committed.archive
        )
        counters.archivedThrough.store(through, ordering: .relaxed)
        counters.storedThrough.store(outbox.nextSequence - 1, ordering: .relaxed)
    }

    /// The thread's body; `started` is told once the endpoint is bound.
    func run(_ context: borrowing Context, started: () -> Void) throws {
        var socketOptions = SocketOptions()
        socketOptions.maximumMessageBytes = Int64(Limits.frameBytes)
        socketOptions.sendHighWaterMark = 64
        socketOptions.isMonitored = true
        var workers = try context.socket(.router, socketOptions)
        try workers.bind(try options.run.endpoint(.producerWorkers(options.station, options.name)))
        var control = try context.socket(.dealer, SocketOptions())
        let sink = try options.sinkEndpoint ?? options.run.endpoint(.sinkControl)
        try control.connect(sink)
        started()
        var poller = Poller()
        let fromWorkers = poller.add(workers)
        let fromSink = poller.add(control)
        let fromWriter = poller.add(descriptor: stored.descriptor)
        _ = poller.add(descriptor: stop.descriptor)
        while !stop.isGiven {
            _ = try poller.wait(timeoutMilliseconds: Int(Self.tickMilliseconds))
            let now = Self.now_ms
            if poller.isReadable(fromSink) { try hearSink(&control, &workers, now) }
            if poller.isReadable(fromWriter) {
                stored.drain(into: &arrived)
                if let last = arrived.last { try carryOut(machine.accepted(through: last, now_ms: now), &workers) }
            }
            if poller.isReadable(fromWorkers) { try hearWorkers(&workers, now) }
            if now >= nextTick_ms {
                nextTick_ms = now + Self.tickMilliseconds
                try carryOut(machine.tick(now_ms: now), &workers)
                report(now, sink)
                while let event = try workers.nextEvent() {
                    if event.isProblem { refusals.refuse(.workerConnection, ["reason": "\(event)"]) }
                }
            }
            if !deadLetters.isEmpty { try sendDeadLetters(&control) }
            if now >= nextHello_ms {
                nextHello_ms = now + Int64(Limits.helloMilliseconds)
                try sayHello(&control)
            }
        }
    }

    private static var now_ms: Int64 { Int64(Clock.monotonicNanoseconds() / 1_000_000) }

    // MARK: - Listening

    /// Bounded, so that the sink and the clock get their turn whatever the workers say.
    private static let messagesAtOnce = 256

    private func hearWorkers(_ workers: inout Socket, _ now: Int64) throws {
        for _ in 0..<Self.messagesAtOnce {
            guard try workers.receive(into: &frames) else { return }
            guard frames.count == 2 else {
                refusals.refuse(.workerFrames, ["reason": "a message of \(frames.count - 1) frames instead of one"])
                continue
            }
            let message: WorkerMessage
            do {
                message = try frames.withBytes(at: 1) { (bytes) throws(FrameError) in
                    try WorkerMessage.decode(bytes)
                }
            } catch {
                refusals.refuse(.workerFrames, ["reason": "\(error)"])
                continue
            }
            notePretence(message)
            if case .heartbeat(let worker, _, _, _) = message { routes[worker] = frames.bytes(at: 0) }
            try carryOut(machine.heard(message, now_ms: now), &workers)
            if case .heartbeat(let worker, _, _, _) = message, !machine.serves(worker) {
                routes[worker] = nil
                refusals.refuse(.workerLimit, ["limit": "\(Limits.workersPerProducer)"])
            }
        }
    }

    private func hearSink(_ control: inout Socket, _ workers: inout Socket, _ now: Int64) throws {
        for _ in 0..<Self.messagesAtOnce {
            guard try control.receive(into: &frames) else { return }
            let message: ControlMessage
            do {
                message = try frames.withBytes(at: frames.count - 1) { (bytes) throws(FrameError) in
                    try ControlMessage.decode(bytes)
                }
            } catch {
                refusals.refuse(.sinkFrames, ["reason": "\(error)"])
                continue
            }
            if let (kind, details) = lie(in: message) {
                refusals.refuse(kind, details)
                continue
            }
            if case .welcome(let welcome) = message, welcome.producer == outbox.producer, welcome.epoch == outbox.epoch
            {
                lastWelcome_ms = now
                if welcome.refusal.isEmpty, machine.isHome(welcome) { archive = (welcome.archive, welcome.generation) }
            }
            let isCommit = if case .commit = message { true } else { false }
            if isCommit { CrashPoint.hit(.producerCommitHeardBefore) }
            try carryOut(machine.heard(message, now_ms: now), &workers)
            if isCommit { CrashPoint.hit(.producerCommitHeardAfter) }
        }
    }

    /// Counts what a worker claims and cannot be; the machine gives nothing for it.
    private func notePretence(_ message: WorkerMessage) {
        switch message {
        case .done(let worker, let batch) where !machine.mayHaveHandedOn(batch, worker):
            refusals.refuse(.workerNotHeld, ["worker": "\(worker)", "sequence": "\(batch.firstSequence)"])
        case .died(let worker, let death)
        where death.producer == outbox.producer && death.batch.firstSequence > machine.stored:
            refusals.refuse(.workerNotHeld, ["worker": "\(worker)", "sequence": "\(death.batch.firstSequence)"])
        case .heartbeat(let worker, let capacity, _, _) where Int(capacity) > Limits.workerCapacityBatches:
            refusals.refuse(.workerCapacity, ["worker": "\(worker)", "capacity": "\(capacity)"])
        default: break
        }
    }

    /// What a sink cannot truthfully say to this producer.
    private func lie(in message: ControlMessage) -> (ProducerRefusal, Logger.Metadata)? {
        switch message {
        case .hello: return (.sinkFrames, ["reason": "a hello, which only producers send"])
        case .welcome(let welcome) where welcome.producer != outbox.producer:
            return (.sinkOtherProducer, ["producer": "\(welcome.producer)"])
        case .commit(let producer, _, _) where producer != outbox.producer,
            .nack(let producer, _, _) where producer != outbox.producer:
            return (.sinkOtherProducer, ["producer": "\(producer)"])
        case .welcome(let welcome) where welcome.refusal.isEmpty && welcome.archive == .zero:
            return (.sinkImpossible, ["reason": "a welcome without an archive"])
        case .welcome(let welcome) where welcome.watermark > machine.stored:
            return (.sinkImpossible, ["through": "\(welcome.watermark)", "accepted": "\(machine.stored)"])
        case .commit(_, let epoch, let through)
        where through > machine.stored || !outbox.epochs.contains { $0.epoch == epoch }:
            return (
                .sinkImpossible,
                ["through": "\(through)", "epoch": "\(epoch.hexDigits)", "accepted": "\(machine.stored)"]
            )
        default: return nil
        }
    }

    private func sayHello(_ control: inout Socket) throws {
        let committed = outbox.committed
        let hello = Hello(
            producer: outbox.producer,
            station: options.station,
            epochs: outbox.epochs,
            oldest: outbox.oldest,
            next: outbox.nextSequence,
            archive: committed.archive,
            committed: committed.sequence,
            generation: max(committed.generation, archive.generation)
        )
        scratch.removeAll()
        ControlMessage.hello(hello).encode(into: &scratch)
        var message = Message(copying: scratch.bytes)
        // No sink yet: the next one goes out in a quarter of a second.
        _ = try control.send(&message)
    }

    // MARK: - Doing

    private func carryOut(_ first: [ProducerDispatch.Action], _ workers: inout Socket) throws {
        var actions = first
        while !actions.isEmpty {
            var more: [ProducerDispatch.Action] = []
            for action in actions {
                switch action {
                case .load(let sequence): more += try load(sequence)
                case .dispatch(let sequence, let worker): more += try dispatch(sequence, worker, &workers)
                case .slice(let sequence, let counts): slice(sequence, counts)
                case .deadLetter(let sequence, let reason): deadLetters.append((sequence, reason))
                case .trim(let through, let id):
                    loaded = loaded.filter { $0.value.last > through }
                    counters.archivedThrough.store(through, ordering: .releasing)
                    writer.submit(.committed(through, archive: id, generation: archive.generation))
                case .rewind(let sequence):
                    loaded = [:]
                    counters.archivedThrough.store(sequence, ordering: .releasing)
                    writer.submit(.rewound(to: sequence, archive: archive.id, generation: archive.generation))
                case .note(let note): tell(note)
                }
            }
            actions = more
        }
    }

    private func load(_ sequence: UInt64) throws -> [ProducerDispatch.Action] {
        scratch.removeAll()
        guard let header = try outbox.nextBatch(from: sequence, into: &scratch) else {
            return machine.loaded(nil, now_ms: Self.now_ms)
        }
        loaded[header.firstSequence] = Loaded(Message(copying: scratch.bytes), last: header.lastSequence)
        let key = WorkerMessage.BatchKey(epoch: header.epoch, firstSequence: header.firstSequence)
        return machine.loaded(
            (key: key, count: UInt64(header.count), bytes: Int(header.payloadBytes)),
            now_ms: Self.now_ms
        )
    }

    private func dispatch(
        _ sequence: UInt64,
        _ worker: Identifier128,
        _ workers: inout Socket
    ) throws -> [ProducerDispatch.Action] {
        guard let route = routes[worker], let batch = loaded[sequence] else {
            return machine.undeliverable(
                firstSequence: sequence,
                worker: worker,
                isGone: routes[worker] == nil,
                now_ms: Self.now_ms
            )
        }
        frames.removeAll()
        frames.append(Message(copying: route))
        scratch.removeAll()
        BatchFrame.encodeDispatch(into: &scratch)
        frames.append(copying: scratch.bytes)
        frames.append(batch.message.copy())
        CrashPoint.hit(.producerDispatchSendBefore)
        let sent = try workers.send(&frames)
        CrashPoint.hit(.producerDispatchSendAfter)
        switch sent {
        case .sent: return []
        case .wouldBlock:
            return machine.undeliverable(
                firstSequence: sequence,
                worker: worker,
                isGone: false,
                now_ms: Self.now_ms
            )
        case .unreachable:
            return machine.undeliverable(firstSequence: sequence, worker: worker, isGone: true, now_ms: Self.now_ms)
        }
    }

    /// Cuts a loaded batch; the parts share nothing with it.
    private func slice(_ sequence: UInt64, _ counts: [UInt64]) {
        guard let whole = loaded.removeValue(forKey: sequence) else { return }
        for part in whole.message.withBytes({ BatchSlices.cut($0, counts) }) {
            loaded[part.header.firstSequence] = Loaded(Message(copying: part.bytes), last: part.header.lastSequence)
        }
    }

    private func sendDeadLetters(_ control: inout Socket) throws {
        for (sequence, reason) in deadLetters {
            guard let batch = loaded[sequence] else { continue }
            let letter = batch.message.withBytes { BatchSlices.unenriched($0, reason: reason) }
            guard let letter else { continue }
            frames.removeAll()
            scratch.removeAll()
            BatchFrame.encodeDeadLetter(into: &scratch)
            frames.append(copying: scratch.bytes)
            frames.append(Message(copying: letter))
            // A sink that is away gets it again when the frontier has waited long enough.
            _ = try control.send(&frames)
        }
        deadLetters = []
    }

    // MARK: - Telling

    private func tell(_ note: ProducerDispatch.Note) {
        switch note {
        case .workerJoined(let worker): log.info("a worker joined", metadata: ["worker": "\(worker)"])
        case .workerLeft(let worker, let returned):
            routes[worker] = nil
            log.info("a worker left", metadata: ["worker": "\(worker)", "batches_returned": "\(returned)"])
        case .workerSilent(let worker, let returned):
            routes[worker] = nil
            log.warning(
                "a worker fell silent",
                metadata: ["worker": "\(worker)", "batches_returned": "\(returned)"]
            )
        case .sinkChanged(let sink): log.info("the sink answers", metadata: ["sink": "\(sink)"])
        case .sinkRefuses(let words): log.error("the sink takes nothing", metadata: ["reason": "\(words)"])
        case .suspected(let sequence, let count, let cause):
            log.error(
                "workers died over a batch: from now on it runs alone",
                metadata: ["sequence": "\(sequence)", "events": "\(count)", "cause": "\(cause)"]
            )
        case .setAside(let sequence, let cause):
            log.critical(
                "no worker survives an event: it is archived as it came and shown to nobody",
                metadata: ["sequence": "\(sequence)", "cause": "\(cause)"]
            )
        case .strayDone: break  // `notePretence` has counted it and said so.
        case .redelivered(let sequence, let attempt):
            log.warning(
                "sending again what the sink did not commit",
                metadata: ["sequence": "\(sequence)", "attempt": "\(attempt)"]
            )
        }
    }

    private func report(_ now: Int64, _ sink: String) {
        refusals.flush()
        counters.workers.store(machine.workerCount, ordering: .relaxed)
        counters.redeliveries.store(UInt64(machine.redeliveries), ordering: .relaxed)
        counters.strayMessages.store(UInt64(machine.strayMessages), ordering: .relaxed)
        counters.deadLetters.store(UInt64(machine.deadLetters), ordering: .relaxed)
        counters.frontierStill_ms.store(
            machine.isDrained ? 0 : max(0, now - machine.frontierMoved_ms),
            ordering: .relaxed
        )
        if !machine.refusal.isEmpty {
            counters.setSinkTrouble("the sink, which takes nothing: \(machine.refusal)")
        } else if now - lastWelcome_ms > 2_000 {
            counters.setSinkTrouble("the sink: nothing answers at \(sink); start enlace-sink")
        } else {
            counters.setSinkTrouble("")
        }
    }
}
