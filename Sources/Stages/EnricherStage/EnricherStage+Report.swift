import Daemon
import Synchronization

extension EnricherStage {
    /// What the workers say about themselves.
    public var report: Daemon.Report {
        Daemon.Report(
            waitsFor: counters.waitsFor,
            counters: [
                ("batches", Int64(clamping: counters.batches.load(ordering: .relaxed))),
                ("events", Int64(clamping: counters.events.load(ordering: .relaxed))),
                ("unenriched_events", Int64(clamping: counters.unenriched.load(ordering: .relaxed))),
                ("broken_batches", Int64(clamping: counters.broken.load(ordering: .relaxed))),
                ("producers", Int64(counters.producers.load(ordering: .relaxed))),
                ("blocked_workers", Int64(counters.blocked.load(ordering: .relaxed))),
            ] + refusals.counters
        )
    }
}
