import Bytes
import Daemon
import Delivery
import EventJSON
import Incident
import Logging
import Outbox
import Platform
import Synchronization
import Wire
import ZeroMQ

/// Takes the requests of gateways: one thread, one ROUTER.
///
/// Events of all requests that arrive while a commit runs go into the next one. Two jobs are in flight at most; while
/// they are, nothing is read, and the gateways wait in their sockets.
final class GatewayIntake {
    private let options: ProducerOptions
    private let outbox: Outbox
    private let reader: EventReader
    private let writer: OutboxWriter
    private let outcomes: Mailbox<IntakeOutcome>
    private let counters: ProducerCounters
    private let stop: StopSignal
    private let refusals: RefusalLog<ProducerRefusal>

    private var ledger: GatewayLedger
    private var spare: [IntakeJob] = []
    private var current = IntakeJob(isPatient: false)
    private var currentSince_ms: Int64 = 0
    private var inFlight = 0
    private var frame = Message()
    private var hasMore = false

    private static let jobsInFlight = 2
    private static let gatewaysKnown = 2_000

    init(
        options: ProducerOptions,
        outbox: Outbox,
        reader: EventReader,
        writer: OutboxWriter,
        outcomes: Mailbox<IntakeOutcome>,
        counters: ProducerCounters,
        stop: StopSignal,
        refusals: RefusalLog<ProducerRefusal>
    ) {
        self.options = options
        self.outbox = outbox
        self.reader = reader
        self.writer = writer
        self.outcomes = outcomes
        self.counters = counters
        self.stop = stop
        self.refusals = refusals
        ledger = GatewayLedger(rememberedCount: outbox.gatewayCount)
    }

    /// The thread's body; `started` is told once the endpoint is bound. Ends when the stop signal is given and what
    /// was taken is answered.
    func run(_ context: borrowing Context, started: () -> Void) throws {
        var socketOptions = SocketOptions()
        socketOptions.maximumMessageBytes = Int64(Limits.requestBytes)
        socketOptions.receiveHighWaterMark = 64
        socketOptions.sendHighWaterMark = 256
        socketOptions.lingerMilliseconds = 200
        socketOptions.isMonitored = true
        var socket = try context.socket(.router, socketOptions)
        _ = try socket.bind(try options.run.endpoint(.producerGateways(options.station, options.name)))
        started()
        var poller = Poller()
        let requests = poller.add(socket)
        let results = poller.add(descriptor: outcomes.descriptor)
        let stopped = poller.add(descriptor: stop.descriptor)
        var arrived: [IntakeOutcome] = []
        while true {
            if stop.isGiven {
                submit()
                // What a writer that failed has taken stays unanswered: nobody knows what of it is on the disk.
                if inFlight == 0 || writer.hasFailed { return }
                poller.set(stopped, [])
            }
            let mayRead = inFlight < Self.jobsInFlight && !current.isFull && !stop.isGiven
            poller.set(requests, mayRead ? .readable : [])
            _ = try poller.wait(timeoutMilliseconds: current.isEmpty ? 1000 : Limits.batchDelayMilliseconds)
            if poller.isReadable(results) {
                outcomes.drain(into: &arrived)
                for outcome in arrived { try finish(outcome, &socket) }
            }
            if mayRead, poller.isReadable(requests) {
                while !current.isFull, try socket.receive(into: &frame) { try take(&socket) }
            }
            flushIfDue()
            while let event = try socket.nextEvent() {
                if event.isProblem { refusals.refuse(.gatewayConnection, ["reason": "\(event)"]) }
            }
        }
    }

    private static var now_ms: Int64 { Int64(Clock.monotonicNanoseconds() / 1_000_000) }

    /// One commit runs at once when the writer is idle; while it runs the next job gathers.
    private func flushIfDue() {
        guard !current.isEmpty else { return }
        let age_ms = Self.now_ms - currentSince_ms
        if inFlight == 0 || current.isFull || age_ms >= Int64(Limits.batchDelayMilliseconds) {
            if inFlight < Self.jobsInFlight { submit() }
        }
    }

    private func submit() {
        guard !current.isEmpty else { return }
        inFlight += 1
        writer.submit(.job(current))
        current = spare.popLast() ?? IntakeJob(isPatient: false)
    }

    private func finish(_ outcome: IntakeOutcome, _ socket: inout Socket) throws {
        ledger.remembers(outbox.gatewayCount)
        for reply in outcome.replies {
            if reply.request == 0 {
                ledger.forgot(reply.gateway)
            } else if reply.isDefinitive {
                ledger.answered(reply.gateway, number: reply.request)
            } else {
                ledger.failed(reply.gateway, number: reply.request)
            }
            CrashPoint.hit(.producerGatewayAnswerBefore)
            try send(reply.body, to: reply.envelope, &socket)
            CrashPoint.hit(.producerGatewayAnswerAfter)
        }
        guard outcome.job.isEmpty == false else { return }
        inFlight -= 1
        outcome.job.reset()
        spare.append(outcome.job)
    }

    /// A gateway that is gone or does not read gets nothing: it asks again and is given the stored answer.
    private func send(_ body: [UInt8], to envelope: [[UInt8]], _ socket: inout Socket) throws {
        var answer = Multipart()
        for frame in envelope { answer.append(Message(copying: frame)) }
        answer.append(Message("ENLACE1"))
        answer.append(Message(copying: body))
        _ = try socket.send(&answer)
    }

    /// Answers what is no request, or one that cannot be taken, and counts it.
    private func refuse(
        _ kind: ProducerRefusal,
        _ reason: String,
        request: UInt64?,
        retry: Bool = false,
        from gateway: String? = nil,
        to envelope: [[UInt8]],
        _ socket: inout Socket
    ) throws {
        refusals.refuse(kind, ["gateway": "\(gateway ?? "unknown")", "reason": "\(reason)"])
        let body = GatewayAnswer.failed(gateway: gateway, request: request, reason: reason, retry: retry)
        try send(body, to: envelope, &socket)
    }

    // MARK: - Requests

    /// Receives the next frame of the request at hand into `frame`; false when there is none.
    private func nextFrame(_ socket: inout Socket) throws -> Bool {
        guard hasMore, try socket.receive(into: &frame) else {
            hasMore = false
            return false
        }
        hasMore = frame.hasMore
        return true
    }

    /// Reads one request whose first frame is in `frame`; its other frames have come with it.
    private func take(_ socket: inout Socket) throws {
        hasMore = frame.hasMore
        let identity = frame.bytes
        try take(from: identity, &socket)
        // What a request that was answered early still has is passed over.
        while try nextFrame(&socket) {}
    }

    private func take(from identity: [UInt8], _ socket: inout Socket) throws {
        var envelope = [identity]
        counters.requests.add(1, ordering: .relaxed)
        let hasFrame = try nextFrame(&socket)
        if hasFrame, frame.isEmpty {
            // The empty frame that a REQ socket puts in front.
            envelope.append([])
            _ = try nextFrame(&socket)
        }
        guard hasFrame, frame.withBytes({ $0.elementsEqual("ENLACE1".utf8) }) else {
            let reason = "the first frame must be ENLACE1: this endpoint speaks version 1 of the gateway protocol"
            return try refuse(.gatewayFrames, reason, request: nil, to: envelope, &socket)
        }
        guard try nextFrame(&socket) else {
            let reason = "the second frame, a JSON object with gateway, request and lowest, is missing"
            return try refuse(.gatewayFrames, reason, request: nil, to: envelope, &socket)
        }
        let parsed = frame.withBytes { bytes in
            Result { () throws(GatewayHeader.Malformed) in try GatewayHeader(bytes) }
        }
        switch parsed {
        case .failure(let error):
            try refuse(.gatewayFrames, error.reason, request: error.request, to: envelope, &socket)
        case .success(let header):
            switch header.wish {
            case .progress:
                let body = GatewayAnswer.progress(
                    gateway: header.gateway,
                    producer: outbox.producer,
                    epoch: outbox.epoch,
                    accepted: outbox.nextSequence - 1,
                    archived: counters.archivedThrough.load(ordering: .relaxed)
                )
                try send(body, to: envelope, &socket)
            case .forget: writer.submit(.forget(gateway: header.gateway, envelope: envelope))
            case .publish(let request, let lowest):
                guard try admit(header.gateway, request, lowest, envelope, &socket) else { return }
                try takeEvents(header.gateway, request, envelope, &socket)
            }
        }
    }

    /// Takes the frames that are left, one event each, into the job that gathers.
    private func takeEvents(
        _ gateway: String,
        _ request: UInt64,
        _ envelope: [[UInt8]],
        _ socket: inout Socket
    ) throws {
        let mark = current.mark
        let record = RefusalRecord(source: "gateway:" + gateway, line: 0, station: options.station)
        var refused: [GatewayAnswer.Refused] = []
        var count = 0
        var bytes = 0
        while try nextFrame(&socket) {
            count += 1
            bytes += frame.count
            guard count <= Limits.requestEvents, bytes <= Limits.requestBytes else { break }
            frame.withBytes { event in
                do throws(Refusal) {
                    try current.append(event, reader: reader, station: .only(options.station))
                } catch {
                    refused.append(.init(event: count, field: error.field, reason: error.reason))
                    var record = record
                    record.line = count
                    current.rejects.append(
                        record.encode(event, length: event.count, refusal: error, at: Clock.now())
                    )
                }
            }
        }
        guard (1...Limits.requestEvents).contains(count), bytes <= Limits.requestBytes else {
            current.goBack(to: mark)
            ledger.failed(gateway, number: request)
            let reason =
                "a request has 1 to \(Limits.requestEvents) events, one a frame, of at most "
                + "\(Limits.requestBytes) bytes together"
            return try refuse(.gatewaySize, reason, request: request, from: gateway, to: envelope, &socket)
        }
        if current.answers.isEmpty { currentSince_ms = Self.now_ms }
        current.answers.append(
            IntakeJob.PendingAnswer(
                envelope: envelope,
                gateway: gateway,
                request: request,
                lowest: ledger.lowest(of: gateway),
                firstIndex: mark.eventCount,
                accepted: count - refused.count,
                refused: refused
            )
        )
    }

    /// Whether the request's events are to be taken; answers it when not.
    private func admit(
        _ gateway: String,
        _ request: UInt64,
        _ lowest: UInt64,
        _ envelope: [[UInt8]],
        _ socket: inout Socket
    ) throws -> Bool {
        var decision = ledger.decide(gateway, number: request, lowest: lowest)
        if decision == .lookUp {
            ledger.shrink(to: Self.gatewaysKnown)
            let state = try outbox.gatewayState(gateway)
            ledger.know(gateway, answered: state?.answered, lowest: state?.lowest ?? 0)
            decision = ledger.decide(gateway, number: request, lowest: lowest)
        }
        switch decision {
        case .accept: return true
        case .inProgress, .lookUp: return false
        case .repeatAnswer:
            if let stored = try outbox.answer(gateway, request: request) { try send(stored, to: envelope, &socket) }
            return false
        case .stale(let oldest):
            let reason =
                "request \(request) is older than what is remembered of gateway \(gateway), \(oldest): it was answered"
            try refuse(.gatewayStale, reason, request: request, from: gateway, to: envelope, &socket)
            return false
        case .tooManyGateways:
            let reason =
                "this producer remembers \(Limits.gatewaysPerProducer) gateways and takes no new one: "
                + "let gateways that are gone be forgotten"
            try refuse(.gatewayLimit, reason, request: request, retry: true, from: gateway, to: envelope, &socket)
            return false
        }
    }
}
