import Bytes
import Mutation
import Wire

/// Hands a producer's batches to workers, and again to others, until the sink has committed them.
///
/// Pure: the shell feeds it what arrives and what time it is (monotonic milliseconds) and carries out the actions.
/// It knows only the batches inside the window; everything else waits in the outbox.
public struct ProducerDispatch: Sendable {
    /// What the shell is to do.
    public enum Action: Equatable, Sendable {
        /// Read the batch that holds or follows this sequence from the outbox and answer with `loaded`.
        case load(from: UInt64)
        /// Send the batch to the worker; on failure answer with `undeliverable`.
        case dispatch(firstSequence: UInt64, worker: Identifier128)
        /// Cut the loaded batch into batches of so many events; they are dispatched by their own first sequences.
        case slice(firstSequence: UInt64, counts: [UInt64])
        /// Send the batch, one event, to the sink as it came: no worker survives it.
        case deadLetter(firstSequence: UInt64, reason: String)
        /// Everything through this sequence is archived: forget it in the outbox.
        case trim(through: UInt64, archive: Identifier128)
        /// The archive has only what is through this sequence: an older copy of it was put in place.
        case rewind(to: UInt64)
        /// For the log.
        case note(Note)
    }

    /// What an operator may want to know.
    public enum Note: Equatable, Sendable {
        case workerJoined(Identifier128)
        case workerLeft(Identifier128, returned: Int)
        case workerSilent(Identifier128, returned: Int)
        case sinkChanged(Identifier128)
        case sinkRefuses(String)
        case redelivered(firstSequence: UInt64, attempt: Int)
        /// Workers died over this batch: from now on it runs alone.
        case suspected(firstSequence: UInt64, count: UInt64, WorkerMessage.Cause)
        /// Workers that had nothing but this event died over it.
        case setAside(sequence: UInt64, WorkerMessage.Cause)
        /// A worker speaks of a batch that it was not given, or that another one has.
        case strayDone(Identifier128, firstSequence: UInt64)
    }

    enum Place: Equatable {
        case ready(notBefore_ms: Int64)
        case held(worker: Identifier128, since_ms: Int64)
        case forwarded(worker: Identifier128, since_ms: Int64)
        case setAside(since_ms: Int64)
    }

    struct Flight {
        var key: WorkerMessage.BatchKey
        var count: UInt64
        var bytes: Int
        var place: Place
        var attempts = 0
        /// The worker that had it last and brought it no further.
        var failedBy: Identifier128?
        var suspicion = Suspicion()
        var lastSequence: UInt64 { key.firstSequence + count - 1 }
    }

    struct Worker {
        var capacity: Int
        var isAlone = true
        var lastHeard_ms: Int64
        var blockedUntilHeard = false
        var held = 0
    }

    /// The last sequence that the outbox holds.
    public private(set) var stored: UInt64
    /// The last sequence that the sink has committed.
    public private(set) var committed: UInt64
    /// The sink's present run, once it has answered.
    public private(set) var sink: Identifier128?
    /// What the sink grants, in raw payload bytes; 0 until it has answered.
    public private(set) var windowBytes = 0
    /// Why the sink takes nothing, when it refuses.
    public private(set) var refusal = ""
    /// When the commit frontier last moved, or had nothing to wait for.
    public private(set) var frontierMoved_ms: Int64 = 0
    /// How many batches were dispatched more than once.
    public private(set) var redeliveries = 0
    /// Messages of workers about batches that they were never given.
    public private(set) var strayMessages = 0
    /// Events set aside because no worker survives them.
    public internal(set) var deadLetters = 0

    let producer: Identifier128
    private let epochs: [EpochStart]
    private let maximumWindowBytes: Int
    /// The known batches above `committed`, in order and without a gap.
    var flights: [Flight] = []
    var workers: [Identifier128: Worker] = [:]
    /// Runs of workers whose deaths were counted, the latest last.
    var deathsKnown: [Identifier128] = []
    private var outstandingBytes = 0
    private var isLoading = false
    private var loadedThrough: UInt64

    /// Begins with what the outbox holds: everything above `committed` through `stored`, of these epochs, the current
    /// one last. `archive` has what is committed.
    public init(
        producer: Identifier128,
        epochs: [EpochStart],
        committed: UInt64,
        stored: UInt64,
        archive: Identifier128 = .zero,
        maximumWindowBytes: Int = Limits.producerWindowBytes
    ) {
        home = archive
        self.producer = producer
        self.epochs = epochs
        self.committed = committed
        self.stored = stored
        self.maximumWindowBytes = maximumWindowBytes
        loadedThrough = committed
    }

    /// Bytes of the batches that are known and not committed: never more than the window and one batch.
    public var outstanding: Int { outstandingBytes }

    /// How many workers live.
    public var workerCount: Int { workers.count }

    /// Whether everything that the outbox holds is archived.
    public var isDrained: Bool { committed >= stored }

    // MARK: - Inputs

    /// The outbox now holds everything through `sequence`.
    public mutating func accepted(through sequence: UInt64, now_ms: Int64) -> [Action] {
        if isDrained { frontierMoved_ms = now_ms }
        stored = max(stored, sequence)
        return proceed(now_ms)
    }

    /// The outbox's answer to `load`: the next batch, or nothing when there is none.
    public mutating func loaded(
        _ batch: (key: WorkerMessage.BatchKey, count: UInt64, bytes: Int)?,
        now_ms: Int64
    ) -> [Action] {
        isLoading = false
        guard let batch, batch.key.firstSequence + batch.count - 1 > loadedThrough else { return [] }
        flights.append(
            Flight(key: batch.key, count: batch.count, bytes: batch.bytes, place: .ready(notBefore_ms: now_ms))
        )
        outstandingBytes += batch.bytes
        loadedThrough = batch.key.firstSequence + batch.count - 1
        return proceed(now_ms)
    }

    /// A worker spoke.
    public mutating func heard(_ message: WorkerMessage, now_ms: Int64) -> [Action] {
        switch message {
        case .heartbeat(let worker, let capacity, let held, let isAlone):
            return heartbeat(worker, capacity: Int(capacity), held: held, isAlone: isAlone, now_ms: now_ms)
        case .died(_, let death): return died(death, now_ms: now_ms) + proceed(now_ms)
        case .done(let worker, let batch):
            workers[worker]?.lastHeard_ms = now_ms
            guard let index = flightIndex(batch), case .held(worker, _) = flights[index].place else {
                // One that is committed, or was given to another one meanwhile, is no offence.
                let isKnown =
                    batch.firstSequence <= stored && flightIndex(batch) != nil || batch.firstSequence <= committed
                if isKnown { return proceed(now_ms) }
                strayMessages += 1
                return [.note(.strayDone(worker, firstSequence: batch.firstSequence))] + proceed(now_ms)
            }
            leave(index)
            flights[index].place = .forwarded(worker: worker, since_ms: now_ms)
            if isMutated(.trimOnWorkersWord) { return commit(flights[index].lastSequence, now_ms: now_ms) }
            return proceed(now_ms)
        case .goodbye(let worker):
            guard workers[worker] != nil else { return [] }
            let returned = release(worker, includingForwarded: false, now_ms: now_ms)
            return [.note(.workerLeft(worker, returned: returned))] + proceed(now_ms)
        }
    }

    /// The shell could not send a dispatched batch to its worker.
    public mutating func undeliverable(
        firstSequence: UInt64,
        worker: Identifier128,
        isGone: Bool,
        now_ms: Int64
    ) -> [Action] {
        if let index = flights.firstIndex(where: { $0.key.firstSequence == firstSequence }),
            case .held(worker, _) = flights[index].place
        {
            leave(index)
            flights[index].place = .ready(notBefore_ms: now_ms)
            flights[index].attempts -= 1
        }
        guard isGone else {
            workers[worker]?.blockedUntilHeard = true
            return proceed(now_ms)
        }
        guard workers[worker] != nil else { return proceed(now_ms) }
        let returned = release(worker, includingForwarded: true, now_ms: now_ms)
        return [.note(.workerLeft(worker, returned: returned))] + proceed(now_ms)
    }

    /// The sink spoke. Messages to another producer are passed over.
    public mutating func heard(_ message: ControlMessage, now_ms: Int64) -> [Action] {
        switch message {
        case .welcome(let welcome) where welcome.producer == producer && welcome.epoch == epochs.last?.epoch:
            return welcomed(welcome, now_ms: now_ms)
        case .commit(producer, let epoch, let through):
            return commit(min(through, last(of: epoch)), now_ms: now_ms)
        case .nack(producer, let epoch, let from) where epochs.contains { $0.epoch == epoch }:
            for index in flights.indices where flights[index].lastSequence >= from {
                switch flights[index].place {
                case .ready, .held: break
                case .forwarded, .setAside:
                    let pause_ms = backoff_ms(flights[index].attempts) / Int64(Limits.nackBackoffDivisor)
                    flights[index].place = .ready(notBefore_ms: now_ms + pause_ms)
                }
            }
            return proceed(now_ms)
        default: return []
        }
    }

    /// Time has passed: finds silent workers, lost batches and a frontier that waits too long.
    public mutating func tick(now_ms: Int64) -> [Action] {
        var actions: [Action] = []
        let deadline_ms = now_ms - Int64(Limits.heartbeatDeadMilliseconds)
        for worker in workers.filter({ $0.value.lastHeard_ms < deadline_ms }).keys.sorted() {
            let returned = release(worker, includingForwarded: true, now_ms: now_ms)
            actions.append(.note(.workerSilent(worker, returned: returned)))
        }
        if isDrained { frontierMoved_ms = now_ms }
        actions += redeliverFrontier(now_ms)
        return actions + proceed(now_ms)
    }

    // MARK: - Workers

    private mutating func heartbeat(
        _ worker: Identifier128,
        capacity: Int,
        held: [WorkerMessage.BatchKey],
        isAlone: Bool,
        now_ms: Int64
    ) -> [Action] {
        var actions: [Action] = []
        if workers[worker] == nil {
            guard workers.count < Limits.workersPerProducer else { return [] }
            actions.append(.note(.workerJoined(worker)))
        }
        var state = workers[worker] ?? Worker(capacity: capacity, lastHeard_ms: now_ms)
        state.capacity = min(capacity, Limits.workerCapacityBatches)
        state.isAlone = isAlone
        state.lastHeard_ms = now_ms
        state.blockedUntilHeard = false
        workers[worker] = state
        // A batch that the worker should hold and does not name was lost on the way, unless it is still on it.
        for index in flights.indices {
            guard case .held(worker, let since_ms) = flights[index].place,
                now_ms - since_ms > Int64(Limits.heartbeatDeadMilliseconds), !held.contains(flights[index].key)
            else { continue }
            leave(index)
            flights[index].place = .ready(notBefore_ms: now_ms)
        }
        return actions + proceed(now_ms)
    }

    /// A flight leaves the worker that holds it, if one does; its place is set by the caller.
    mutating func leave(_ index: Int) {
        if case .held(let worker, _) = flights[index].place { workers[worker]?.held -= 1 }
    }

    /// Forgets a worker and makes its batches ready again. What a dead worker had forwarded may still be in its
    /// socket's queue and is lost with it; what a worker forwarded before it said goodbye has left.
    mutating func release(_ worker: Identifier128, includingForwarded: Bool, now_ms: Int64) -> Int {
        workers[worker] = nil
        var returned = 0
        for index in flights.indices {
            switch flights[index].place {
            case .held(worker, _): break
            case .forwarded(worker, _) where includingForwarded: break
            default: continue
            }
            flights[index].place = .ready(notBefore_ms: now_ms + pauseAfterDeath_ms(flights[index]))
            returned += 1
        }
        return returned
    }

    // MARK: - The sink

    private mutating func welcomed(_ welcome: Welcome, now_ms: Int64) -> [Action] {
        var actions: [Action] = []
        let reason = isHome(welcome) ? welcome.refusal : foreignReason(welcome)
        if !reason.isEmpty {
            windowBytes = 0
            // Nothing that this sink commits is archived where it belongs.
            if !isHome(welcome) { archive = .zero }
            defer { refusal = reason }
            return refusal == reason ? [] : [.note(.sinkRefuses(reason))]
        }
        refusal = ""
        windowBytes = min(Int(clamping: welcome.windowBytes), maximumWindowBytes)
        if sink != welcome.sink {
            // What the old run had not committed is gone with it.
            if sink != nil { forgetForwarded(now_ms) }
            sink = welcome.sink
            actions.append(.note(.sinkChanged(welcome.sink)))
        }
        archive = welcome.archive
        if welcome.generation > generation, welcome.watermark < committed {
            actions.append(rewind(to: welcome.watermark))
        }
        generation = welcome.generation
        return actions + commit(welcome.watermark, now_ms: now_ms)
    }

    private var archive: Identifier128 = .zero

    /// The archive that has what was committed; zero while nothing is.
    private(set) var home: Identifier128

    private var generation: UInt32 = 0

    /// An older copy of the archive was put in place: what the outbox still has above it goes out again.
    private mutating func rewind(to watermark: UInt64) -> Action {
        committed = watermark
        loadedThrough = watermark
        flights = []
        outstandingBytes = 0
        isLoading = false
        for worker in workers.keys { workers[worker]?.held = 0 }
        return .rewind(to: watermark)
    }

    private mutating func forgetForwarded(_ now_ms: Int64) {
        for index in flights.indices {
            switch flights[index].place {
            case .ready, .held: break
            case .forwarded, .setAside: flights[index].place = .ready(notBefore_ms: now_ms)
            }
        }
    }

    private mutating func commit(_ through: UInt64, now_ms: Int64) -> [Action] {
        // A sink cannot have more than there is, and one that has not said which archive it serves trims nothing.
        guard through > committed, through <= stored, archive != .zero else { return proceed(now_ms) }
        committed = through
        home = archive
        loadedThrough = max(loadedThrough, through)
        frontierMoved_ms = now_ms
        var finished = 0
        while finished < flights.count, flights[finished].lastSequence <= through {
            outstandingBytes -= flights[finished].bytes
            leave(finished)
            finished += 1
        }
        flights.removeFirst(finished)
        return [.trim(through: through, archive: archive)] + proceed(now_ms)
    }

    /// The last sequence that an epoch may have here; 0 when it is not one of this outbox's. Beyond it the same epoch goes
    /// on elsewhere, in a copy of this outbox.
    private func last(of epoch: UInt64) -> UInt64 {
        guard let index = epochs.firstIndex(where: { $0.epoch == epoch }) else { return 0 }
        return index + 1 < epochs.count ? epochs[index + 1].firstSequence - 1 : .max
    }

    private func backoff_ms(_ attempts: Int) -> Int64 {
        min(
            Int64(Limits.redeliveryMilliseconds) << Int64(min(max(attempts - 1, 0), 8)),
            Int64(Limits.redeliveryMaximumMilliseconds)
        )
    }

    private mutating func redeliverFrontier(_ now_ms: Int64) -> [Action] {
        guard !isMutated(.forgetRedelivery), let first = flights.first,
            now_ms - frontierMoved_ms >= Int64(Limits.redeliveryMilliseconds),
            let since = sentAt(first), now_ms - since >= backoff_ms(first.attempts)
        else { return [] }
        // Whatever took the first one may have taken its neighbours: all that waited as long go out again.
        for index in flights.indices {
            guard let since = sentAt(flights[index]), now_ms - since >= backoff_ms(flights[index].attempts) else {
                continue
            }
            flights[index].failedBy = worker(of: flights[index])
            leave(index)
            flights[index].place = .ready(notBefore_ms: now_ms)
        }
        return [.note(.redelivered(firstSequence: first.key.firstSequence, attempt: first.attempts + 1))]
    }

    private func sentAt(_ flight: Flight) -> Int64? {
        switch flight.place {
        case .ready: nil
        case .held(_, let since_ms), .forwarded(_, let since_ms), .setAside(let since_ms): since_ms
        }
    }

    // MARK: - Moving on

    private func flightIndex(_ key: WorkerMessage.BatchKey) -> Int? {
        var low = 0
        var high = flights.count
        while low < high {
            let middle = (low + high) / 2
            if flights[middle].key.firstSequence < key.firstSequence { low = middle + 1 } else { high = middle }
        }
        return low < flights.count && flights[low].key == key ? low : nil
    }

    private mutating func proceed(_ now_ms: Int64) -> [Action] {
        guard windowBytes > 0 else { return [] }
        var actions = hasSuspects ? proceedWithSuspects(now_ms) : []
        for index in flights.indices {
            guard case .ready(let notBefore_ms) = flights[index].place, notBefore_ms <= now_ms,
                !flights[index].suspicion.isSuspect
            else { continue }
            guard let worker = freestWorker(besides: flights[index].failedBy) else { break }
            flights[index].place = .held(worker: worker, since_ms: now_ms)
            flights[index].attempts += 1
            if flights[index].attempts > 1 { redeliveries += 1 }
            workers[worker]?.held += 1
            actions.append(.dispatch(firstSequence: flights[index].key.firstSequence, worker: worker))
        }
        if !isLoading, loadedThrough < stored, flights.isEmpty || hasRoom {
            isLoading = true
            actions.append(.load(from: loadedThrough + 1))
        }
        return actions
    }

    private var hasRoom: Bool {
        isMutated(.creditBeyondWindow) || outstandingBytes < windowBytes && flights.count < Limits.producerWindowBatches
    }
}
