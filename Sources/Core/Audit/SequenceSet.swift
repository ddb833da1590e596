/// A set of sequences, kept as ascending ranges that do not touch. What follows on what is there costs nothing.
public struct SequenceSet: Hashable, Sendable {
    /// The ranges, ascending.
    public private(set) var ranges: [ClosedRange<UInt64>] = []

    /// Nothing.
    public init() {}

    /// One range.
    public init(_ range: ClosedRange<UInt64>) { ranges = [range] }

    /// How many sequences.
    public var count: UInt64 { ranges.reduce(0) { $0 + Self.size($1) } }

    /// Whether there is none.
    public var isEmpty: Bool { ranges.isEmpty }

    /// The highest one.
    public var last: UInt64? { ranges.last?.upperBound }

    /// Whether it holds a sequence.
    public func contains(_ sequence: UInt64) -> Bool {
        let index = firstRange(endingAtOrAfter: sequence)
        return index < ranges.count && ranges[index].contains(sequence)
    }

    /// Adds a range and says how many of it were there before.
    @discardableResult
    public mutating func insert(_ range: ClosedRange<UInt64>) -> UInt64 {
        if let last = ranges.last {
            if range.lowerBound == last.upperBound + 1 {
                ranges[ranges.count - 1] = last.lowerBound...range.upperBound
                return 0
            }
            if range.lowerBound <= last.upperBound { return merge(range) }
        }
        ranges.append(range)
        return 0
    }

    private mutating func merge(_ range: ClosedRange<UInt64>) -> UInt64 {
        // The first range that the new one overlaps or touches, and the one behind the last such range.
        let from = firstRange(endingAtOrAfter: range.lowerBound > 0 ? range.lowerBound - 1 : 0)
        var end = from
        var (low, high) = (range.lowerBound, range.upperBound)
        var known: UInt64 = 0
        while end < ranges.count, ranges[end].lowerBound <= range.upperBound + 1 {
            let other = ranges[end]
            if other.overlaps(range) { known += Self.size(other.clamped(to: range)) }
            low = min(low, other.lowerBound)
            high = max(high, other.upperBound)
            end += 1
        }
        ranges.replaceSubrange(from..<end, with: [low...high])
        return known
    }

    private func firstRange(endingAtOrAfter sequence: UInt64) -> Int {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func size(_ range: ClosedRange<UInt64>) -> UInt64 { range.upperBound - range.lowerBound + 1 }

    /// What both hold.
    public func intersection(_ other: SequenceSet) -> SequenceSet {
        var result = SequenceSet()
        var (left, right) = (0, 0)
        while left < ranges.count, right < other.ranges.count {
            let (mine, theirs) = (ranges[left], other.ranges[right])
            if mine.overlaps(theirs) { result.ranges.append(mine.clamped(to: theirs)) }
            if mine.upperBound < theirs.upperBound { left += 1 } else { right += 1 }
        }
        return result
    }

    /// What this one holds and the other does not.
    public func subtracting(_ other: SequenceSet) -> SequenceSet {
        var result = SequenceSet()
        var next = 0
        for range in ranges {
            var low = range.lowerBound
            var isUsedUp = false
            while next < other.ranges.count, other.ranges[next].upperBound < low { next += 1 }
            var index = next
            while index < other.ranges.count, other.ranges[index].lowerBound <= range.upperBound {
                let hole = other.ranges[index]
                if hole.lowerBound > low { result.ranges.append(low...(hole.lowerBound - 1)) }
                if hole.upperBound >= range.upperBound {
                    isUsedUp = true
                    break
                }
                low = max(low, hole.upperBound + 1)
                index += 1
            }
            if !isUsedUp { result.ranges.append(low...range.upperBound) }
        }
        return result
    }

    /// What lies behind `after`, up to `through` with it.
    public func between(after: UInt64, through: UInt64) -> SequenceSet {
        guard after < through else { return SequenceSet() }
        return intersection(SequenceSet(after + 1...through))
    }
}
