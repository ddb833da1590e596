import Bytes
import Mutation
import Wire

/// Joins replay and live stream of one station without a seam. Pure.
///
/// The shell subscribes first, then asks for replay. Live events beyond the next expected offset are not kept: the
/// jump is filled from replay, and the stream goes on once replay has reached the live head.
public struct TailFollow: Sendable {
    /// What the shell is to do with what it has.
    public enum Action: Equatable, Sendable {
        /// Show the event at hand.
        case show
        /// Pass over the event at hand: it was shown, or replay will bring it.
        case pass
        /// Ask the replay endpoint for events from this offset on.
        case requestReplay(from: UInt64)
    }

    /// The offset of the next event to show.
    public private(set) var next: UInt64
    /// Whether an answer of the replay endpoint is awaited, and since when.
    public private(set) var replayAsked_ms: Int64?
    /// The highest offset that the live stream or a beacon has told of, plus one.
    public private(set) var head: UInt64

    private var askedFrom: UInt64 = 0

    /// How long to wait for replay before asking again.
    public static let replayPatienceMilliseconds: Int64 = 1000

    /// Begins at an offset.
    public init(from offset: UInt64) {
        next = offset
        head = offset
    }

    /// Whether everything that is known to exist has been shown.
    public var isCaughtUp: Bool { next >= head }

    /// An event of the live stream.
    public mutating func live(offset: UInt64, now_ms: Int64) -> [Action] {
        head = max(head, offset + 1)
        if offset == next || (offset > next && isMutated(.trustLiveStream)) {
            next = offset + 1
            return [.show]
        }
        return [.pass] + (offset > next ? ask(now_ms) : [])
    }

    /// A beacon: the stream's head.
    public mutating func beacon(head: UInt64, now_ms: Int64) -> [Action] {
        self.head = max(self.head, head)
        return isCaughtUp ? [] : ask(now_ms)
    }

    /// Whether a replay answer that begins at an offset may be shown: one that begins later answers a question from
    /// before the tail went back.
    public func accepts(replayFrom offset: UInt64) -> Bool { offset <= next }

    /// An event of a replay answer.
    public mutating func replayed(offset: UInt64) -> Action {
        guard offset >= next else { return .pass }
        // Offsets that replay leaves out do not exist any more: a damaged range, which the answer names.
        next = offset + 1
        return .show
    }

    /// The end of a replay answer: where it stopped, and the head as the sink knows it.
    public mutating func replayEnded(next reached: UInt64, head: UInt64, now_ms: Int64) -> [Action] {
        next = max(next, reached)
        self.head = max(self.head, head)
        // A second answer to one question is no reason to ask another: each would bring forth more of them.
        guard replayAsked_ms != nil else { return [] }
        replayAsked_ms = nil
        guard !isCaughtUp else { return [] }
        guard next > askedFrom else {
            // The archive has less than was told: an older copy was put in its place. Asking at once would not change it.
            replayAsked_ms = now_ms
            return []
        }
        return ask(now_ms)
    }

    /// Time has passed: a replay that was not answered is asked for again.
    public mutating func tick(now_ms: Int64) -> [Action] {
        guard let asked = replayAsked_ms, now_ms - asked >= Self.replayPatienceMilliseconds else { return [] }
        replayAsked_ms = nil
        return ask(now_ms)
    }

    private mutating func ask(_ now_ms: Int64) -> [Action] {
        guard replayAsked_ms == nil else { return [] }
        replayAsked_ms = now_ms
        askedFrom = next
        return [.requestReplay(from: next)]
    }
}
