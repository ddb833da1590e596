/// Deliberate mistakes, one at a time, to see that the tests find them. Only builds for tests know them: elsewhere
/// `isMutated` is false at compile time.
public enum Mutant: String, CaseIterable, Sendable {
    /// The producer answers a gateway before the commit is on the disk.
    case answerBeforeCommit = "answer-before-commit"
    /// The sink tells producers of a commit before it syncs.
    case commitBeforeSync = "commit-before-sync"
    /// A start builds on what the page cache shows, without a copy that is synced.
    case trustPageCache = "trust-page-cache"
    /// Names in directories are not synced.
    case skipDirectorySync = "skip-directory-sync"
    /// Only the lines are synced, not the index.
    case skipIndexSync = "skip-index-sync"
    /// The sink takes a batch for the next one when one event is missing before it.
    case windowOffByOne = "window-off-by-one"
    /// What is lost on its way is never sent again.
    case forgetRedelivery = "forget-redelivery"
    /// The outbox is trimmed when a worker says that a batch is done.
    case trimOnWorkersWord = "trim-on-workers-word"
    /// The sink appends what it already has.
    case dropDedupe = "drop-dedupe"
    /// The sink takes what a copy of an outbox has accepted for what is archived of the original.
    case dedupeAcrossEpochs = "dedupe-across-epochs"
    /// A batch that straddles the watermark is cut one event too late.
    case sliceWrongly = "slice-wrongly"
    /// A new epoch begins one sequence too early.
    case reuseSequence = "reuse-sequence"
    /// A start takes a watermark from an index record though its lines do not match their checksum.
    case watermarkFromDamage = "watermark-from-damage"
    /// The producer dispatches beyond the window that the sink granted.
    case creditBeyondWindow = "credit-beyond-window"
    /// The sink publishes events before they are on the disk.
    case publishBeforeSync = "publish-before-sync"
    /// A tail takes the live stream for complete.
    case trustLiveStream = "trust-live-stream"
    /// A retried request is accepted anew.
    case forgetAnswers = "forget-answers"
    /// What an older copy of the archive lacks is not recorded.
    case forgetGap = "forget-gap"
    /// After a full disk the sink goes on as if what it took back were archived.
    case ignoreFullDisk = "ignore-full-disk"
    /// A sync that failed is tried again and believed.
    case retryFailedSync = "retry-failed-sync"
    /// Workers' deaths are not counted.
    case forgetDeaths = "forget-deaths"
    /// A suspect is set aside whole, its neighbours with it.
    case setAsideNeighbours = "set-aside-neighbours"
}

#if ENLACE_MUTANTS
    /// The mistake that is made now. Set before anything runs, by one thread.
    nonisolated(unsafe) private var activeMutant: Mutant?

    /// Whether this mistake is to be made.
    @inline(__always)
    public func isMutated(_ mutant: Mutant) -> Bool { activeMutant == mutant }
#else
    /// Whether this mistake is to be made: never.
    @inlinable
    @inline(__always)
    public func isMutated(_: Mutant) -> Bool { false }
#endif

/// Chooses the mistake to be made from now on.
public enum Mutation {
    /// Makes this mistake from now on, or none; false when this build makes none.
    public static func activate(_ mutant: Mutant?) -> Bool {
        #if ENLACE_MUTANTS
            activeMutant = mutant
            return true
        #else
            return false
        #endif
    }
}
