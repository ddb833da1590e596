import Bytes
import Wire

// Which worker gets a batch.
extension ProducerDispatch {
    /// The worker with the most room; `failed` only when no other has any, because a batch that came no further there, as
    /// with a worker that does not reach the sink, would come no further again.
    func freestWorker(besides failed: Identifier128?) -> Identifier128? {
        var best: (worker: Identifier128, free: Int)?
        let kept = hasSuspects ? workersKeptForSuspects() : []
        for (worker, state) in workers
        where !state.blockedUntilHeard && state.held < state.capacity && !kept.contains(worker) {
            // Behind every other one, however much room it has.
            let free = worker == failed ? 0 : state.capacity - state.held
            // Ties go to the smaller id, so that the same inputs give the same actions whatever the hash seed.
            if let current = best, free < current.free || (free == current.free && current.worker < worker) { continue }
            best = (worker, free)
        }
        return best?.worker
    }

    /// The worker that has a batch, or had it last.
    func worker(of flight: Flight) -> Identifier128? {
        switch flight.place {
        case .held(let worker, _), .forwarded(let worker, _): worker
        case .ready, .setAside: flight.failedBy
        }
    }
}
