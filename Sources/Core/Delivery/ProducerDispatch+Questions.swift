import Bytes
import Wire

// What the shell asks before it believes a worker.
extension ProducerDispatch {
    /// Whether this worker may have handed this batch on: it was given it, or nobody cares any more.
    public func mayHaveHandedOn(_ batch: WorkerMessage.BatchKey, _ worker: Identifier128) -> Bool {
        guard batch.firstSequence > committed else { return true }
        return flights.contains { flight in
            if case .held(worker, _) = flight.place { return flight.key == batch }
            return false
        }
    }

    /// Whether the worker is one of those that get batches.
    public func serves(_ worker: Identifier128) -> Bool { workers[worker] != nil }

    /// Whether a welcome is of the archive that the outbox belongs to, or it belongs to none yet. The sink refuses too, but
    /// only by what it is told: a hello that was said before the first commit may reach a sink with another archive.
    public func isHome(_ welcome: Welcome) -> Bool {
        home == .zero || welcome.archive == home || !welcome.refusal.isEmpty
    }

    func foreignReason(_ welcome: Welcome) -> String {
        "it serves archive \(welcome.archive), this outbox belongs to \(home); put that archive back, or see "
            + "enlace archive adopt"
    }
}
