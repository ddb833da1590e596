import Bytes
import Logging
import Outbox
import Platform
import Synchronization
import Wire

/// The one thread that writes the outbox: everything that has queued up goes into one commit and one sync.
final class OutboxWriter: Sendable {
    /// What may be asked of it.
    enum Work: Sendable {
        case job(IntakeJob)
        /// The archive has everything through this sequence.
        case committed(UInt64, archive: Identifier128, generation: UInt32)
        /// The archive has less than it had.
        case rewound(to: UInt64, archive: Identifier128, generation: UInt32)
        case forget(gateway: String, envelope: [[UInt8]])

        var isAboutArchive: Bool {
            switch self {
            case .committed, .rewound: true
            case .job, .forget: false
            }
        }
    }

    private let outbox: Outbox
    private let queue = WorkQueue<Work>(limit: 64 * 1024 * 1024)
    private let outcomes: Mailbox<IntakeOutcome>
    private let stored: Mailbox<UInt64>
    private let counters: ProducerCounters
    private let rejectsDirectory: String
    private let log: Logger
    private let crc = CRC32C.hardware
    private let isGivingUp = Atomic<Bool>(false)
    private let failed = Atomic<Bool>(false)

    init(
        outbox: Outbox,
        outcomes: Mailbox<IntakeOutcome>,
        stored: Mailbox<UInt64>,
        counters: ProducerCounters,
        rejectsDirectory: String,
        log: Logger
    ) {
        self.outbox = outbox
        self.outcomes = outcomes
        self.stored = stored
        self.counters = counters
        self.rejectsDirectory = rejectsDirectory
        self.log = log
    }

    /// Queues work; any thread.
    func submit(_ work: Work) {
        let cost = if case .job(let job) = work { job.payload.count + 256 } else { 256 }
        _ = queue.push(work, cost: cost)
    }

    /// From now on a job that finds no room is given back, patient or not.
    func giveUpWaiting() { isGivingUp.store(true, ordering: .releasing) }

    /// Whether `run` has ended by an error: nothing that is queued will come back. Any thread.
    var hasFailed: Bool { failed.load(ordering: .acquiring) }

    /// Finishes what is queued and ends `run`.
    func stop() {
        giveUpWaiting()
        queue.close()
    }

    /// The thread's body. Throws what the producer cannot go on with.
    func run() throws(OutboxError) {
        do throws(OutboxError) { try work() } catch {
            failed.store(true, ordering: .releasing)
            queue.close()
            throw error
        }
    }

    private func work() throws(OutboxError) {
        let drain = RejectsDrain(outbox: outbox, directory: rejectsDirectory)
        try drainRejects(drain)
        var arrived: [Work] = []
        var jobs: [IntakeJob] = []
        var notes: [Work] = []
        // Why a part of an input was given back, once one was.
        var refused: OutboxError?
        var isOpen = true
        while isOpen || !jobs.isEmpty {
            // Notes alone can wait a little for a job whose commit takes them along; a job without room is tried again.
            isOpen = queue.popAll(into: &arrived, timeoutMilliseconds: jobs.isEmpty && notes.isEmpty ? 1000 : 50)
            var hasNewJob = false
            for work in arrived {
                if case .job(let job) = work {
                    jobs.append(job)
                    hasNewJob = true
                } else {
                    notes.append(work)
                }
            }
            if hasNewJob || !jobs.isEmpty || !isOpen || (arrived.isEmpty && !notes.isEmpty) {
                try commit(&jobs, &notes, &refused)
            }
            if jobs.isEmpty { try drainRejects(drain) }
        }
        if !notes.isEmpty { try commit(&jobs, &notes, &refused) }
        try drainRejects(drain)
    }

    private func drainRejects(_ drain: RejectsDrain) throws(OutboxError) {
        guard outbox.pendingRejects > 0 else { return }
        let before = drain.dropped
        defer {
            if drain.dropped > before {
                log.error(
                    "refused events are counted and not kept: the day's file of rejects is full",
                    metadata: ["events": "\(drain.dropped - before)", "directory": "\(rejectsDirectory)"]
                )
            }
        }
        do throws(OutboxError) { _ = try drain.drain() } catch {
            // They are safe in the outbox and are moved later.
            guard error.isTemporary else { throw error }
            log.warning("rejects wait in the outbox", metadata: ["reason": "\(error)"])
        }
    }

    // MARK: - Commits

    private func commit(
        _ jobs: inout [IntakeJob],
        _ notes: inout [Work],
        _ refused: inout OutboxError?
    ) throws(OutboxError) {
        giveBackInputs(&jobs, refused)
        guard !(jobs.isEmpty && notes.isEmpty) else { return }
        do throws(OutboxError) {
            try write(jobs, notes)
            jobs.removeAll(keepingCapacity: true)
            notes.removeAll(keepingCapacity: true)
            counters.setOutboxTrouble("")
            return
        } catch { guard error.isTemporary else { throw error } }
        // No room for all of it: what makes room goes first, then one job after the other.
        if !notes.isEmpty {
            do throws(OutboxError) {
                try write([], notes)
                notes.removeAll(keepingCapacity: true)
            } catch {
                // Not even for that: it is tried again. The archive's last word stands for those before it.
                guard error.isTemporary else { throw error }
                tell(error)
                let last = notes.lastIndex { $0.isAboutArchive }
                notes = notes.indices.filter { !notes[$0].isAboutArchive || $0 == last }.map { notes[$0] }
            }
        }
        while let job = jobs.first {
            do throws(OutboxError) {
                try write([job], [])
                jobs.removeFirst()
                counters.setOutboxTrouble("")
            } catch {
                guard error.isTemporary else { throw error }
                tell(error)
                if job.isPatient, !isGivingUp.load(ordering: .acquiring) { return }
                giveBack(job, error)
                jobs.removeFirst()
                if job.input != nil { refused = error }
                giveBackInputs(&jobs, refused)
            }
        }
    }

    /// What lies behind a part of an input that was given back is given back too, though it may fit: with its offset the next
    /// run would read over what was not taken.
    private func giveBackInputs(_ jobs: inout [IntakeJob], _ refused: OutboxError?) {
        guard let refused else { return }
        for job in jobs where job.input != nil { giveBack(job, refused) }
        jobs.removeAll { $0.input != nil }
    }

    private func tell(_ error: OutboxError) {
        if counters.waitsFor != "\(error)" {
            log.warning("the outbox takes nothing more", metadata: ["reason": "\(error)"])
        }
        counters.setOutboxTrouble("\(error)")
    }

    private func giveBack(_ job: IntakeJob, _ error: OutboxError) {
        let replies = job.answers.map { answer in
            IntakeOutcome.Reply(
                envelope: answer.envelope,
                gateway: answer.gateway,
                request: answer.request,
                body: GatewayAnswer.failed(
                    gateway: answer.gateway,
                    request: answer.request,
                    reason: "\(error)",
                    retry: true
                ),
                isDefinitive: false
            )
        }
        outcomes.post(IntakeOutcome(job: job, replies: replies, isStored: false))
    }

    private func write(_ jobs: [IntakeJob], _ notes: [Work]) throws(OutboxError) {
        var replies: [[IntakeOutcome.Reply]] = []
        var forgotten: [IntakeOutcome.Reply] = []
        try outbox.write { (txn: inout OutboxWrite) throws(OutboxError) in
            for note in notes {
                if let reply = try apply(note, &txn) { forgotten.append(reply) }
            }
            for job in jobs { replies.append(try store(job, &txn)) }
        }
        counters.commits.add(1, ordering: .relaxed)
        let last = outbox.nextSequence - 1
        counters.storedThrough.store(last, ordering: .relaxed)
        var isFirst = true
        for (job, answers) in zip(jobs, replies) {
            counters.acceptedEvents.add(UInt64(job.eventCount), ordering: .relaxed)
            counters.refusedEvents.add(UInt64(job.rejects.count), ordering: .relaxed)
            if let input = job.input {
                CrashPoint.hit(.producerInputCommitAfter)
                counters.inputBytes.store(input.offset, ordering: .relaxed)
            }
            if isFirst, !job.slices.isEmpty {
                stored.post(last)
                isFirst = false
            }
            outcomes.post(IntakeOutcome(job: job, replies: answers))
        }
        if !forgotten.isEmpty {
            outcomes.post(IntakeOutcome(job: IntakeJob(isPatient: false), replies: forgotten))
        }
    }

    private func apply(_ note: Work, _ txn: inout OutboxWrite) throws(OutboxError) -> IntakeOutcome.Reply? {
        switch note {
        case .committed(let sequence, let archive, let generation):
            try txn.setCommitted(sequence, archive: archive, generation: generation)
            CrashPoint.hit(.producerTrimBefore)
            _ = try txn.trim(through: sequence)
            CrashPoint.hit(.producerTrimAfter)
        case .rewound(let sequence, let archive, let generation):
            try txn.setCommitted(sequence, archive: archive, generation: generation)
        case .forget(let gateway, let envelope):
            let known = try txn.forget(gateway: gateway)
            return IntakeOutcome.Reply(
                envelope: envelope,
                gateway: gateway,
                request: 0,
                body: GatewayAnswer.forgotten(gateway: gateway, known: known),
                isDefinitive: true
            )
        case .job: break
        }
        return nil
    }

    private func store(_ job: IntakeJob, _ txn: inout OutboxWrite) throws(OutboxError) -> [IntakeOutcome.Reply] {
        let first = txn.nextSequence
        let now = Clock.now()
        for slice in job.slices {
            let bytes = UnsafeRawBufferPointer(rebasing: job.payload.bytes[slice.start..<slice.end])
            _ = try txn.append(
                payload: bytes,
                count: slice.count,
                receivedAt: now,
                checksum: crc.checksum(of: bytes)
            )
        }
        for record in job.rejects {
            _ = try unsafeBytes(record) { (bytes) throws(OutboxError) in
                try txn.appendReject(bytes, receivedAt: now)
            }
        }
        if let input = job.input {
            CrashPoint.hit(.producerInputCommitBefore)
            try txn.setInput(input.source, input.record)
        }
        var replies: [IntakeOutcome.Reply] = []
        for answer in job.answers {
            let body = GatewayAnswer.taken(
                gateway: answer.gateway,
                request: answer.request,
                producer: outbox.producer,
                epoch: outbox.epoch,
                first: first + UInt64(answer.firstIndex),
                accepted: answer.accepted,
                refused: answer.refused
            )
            try unsafeBytes(body) { (bytes) throws(OutboxError) in
                try txn.storeAnswer(
                    gateway: answer.gateway,
                    request: answer.request,
                    lowest: answer.lowest,
                    answer: bytes
                )
            }
            replies.append(
                IntakeOutcome.Reply(
                    envelope: answer.envelope,
                    gateway: answer.gateway,
                    request: answer.request,
                    body: body,
                    isDefinitive: true
                )
            )
        }
        return replies
    }
}

/// `withUnsafeBytes` that keeps the type of what the body throws.
func unsafeBytes<Value, Failure: Error>(
    _ array: [UInt8],
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
) throws(Failure) -> Value {
    let result = array.withUnsafeBytes { bytes -> Result<Value, Failure> in
        do throws(Failure) { return .success(try body(bytes)) } catch { return .failure(error) }
    }
    return try result.get()
}
