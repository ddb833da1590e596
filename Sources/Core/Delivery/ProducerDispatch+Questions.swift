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
}
