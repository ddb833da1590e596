import Logging
import Platform
import Synchronization
import Telemetry

/// What a stage refuses: the raw value names its counter in the status file, `words` say it in the log.
public protocol RefusalKind: CaseIterable, Hashable, RawRepresentable, Sendable where RawValue == String {
    /// What happened, in plain words, and what became of it.
    var words: String { get }
    /// How important it is.
    var level: Logger.Level { get }
}

extension RefusalKind {
    /// What nobody who keeps to the protocol sends is worth a warning.
    public var level: Logger.Level { .warning }
}

/// Counts what a stage refuses, by kind, and says it in the log: at most one line of a kind each second, with how many
/// it stands for. Any thread.
public final class RefusalLog<Kind: RefusalKind>: Sendable {
    private struct State {
        var totals: [Kind: UInt64] = [:]
        var limiter = LineLimiter<Kind>()
    }

    private let log: Logger
    private let state = Mutex(State())

    /// Makes a log with every count at zero.
    public init(log: Logger) { self.log = log }

    private static var now_ms: Int64 { Int64(Clock.monotonicNanoseconds() / 1_000_000) }

    /// Something was refused. The details are of the one that the line is about, and are asked for only then.
    public func refuse(_ kind: Kind, _ details: @autoclosure () -> Logger.Metadata = [:]) {
        let count = state.withLock { state in
            state.totals[kind, default: 0] += 1
            return state.limiter.happened(kind, now_ms: Self.now_ms)
        }
        guard let count else { return }
        write(kind, count, details())
    }

    /// Says what was held back and not said since. To be called now and then.
    public func flush() {
        for line in state.withLock({ $0.limiter.due(now_ms: Self.now_ms) }) { write(line.kind, line.count, [:]) }
    }

    /// The counters of the status file, all kinds, zeros too.
    public var counters: [(name: String, value: Int64)] {
        let totals = state.withLock { $0.totals }
        return Kind.allCases.map { ("refused.\($0.rawValue)", Int64(clamping: totals[$0] ?? 0)) }
    }

    private func write(_ kind: Kind, _ count: UInt64, _ details: Logger.Metadata) {
        log.log(level: kind.level, "\(kind.words)", metadata: details.merging(["count": "\(count)"]) { $1 })
    }
}
