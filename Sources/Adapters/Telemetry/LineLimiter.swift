/// Lets one log line of a kind through in each interval, and counts the others, so that whoever sends nonsense as fast
/// as it can does not fill the disk with words about it. Pure: the caller says what time it is.
public struct LineLimiter<Kind: Hashable & Sendable>: Sendable {
    private struct Entry {
        var lastLine_ms: Int64
        var heldBack: UInt64
    }

    private let interval_ms: Int64
    private var entries: [Kind: Entry] = [:]

    /// Makes a limiter that lets one line of a kind through in so many milliseconds.
    public init(intervalMilliseconds: Int64 = 1_000) { interval_ms = intervalMilliseconds }

    /// Something of this kind happened: for how many of it to write a line now, or nil to keep quiet for the moment.
    public mutating func happened(_ kind: Kind, now_ms: Int64) -> UInt64? {
        guard var entry = entries[kind] else {
            entries[kind] = Entry(lastLine_ms: now_ms, heldBack: 0)
            return 1
        }
        defer { entries[kind] = entry }
        entry.heldBack += 1
        guard now_ms - entry.lastLine_ms >= interval_ms else { return nil }
        defer { entry = Entry(lastLine_ms: now_ms, heldBack: 0) }
        return entry.heldBack
    }

    /// What was held back and whose interval is over: a line for each of these kinds is due, with its count.
    public mutating func due(now_ms: Int64) -> [(kind: Kind, count: UInt64)] {
        var lines: [(kind: Kind, count: UInt64)] = []
        for (kind, entry) in entries where now_ms - entry.lastLine_ms >= interval_ms {
            if entry.heldBack > 0 {
                lines.append((kind, entry.heldBack))
                entries[kind] = Entry(lastLine_ms: now_ms, heldBack: 0)
            } else {
                entries[kind] = nil
            }
        }
        return lines
    }
}
