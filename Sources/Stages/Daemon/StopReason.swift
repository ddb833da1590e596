import Synchronization

/// Why the run ends: the first reason counts.
final class StopReason: Sendable {
    private let reason = Mutex<Daemon.Ending?>(nil)

    var value: Daemon.Ending? { reason.withLock { $0 } }

    /// False when there was a reason already.
    func give(_ ending: Daemon.Ending) -> Bool {
        reason.withLock {
            guard $0 == nil else { return false }
            $0 = ending
            return true
        }
    }
}
