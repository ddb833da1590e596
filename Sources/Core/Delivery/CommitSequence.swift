import Mutation

/// What the archive's writer has appended and not synced, by tickets, and whether it waits after a failure. Pure.
///
/// After a full disk the writer has forgotten everything since the last sync; until the ordering has heard of it, what
/// it still sends belongs to a past that did not happen and is passed over.
public struct CommitSequence: Sendable {
    /// Tickets appended since the last sync, in their order.
    public private(set) var pending: [UInt64] = []
    /// Whether a failure was told and not yet answered by `resume`.
    public private(set) var isFailing = false

    /// Begins with nothing.
    public init() {}

    /// Whether what comes now is to be appended.
    public var admits: Bool { !isFailing || isMutated(.ignoreFullDisk) }

    /// The ticket's batch is appended.
    public mutating func appended(_ ticket: UInt64) { pending.append(ticket) }

    /// Everything appended is on the disk: the last ticket that is, or nil when there was nothing.
    public mutating func synced() -> UInt64? {
        defer { pending.removeAll(keepingCapacity: true) }
        return pending.last
    }

    /// The disk was full at `ticket`, or at the sync when it is nil: the first ticket that is lost.
    public mutating func failed(at ticket: UInt64?) -> UInt64? {
        defer { pending.removeAll(keepingCapacity: true) }
        guard let first = pending.first ?? ticket else { return nil }
        isFailing = true
        return first
    }

    /// The ordering knows of the failure: what follows is to be appended again.
    public mutating func resume() { isFailing = false }
}
