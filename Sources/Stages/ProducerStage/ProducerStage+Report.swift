import Daemon
import Outbox
import Synchronization

extension ProducerStage {
    /// What the producer says about itself.
    public var report: Daemon.Report {
        Daemon.Report(
            waitsFor: counters.waitsFor,
            counters: [
                ("accepted_events", Int64(clamping: counters.acceptedEvents.load(ordering: .relaxed))),
                ("refused_events", Int64(clamping: counters.refusedEvents.load(ordering: .relaxed))),
                ("stored_through", Int64(clamping: counters.storedThrough.load(ordering: .relaxed))),
                ("archived_through", Int64(clamping: counters.archivedThrough.load(ordering: .relaxed))),
                ("outbox_commits", Int64(clamping: counters.commits.load(ordering: .relaxed))),
                ("requests", Int64(clamping: counters.requests.load(ordering: .relaxed))),
                ("redeliveries", Int64(clamping: counters.redeliveries.load(ordering: .relaxed))),
                ("stray_worker_messages", Int64(clamping: counters.strayMessages.load(ordering: .relaxed))),
                ("dead_letters", Int64(clamping: counters.deadLetters.load(ordering: .relaxed))),
                ("workers", Int64(counters.workers.load(ordering: .relaxed))),
                ("outbox_bytes", Int64(backlog?.bytes ?? 0)),
                ("pending_rejects", Int64(pendingRejects)),
                ("frontier_still_milliseconds", counters.frontierStill_ms.load(ordering: .relaxed)),
            ] + refusals.counters
        )
    }
}
