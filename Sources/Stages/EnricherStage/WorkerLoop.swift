import Bytes
import Daemon
import Delivery
import Incident
import Logging
import Platform
import Synchronization
import Wire
import ZeroMQ

/// One worker: asks producers for batches, enriches them, hands them to the sink. Keeps nothing.
final class WorkerLoop {
    /// A producer that is connected to.
    private struct Producer: ~Copyable {
        var socket: Socket
        var slot: Poller.Slot
        let endpoint: String
    }

    private let options: EnricherOptions
    private let enrich: EnrichEvent
    private let counters: EnricherCounters
    private let stop: StopSignal
    private let refusals: RefusalLog<EnricherRefusal>
    private let log: Logger

    private var machine: WorkerMachine
    private let recorder: FlightRecorder
    private var endpoints: [String] = []
    private var scratch = ByteWriter(capacity: 256)
    private var frames = Multipart()
    private var batches: [UInt64: MessageBox] = [:]
    private var enricher: BatchEnricher
    private var nextTicket: UInt64 = 1
    /// The batch that the sink's socket would not take yet.
    private var outgoing = Multipart()
    private var outgoingTicket: UInt64 = 0
    private var waiting: [UInt64] = []
    private var isFinished = false
    private var nextSearch_ms: Int64 = 0

    /// How long a drain may take before what is held is given back.
    private static let drainMilliseconds: Int64 = 5_000

    init(
        options: EnricherOptions,
        enrich: @escaping EnrichEvent,
        recorder: FlightRecorder,
        incarnation: Identifier128,
        deaths: [WorkerMessage.Death],
        counters: EnricherCounters,
        stop: StopSignal,
        refusals: RefusalLog<EnricherRefusal>,
        log: Logger
    ) {
        self.options = options
        self.enrich = enrich
        self.counters = counters
        self.stop = stop
        self.refusals = refusals
        self.log = log
        self.recorder = recorder
        enricher = BatchEnricher(enrich: enrich, recorder: recorder, counters: counters, log: log)
        machine = WorkerMachine(incarnation: incarnation, isAlone: options.workers <= 1, deaths: deaths)
    }

    private static var now_ms: Int64 { Int64(Clock.monotonicNanoseconds() / 1_000_000) }

    /// The thread's body. Ends when the stop signal is given and what is held is handed on.
    func run(_ context: borrowing Context) throws {
        recorder.watchThisThread()
        var sinkOptions = SocketOptions()
        // Little room on purpose: what lies in a queue is lost with the process and must be sent again.
        sinkOptions.sendHighWaterMark = 4
        sinkOptions.lingerMilliseconds = 2_000
        sinkOptions.maximumMessageBytes = 1024
        var sink = try context.socket(.dealer, sinkOptions)
        try sink.connect(try options.sinkEndpoint ?? options.run.endpoint(.sinkIntake))
        var producers = Producers()
        var poller = Poller()
        let stopped = poller.add(descriptor: stop.descriptor)
        let toSink = poller.add(sink, [])
        var drainEnds_ms: Int64 = .max
        while !isFinished {
            let now = Self.now_ms
            if now >= nextSearch_ms, !machine.isDraining {
                nextSearch_ms = now + 1_000
                refusals.flush()
                try search(context, &producers, &sink, &poller, now)
            }
            if stop.isGiven, !machine.isDraining {
                drainEnds_ms = now + Self.drainMilliseconds
                poller.set(stopped, [])
                try carryOut(machine.drain(), &producers, &sink)
            }
            if now >= drainEnds_ms {
                drainEnds_ms = .max
                try carryOut(machine.abandon(), &producers, &sink)
            }
            machine.isBlocked = isBlocked
            try carryOut(machine.tick(now_ms: now), &producers, &sink)
            guard !isFinished else { break }
            // While the sink takes nothing, nothing more is taken from producers: the batches go to other workers.
            poller.set(toSink, isBlocked ? .writable : [])
            producers.listen(!isBlocked, &poller)
            try poller.wait(timeoutMilliseconds: 20)
            if isBlocked, poller.isWritable(toSink) { try offer(&producers, &sink) }
            if !isBlocked { try receive(&producers, &sink, poller) }
        }
        counters.producers.subtract(producers.count, ordering: .relaxed)
    }

    private var isBlocked: Bool { outgoingTicket != 0 }

    // MARK: - Producers

    private func search(
        _ context: borrowing Context,
        _ producers: inout Producers,
        _ sink: inout Socket,
        _ poller: inout Poller,
        _ now: Int64
    ) throws {
        var wanted = options.producers
        if wanted.isEmpty {
            for found in options.run.discoverProducers(station: options.station) {
                wanted.append(try options.run.endpoint(.producerWorkers(found.station, found.name)))
            }
        }
        for endpoint in wanted where !endpoints.contains(endpoint) {
            var socketOptions = SocketOptions()
            socketOptions.lingerMilliseconds = 500
            socketOptions.maximumMessageBytes = Int64(Limits.frameBytes)
            var socket = try context.socket(.dealer, socketOptions)
            try socket.connect(endpoint)
            let slot = poller.add(socket)
            endpoints.append(endpoint)
            producers.append(socket, slot)
            counters.producers.add(1, ordering: .relaxed)
            log.debug("asking a producer for work", metadata: ["endpoint": "\(endpoint)"])
            try carryOut(machine.connected(producer: producers.count - 1, now_ms: now), &producers, &sink)
        }
    }

    private func receive(_ producers: inout Producers, _ sink: inout Socket, _ poller: borrowing Poller) throws {
        for index in 0..<producers.count where poller.isReadable(producers.slot(index)) {
            while !isBlocked, try producers.receive(index, into: &frames) {
                guard frames.count == 2, frames.withBytes(at: 0, { BatchFrame.isDispatch($0) }) else {
                    refusals.refuse(.producerFrames, ["endpoint": "\(endpoints[index])"])
                    continue
                }
                let box = MessageBox(frames.take(1))
                do throws(BatchHeader.DecodeError) {
                    let header = try box.withBytes { (bytes) throws(BatchHeader.DecodeError) in
                        let (header, payload) = try BatchHeader.decodeBatch(bytes, checksum: .hardware)
                        guard header.lineCountMatches(payload) else { throw .lines }
                        return header
                    }
                    let ticket = nextTicket
                    nextTicket += 1
                    batches[ticket] = box
                    let key = WorkerMessage.BatchKey(epoch: header.epoch, firstSequence: header.firstSequence)
                    let actions = machine.received(
                        ticket: ticket,
                        key: key,
                        producer: index,
                        now_ms: Self.now_ms
                    )
                    try_(actions, &producers, &sink)
                } catch {
                    counters.broken.add(1, ordering: .relaxed)
                    refusals.refuse(
                        .brokenBatch,
                        ["endpoint": "\(endpoints[index])", "reason": "\(error.rawValue)"]
                    )
                }
                try rethrow()
            }
        }
    }

    private var pendingError: (any Error)?

    private func try_(_ actions: [WorkerMachine.Action], _ producers: inout Producers, _ sink: inout Socket) {
        do { try carryOut(actions, &producers, &sink) } catch { pendingError = error }
    }

    private func rethrow() throws {
        if let error = pendingError { throw error }
    }

    // MARK: - Doing

    private func carryOut(
        _ actions: [WorkerMachine.Action],
        _ producers: inout Producers,
        _ sink: inout Socket
    ) throws {
        // What follows a message that cannot be sent now waits with it: a producer that hears a heartbeat has heard of
        // the deaths that go before it.
        var unsent: Set<Int> = []
        for action in actions {
            switch action {
            case .process(let ticket):
                waiting.append(ticket)
                try work(&producers, &sink)
            case .send(let message, let producer):
                guard !unsent.contains(producer) else { continue }
                scratch.removeAll()
                message.encode(into: &scratch)
                if try producers.send(producer, scratch.bytes) != .sent { unsent.insert(producer) }
            case .drop(let ticket):
                batches[ticket] = nil
                waiting.removeAll { $0 == ticket }
                if outgoingTicket == ticket { unblock() }
            case .finished: isFinished = true
            }
        }
    }

    /// Enriches and offers one batch after the other while the sink's socket takes them.
    private func work(_ producers: inout Producers, _ sink: inout Socket) throws {
        while !isBlocked, let ticket = waiting.first {
            waiting.removeFirst()
            guard let box = batches.removeValue(forKey: ticket) else { continue }
            CrashPoint.hit(.enricherBatchEnrichBefore)
            let batch = box.withBytes { enricher.enrich($0) }
            CrashPoint.hit(.enricherBatchEnrichAfter)
            outgoing.removeAll()
            scratch.removeAll()
            BatchFrame.encodeAppend(worker: machine.incarnation, into: &scratch)
            outgoing.append(copying: scratch.bytes)
            outgoing.append(batch)
            outgoingTicket = ticket
            counters.blocked.add(1, ordering: .relaxed)
            try offer(&producers, &sink)
        }
    }

    private func offer(_ producers: inout Producers, _ sink: inout Socket) throws {
        CrashPoint.hit(.enricherForwardBefore)
        guard try sink.send(&outgoing) == .sent else { return }
        CrashPoint.hit(.enricherForwardAfter)
        let ticket = outgoingTicket
        unblock()
        counters.batches.add(1, ordering: .relaxed)
        CrashPoint.hit(.enricherDoneBefore)
        try carryOut(machine.forwarded(ticket: ticket, now_ms: Self.now_ms), &producers, &sink)
        CrashPoint.hit(.enricherDoneAfter)
        try work(&producers, &sink)
    }

    private func unblock() {
        outgoingTicket = 0
        outgoing.removeAll()
        counters.blocked.subtract(1, ordering: .relaxed)
    }
}

/// The producers' sockets, in the order in which they were found.
private struct Producers: ~Copyable {
    private final class Connection {
        var socket: Socket
        let slot: Poller.Slot
        init(_ socket: consuming Socket, _ slot: Poller.Slot) {
            self.socket = socket
            self.slot = slot
        }
    }

    private var connections: [Connection] = []

    init() {}

    var count: Int { connections.count }

    func slot(_ index: Int) -> Poller.Slot { connections[index].slot }

    mutating func append(_ socket: consuming Socket, _ slot: Poller.Slot) {
        connections.append(Connection(socket, slot))
    }

    /// Sends one frame; what cannot be sent now is said again by the next heartbeat.
    mutating func send(_ index: Int, _ bytes: UnsafeRawBufferPointer) throws(ZeroMQError) -> SendOutcome {
        var message = Message(copying: bytes)
        return try connections[index].socket.send(&message)
    }

    mutating func receive(_ index: Int, into frames: inout Multipart) throws(ZeroMQError) -> Bool {
        try connections[index].socket.receive(into: &frames)
    }

    func listen(_ isListening: Bool, _ poller: inout Poller) {
        for connection in connections { poller.set(connection.slot, isListening ? .readable : []) }
    }
}
