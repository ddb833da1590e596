import Daemon
import Synchronization

extension SinkStage {
    /// What the sink says about itself.
    public var report: Daemon.Report {
        var values: [(name: String, value: Int64)] = [
            ("committed_events", Int64(clamping: counters.committedEvents.load(ordering: .relaxed))),
            ("committed_batches", Int64(clamping: counters.committedBatches.load(ordering: .relaxed))),
            ("syncs", Int64(clamping: counters.syncs.load(ordering: .relaxed))),
            ("duplicate_events", Int64(clamping: counters.duplicateEvents.load(ordering: .relaxed))),
            ("dropped_batches", Int64(clamping: counters.droppedBatches.load(ordering: .relaxed))),
            ("broken_batches", Int64(clamping: counters.broken.load(ordering: .relaxed))),
            ("held_bytes", Int64(counters.heldBytes.load(ordering: .relaxed))),
            ("waiting_batches", Int64(counters.waitingBatches.load(ordering: .relaxed))),
            ("producers", Int64(counters.producers.load(ordering: .relaxed))),
            ("live_dropped_events", Int64(clamping: counters.liveDropped.load(ordering: .relaxed))),
            ("subscriptions", Int64(counters.subscriptions.load(ordering: .relaxed))),
            ("alarms", Int64(clamping: counters.alarms.load(ordering: .relaxed))),
        ]
        values += refusals.counters
        for head in heads { values.append(("next_offset.\(head.station)", Int64(clamping: head.next))) }
        return Daemon.Report(waitsFor: counters.waitsFor, counters: values)
    }
}
