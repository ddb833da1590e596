import Bytes
import Mutation
import Wire

/// What is held against a batch: workers that died while they enriched it.
struct Suspicion: Equatable, Sendable {
    /// A death by a crash or a hang counts as many as `Limits` says that unexplained ones are needed for one.
    var blame = 0
    /// It runs alone: its worker has nothing else.
    var isSuspect = false
    /// The event that the last worker was at when it died; where the batch is cut next.
    var cutAt: UInt64?
    /// No worker survives it: it goes to the sink as it came.
    var isSetAside = false
    var lastCause = WorkerMessage.Cause.unknown

    static let weightOfCrash = Limits.unexplainedDeathsOfSuspect / Limits.deathsOfSuspect

    mutating func add(_ cause: WorkerMessage.Cause) {
        blame += cause == .unknown ? 1 : Self.weightOfCrash
        lastCause = cause
    }
}

// Poison: a batch over which workers die becomes a suspect, runs alone, is cut around the event that the dead worker was
// at, and the one event that kills three workers by itself is set aside.
extension ProducerDispatch {
    /// A worker tells how a run before it died.
    mutating func died(_ death: WorkerMessage.Death, now_ms: Int64) -> [Action] {
        guard !isMutated(.forgetDeaths), death.producer == producer, !deathsKnown.contains(death.dead) else {
            return []
        }
        deathsKnown.append(death.dead)
        if deathsKnown.count > 2 * Limits.workersPerProducer { deathsKnown.removeFirst(Limits.workersPerProducer) }
        var actions: [Action] = []
        if workers[death.dead] != nil {
            let returned = release(death.dead, includingForwarded: true, now_ms: now_ms)
            actions.append(.note(.workerLeft(death.dead, returned: returned)))
        }
        // What is set aside is judged already, whoever else had it in hands when that was found.
        guard let index = flights.firstIndex(where: { $0.holds(death) && !$0.suspicion.isSetAside }) else {
            return actions
        }
        flights[index].suspicion.add(death.cause)
        let limit =
            flights[index].suspicion.isSuspect
            ? Limits.deathsOfEvent * Suspicion.weightOfCrash : Limits.unexplainedDeathsOfSuspect
        if flights[index].suspicion.isSuspect, flights[index].count > 1, !isMutated(.setAsideNeighbours) {
            flights[index].suspicion.cutAt = death.sequence
            return actions
        }
        guard flights[index].suspicion.blame >= limit else { return actions }
        if flights[index].suspicion.isSuspect {
            flights[index].suspicion.isSetAside = true
            deadLetters += 1
            return actions + [.note(.setAside(sequence: death.sequence, death.cause))]
        }
        flights[index].suspicion.isSuspect = true
        flights[index].suspicion.blame = 0
        flights[index].suspicion.cutAt = death.sequence
        let (first, count) = (flights[index].key.firstSequence, flights[index].count)
        return actions + [.note(.suspected(firstSequence: first, count: count, death.cause))]
    }

    /// A batch that went down with its worker twice or more waits a little before it takes the next one along.
    func pauseAfterDeath_ms(_ flight: Flight) -> Int64 {
        guard flight.attempts > 1 else { return 0 }
        let pause_ms = Int64(Limits.heartbeatDeadMilliseconds) << Int64(min(flight.attempts - 1, 4))
        return min(pause_ms, Int64(Limits.redeliveryMilliseconds))
    }

    var hasSuspects: Bool { flights.contains { $0.suspicion.isSuspect } }

    /// Cuts, dispatches and sets aside the suspects that are ready.
    mutating func proceedWithSuspects(_ now_ms: Int64) -> [Action] {
        var actions: [Action] = []
        var index = 0
        while index < flights.count {
            defer { index += 1 }
            guard flights[index].suspicion.isSuspect, case .ready(let notBefore_ms) = flights[index].place,
                notBefore_ms <= now_ms
            else { continue }
            if flights[index].suspicion.isSetAside {
                flights[index].place = .setAside(since_ms: now_ms)
                flights[index].attempts += 1
                let reason = "no worker survived it: \(flights[index].suspicion.lastCause)"
                actions.append(.deadLetter(firstSequence: flights[index].key.firstSequence, reason: reason))
                continue
            }
            if let sequence = flights[index].suspicion.cutAt, flights[index].count > 1 {
                actions.append(cut(index, around: sequence))
            }
            guard let worker = idleWorker() else { continue }
            flights[index].place = .held(worker: worker, since_ms: now_ms)
            flights[index].attempts += 1
            workers[worker]?.held += 1
            actions.append(.dispatch(firstSequence: flights[index].key.firstSequence, worker: worker))
        }
        return actions
    }

    /// Puts up to three flights in the place of one: what is before the event, the event, what is behind it.
    private mutating func cut(_ index: Int, around sequence: UInt64) -> Action {
        let whole = flights[index]
        let first = whole.key.firstSequence
        let counts = [sequence - first, 1, whole.lastSequence - sequence].filter { $0 > 0 }
        var parts: [Flight] = []
        var next = first
        for count in counts {
            var part = whole
            part.key.firstSequence = next
            part.count = count
            // All the bytes count until the last part is committed.
            part.bytes = next + count - 1 == whole.lastSequence ? whole.bytes : 0
            part.suspicion.cutAt = nil
            part.suspicion.blame = 0
            parts.append(part)
            next += count
        }
        flights.replaceSubrange(index...index, with: parts)
        return .slice(firstSequence: first, counts: counts)
    }

    /// A worker that holds nothing; one with a process of its own before one that shares.
    private func idleWorker() -> Identifier128? {
        let idle = workers.filter { $0.value.held == 0 && $0.value.capacity > 0 && !$0.value.blockedUntilHeard }
        let own = idle.filter(\.value.isAlone)
        return (own.isEmpty && !workers.contains { $0.value.isAlone } ? idle : own).keys.min()
    }

    /// Workers that get nothing else: those that hold a suspect, and one that is to become idle for one that waits.
    func workersKeptForSuspects() -> Set<Identifier128> {
        var kept: Set<Identifier128> = []
        var isWaiting = false
        for flight in flights where flight.suspicion.isSuspect && !flight.suspicion.isSetAside {
            switch flight.place {
            case .held(let worker, _): kept.insert(worker)
            case .ready: isWaiting = true
            case .forwarded, .setAside: break
            }
        }
        guard isWaiting else { return kept }
        let hasOwn = workers.contains { $0.value.isAlone }
        let candidates = workers.filter {
            !kept.contains($0.key) && $0.value.capacity > 0 && (!hasOwn || $0.value.isAlone)
        }
        let next = candidates.min { ($0.value.held, $0.key) < ($1.value.held, $1.key) }
        if let next { kept.insert(next.key) }
        return kept
    }
}

extension ProducerDispatch.Flight {
    fileprivate func holds(_ death: WorkerMessage.Death) -> Bool {
        key.epoch == death.batch.epoch && key.firstSequence <= death.sequence && death.sequence <= lastSequence
    }
}
