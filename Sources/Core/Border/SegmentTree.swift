import Incident

/// Segments in space, for the one that is nearest to a point. Immutable; any thread may ask it.
///
/// The boxes of eight neighbours, of eight such boxes and so on are passed over when they lie farther than what is known:
/// work grows with the logarithm of the number of segments.
final class SegmentTree: @unchecked Sendable {
    // Unchecked: the memory is written by `init` alone.

    /// The nearest place on the segments.
    struct Nearest {
        /// Which segment.
        var segment: Int
        /// Where on it, from 0 at its beginning to 1 at its end.
        var t = 0.0
        /// Square metres.
        var squared = Double.infinity
    }

    private struct Box {
        var low = SpacePoint(repeating: .infinity)
        var high = SpacePoint(repeating: -.infinity)

        mutating func include(_ low: SpacePoint, _ high: SpacePoint) {
            self.low = SpacePoint(min(self.low.x, low.x), min(self.low.y, low.y), min(self.low.z, low.z))
            self.high = SpacePoint(max(self.high.x, high.x), max(self.high.y, high.y), max(self.high.z, high.z))
        }

        /// A lower bound of the squared distance in square metres.
        @inline(__always)
        func squaredDistance(_ point: SpacePoint) -> Double {
            let below = low - point
            let above = point - high
            let x = max(max(below.x, above.x), 0)
            let y = max(max(below.y, above.y), 0)
            let z = max(max(below.z, above.z), 0)
            return x * x + y * y + z * z
        }
    }

    private struct Segment {
        var start: SpacePoint
        var along: SpacePoint
        /// 0 for a point.
        var inverseSquaredLength: Double
    }

    private static let fanOut = 8

    /// How many segments.
    let count: Int
    private let segments: UnsafeMutablePointer<Segment>
    /// The boxes of all levels, the segments' own groups first.
    private let boxes: UnsafeMutablePointer<Box>
    /// Where each level's boxes begin, and behind the last level the end.
    private let levelStarts: [Int]

    /// Indexes segments; neighbours in the list should be neighbours in space. There must be at least one.
    init(starts: [SpacePoint], ends: [SpacePoint]) {
        count = starts.count
        segments = .allocate(capacity: count)
        for index in 0..<count {
            let along = ends[index] - starts[index]
            let length = (along * along).sum()
            let segment = Segment(
                start: starts[index],
                along: along,
                inverseSquaredLength: length > 0 ? 1 / length : 0
            )
            segments.advanced(by: index).initialize(to: segment)
        }
        var level: [Box] = stride(from: 0, to: count, by: Self.fanOut).map { first in
            var box = Box()
            for index in first..<min(first + Self.fanOut, starts.count) {
                box.include(starts[index], starts[index])
                box.include(ends[index], ends[index])
            }
            return box
        }
        var all = level
        var levelStarts = [0, all.count]
        while level.count > Self.fanOut {
            level = stride(from: 0, to: level.count, by: Self.fanOut).map { [level] first in
                var box = Box()
                for child in level[first..<min(first + Self.fanOut, level.count)] { box.include(child.low, child.high) }
                return box
            }
            all += level
            levelStarts.append(all.count)
        }
        boxes = .allocate(capacity: all.count)
        boxes.initialize(from: all, count: all.count)
        self.levelStarts = levelStarts
    }

    deinit {
        segments.deallocate()
        boxes.deallocate()
    }

    /// The nearest segment; `guess` is one that is thought to be near.
    func nearest(to point: SpacePoint, guess: Int) -> Nearest {
        precondition(guess >= 0 && guess < count, "a guess is one of the segments")
        var best = Nearest(segment: guess)
        let group = guess / Self.fanOut
        look(at: group, point, &best)
        let top = levelStarts.count - 2
        for box in 0..<(levelStarts[top + 1] - levelStarts[top]) { visit(top, box, besides: group, point, &best) }
        return best
    }

    private func visit(_ level: Int, _ box: Int, besides group: Int, _ point: SpacePoint, _ best: inout Nearest) {
        guard boxes[levelStarts[level] &+ box].squaredDistance(point) < best.squared else { return }
        guard level > 0 else {
            if box != group { look(at: box, point, &best) }
            return
        }
        let first = box &* Self.fanOut
        let end = min(first &+ Self.fanOut, levelStarts[level] &- levelStarts[level &- 1])
        for child in first..<end { visit(level &- 1, child, besides: group, point, &best) }
    }

    private func look(at group: Int, _ point: SpacePoint, _ best: inout Nearest) {
        let first = group &* Self.fanOut
        for index in first..<min(first &+ Self.fanOut, count) {
            let segment = segments[index]
            let toPoint = point - segment.start
            let t = max(0, min(1, (toPoint * segment.along).sum() * segment.inverseSquaredLength))
            let away = toPoint - segment.along * t
            let squared = (away * away).sum()
            if squared < best.squared { best = Nearest(segment: index, t: t, squared: squared) }
        }
    }
}
