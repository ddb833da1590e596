import Incident
import RealModule

/// The nearest point of a line.
struct Foot {
    var position: Position
    /// The segment it is on: between vertices `segment` and `segment + 1`.
    var segment: Int
}

/// A line's segments for two questions: which is nearest, and is a point south of the line.
///
/// Nearest: boxes of 16 segments and boxes of 16 such boxes, searched best first by a lower bound, so the work does not
/// grow with the line's length by more than its logarithm. South: segments by columns of longitude.
struct SegmentGrid: Sendable {
    struct Box {
        var west = Double.infinity
        var east = -Double.infinity
        var south = Double.infinity
        var north = -Double.infinity

        mutating func include(_ position: Position) {
            west = min(west, position.longitude_deg)
            east = max(east, position.longitude_deg)
            south = min(south, position.latitude_deg)
            north = max(north, position.latitude_deg)
        }

        mutating func include(_ box: Box) {
            west = min(west, box.west)
            east = max(east, box.east)
            south = min(south, box.south)
            north = max(north, box.north)
        }

        /// A lower bound of the squared distance in degrees, longitude scaled.
        @inline(__always)
        func squaredDistance(_ x: Double, _ y: Double, _ scale: Double) -> Double {
            let dx = max(0, max(west - x, x - east)) * scale
            let dy = max(0, max(south - y, y - north))
            return dx * dx + dy * dy
        }
    }

    static let fanOut = 16
    /// Columns a degree of longitude.
    static let columnsPerDegree = 100.0

    private let line: [Position]
    private let small: [Box]
    private let large: [Box]
    private let west: Double
    private let east: Double
    private let columnStarts: [Int32]
    private let columnSegments: [Int32]
    /// For cells of `cell_deg` around the line, a segment near the cell's middle: a first guess that prunes the rest.
    private var guesses: [Int32] = []
    private var guessWest = 0.0
    private var guessSouth = 0.0
    private var guessColumns = 0
    static let cell_deg = 0.25
    static let margin_deg = 5.0

    init(line: [Position]) {
        self.line = line
        let segments = line.count - 1
        var small: [Box] = []
        for start in stride(from: 0, to: segments, by: Self.fanOut) {
            var box = Box()
            for index in start...min(start + Self.fanOut, segments) { box.include(line[index]) }
            small.append(box)
        }
        var large: [Box] = []
        for start in stride(from: 0, to: small.count, by: Self.fanOut) {
            var box = Box()
            for index in start..<min(start + Self.fanOut, small.count) { box.include(small[index]) }
            large.append(box)
        }
        self.small = small
        self.large = large
        west = line.map(\.longitude_deg).min() ?? 0
        east = line.map(\.longitude_deg).max() ?? 0
        (columnStarts, columnSegments) = Self.columns(line, west: west, east: east)
        guesses = makeGuesses()
    }

    private mutating func makeGuesses() -> [Int32] {
        let south = line.map(\.latitude_deg).min() ?? 0
        let north = line.map(\.latitude_deg).max() ?? 0
        guessWest = west - Self.margin_deg
        guessSouth = south - Self.margin_deg
        guessColumns = Int((east - west + 2 * Self.margin_deg) / Self.cell_deg) + 1
        let rows = Int((north - south + 2 * Self.margin_deg) / Self.cell_deg) + 1
        var result: [Int32] = []
        for row in 0..<rows {
            for column in 0..<guessColumns {
                let middle = Position(
                    latitude_deg: guessSouth + (Double(row) + 0.5) * Self.cell_deg,
                    longitude_deg: guessWest + (Double(column) + 0.5) * Self.cell_deg
                )
                let scale = Double.cos(Geodesic.radians(middle.latitude_deg))
                result.append(Int32(nearest(to: middle, scale: scale, guess: nil).segment))
            }
        }
        return result
    }

    /// The point of a segment that a look at the neighbourhood suggests; nil far from the line.
    private func guess(_ position: Position, _ scale: Double) -> Foot? {
        let x = (position.longitude_deg - guessWest) / Self.cell_deg
        let y = (position.latitude_deg - guessSouth) / Self.cell_deg
        guard x >= 0, y >= 0, Int(x) < guessColumns, !guesses.isEmpty else { return nil }
        let index = Int(y) * guessColumns + Int(x)
        guard index < guesses.count else { return nil }
        let segment = Int(guesses[index])
        return Foot(position: line[segment], segment: segment)
    }

    private static func columns(_ line: [Position], west: Double, east: Double) -> ([Int32], [Int32]) {
        let count = Int((east - west) * columnsPerDegree) + 1
        var lists = [[Int32]](repeating: [], count: count)
        for index in 0..<line.count - 1 {
            let a = Int((line[index].longitude_deg - west) * columnsPerDegree)
            let b = Int((line[index + 1].longitude_deg - west) * columnsPerDegree)
            for column in min(a, b)...max(a, b) { lists[column].append(Int32(index)) }
        }
        var starts: [Int32] = [0]
        for list in lists { starts.append(starts[starts.count - 1] + Int32(list.count)) }
        return (starts, lists.flatMap(\.self))
    }

    /// Whether a ray to the north meets the line an odd number of times; nil beyond the line's ends.
    func isSouth(_ position: Position) -> Bool? {
        let x = position.longitude_deg
        guard x >= west, x < east else { return nil }
        let column = Int((x - west) * Self.columnsPerDegree)
        var isOdd = false
        for at in columnStarts[column]..<columnStarts[column + 1] {
            let index = Int(columnSegments[Int(at)])
            let a = line[index]
            let b = line[index + 1]
            guard (a.longitude_deg <= x) != (b.longitude_deg <= x) else { continue }
            let t = (x - a.longitude_deg) / (b.longitude_deg - a.longitude_deg)
            if a.latitude_deg + t * (b.latitude_deg - a.latitude_deg) > position.latitude_deg { isOdd.toggle() }
        }
        return isOdd
    }

    /// The line's point that is nearest, by the local scale of longitude at the middle latitude of point and foot.
    func nearest(to position: Position) -> Foot {
        // First with the scale of the point's own latitude, then with that of the middle of point and foot: far from
        // the line meridians converge enough to move the foot.
        let scale = Double.cos(Geodesic.radians(position.latitude_deg))
        let first = nearest(to: position, scale: scale, guess: guess(position, scale))
        let middle_deg = (position.latitude_deg + first.position.latitude_deg) / 2
        guard abs(middle_deg - position.latitude_deg) > 0.02 else { return first }
        return nearest(to: position, scale: Double.cos(Geodesic.radians(middle_deg)), guess: first)
    }

    private func nearest(to position: Position, scale: Double, guess: Foot?) -> Foot {
        let x = position.longitude_deg
        let y = position.latitude_deg
        var best = guess ?? Foot(position: line[0], segment: 0)
        var bestSquared = Double.infinity
        if let guess {
            let dx = (guess.position.longitude_deg - x) * scale
            let dy = guess.position.latitude_deg - y
            // A little more, so that the guess's own segment is looked at again on the new scale.
            bestSquared = (dx * dx + dy * dy) * (1 + 1e-9)
        }
        var start = 0
        var startBound = Double.infinity
        for (index, box) in large.enumerated() {
            let bound = box.squaredDistance(x, y, scale)
            if bound < startBound { (start, startBound) = (index, bound) }
        }
        // The most promising box first, so that the bound prunes the others.
        search(large: start, x, y, scale, &best, &bestSquared)
        for index in large.indices where index != start && large[index].squaredDistance(x, y, scale) < bestSquared {
            search(large: index, x, y, scale, &best, &bestSquared)
        }
        return best
    }

    private func search(
        large index: Int,
        _ x: Double,
        _ y: Double,
        _ scale: Double,
        _ best: inout Foot,
        _ bestSquared: inout Double
    ) {
        let first = index * Self.fanOut
        for box in first..<min(first + Self.fanOut, small.count)
        where small[box].squaredDistance(x, y, scale) < bestSquared {
            let start = box * Self.fanOut
            for segment in start..<min(start + Self.fanOut, line.count - 1) {
                let a = line[segment]
                let b = line[segment + 1]
                let abX = (b.longitude_deg - a.longitude_deg) * scale
                let abY = b.latitude_deg - a.latitude_deg
                let apX = (x - a.longitude_deg) * scale
                let apY = y - a.latitude_deg
                let length = abX * abX + abY * abY
                let t = length > 0 ? max(0, min(1, (apX * abX + apY * abY) / length)) : 0
                let dx = apX - t * abX
                let dy = apY - t * abY
                let squared = dx * dx + dy * dy
                guard squared < bestSquared else { continue }
                bestSquared = squared
                best = Foot(
                    position: Position(
                        latitude_deg: a.latitude_deg + t * abY,
                        longitude_deg: a.longitude_deg + t * (b.longitude_deg - a.longitude_deg)
                    ),
                    segment: segment
                )
            }
        }
    }
}

/// The crossings, for the nearest one: few, so each is compared, on the local scale of longitude.
struct CrossingTable: Sendable {
    private let positions: [Position]

    init(_ positions: [Position]) { self.positions = positions }

    func nearest(to position: Position) -> Int? {
        let scale = Double.cos(Geodesic.radians(position.latitude_deg))
        var best: Int?
        var bestSquared = Double.infinity
        for (index, crossing) in positions.enumerated() {
            let dx = (crossing.longitude_deg - position.longitude_deg) * scale
            let dy = crossing.latitude_deg - position.latitude_deg
            let squared = dx * dx + dy * dy
            if squared < bestSquared { (best, bestSquared) = (index, squared) }
        }
        return best
    }
}
