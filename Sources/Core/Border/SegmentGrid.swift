import Incident
import RealModule

/// The nearest point of a line.
struct Foot {
    var position: Position
    /// The segment it is on: between vertices `segment` and `segment + 1` of the line.
    var segment: Int
}

/// A line's segments for two questions: which is nearest, and is a point south of the line.
///
/// Nearest is asked in space: chords between points of the ellipsoid put the foot where geodesics do, within decimetres
/// at 300 km, which no flat map does. Segments are cut to at most a kilometre, so that a piece's chord lies within
/// centimetres of the straight line in longitude and latitude that the data means. Boxes of 16 pieces, and of 16 such
/// boxes, are passed over when they lie farther than a first guess. South is asked of segments by columns of longitude.
struct SegmentGrid: Sendable {
    typealias Point = SIMD3<Double>

    struct Box {
        var low = Point(repeating: .infinity)
        var high = Point(repeating: -.infinity)

        mutating func include(_ point: Point) {
            low = pointwiseMin(low, point)
            high = pointwiseMax(high, point)
        }

        mutating func include(_ box: Box) {
            low = pointwiseMin(low, box.low)
            high = pointwiseMax(high, box.high)
        }

        /// A lower bound of the squared distance in square metres.
        @inline(__always)
        func squaredDistance(_ point: Point) -> Double {
            let away = pointwiseMax(pointwiseMax(low - point, point - high), Point(repeating: 0))
            return (away * away).sum()
        }
    }

    static let fanOut = 16
    /// Columns a degree of longitude.
    static let columnsPerDegree = 100.0
    /// The longest piece, in degrees: about a kilometre.
    static let pieceLength_deg = 0.01
    static let cell_deg = 0.25
    static let margin_deg = 5.0

    private let line: [Position]
    private let corners: [Position]
    private let points: [Point]
    /// The line's segment that each piece is part of.
    private let segments: [Int32]
    private let small: [Box]
    private let large: [Box]
    private let west: Double
    private let east: Double
    private let columnStarts: [Int32]
    private let columnSegments: [Int32]
    /// For cells of `cell_deg` around the line, a piece near the cell's middle: a first guess that prunes the rest.
    private var guesses: [Int32] = []
    private var guessWest = 0.0
    private var guessSouth = 0.0
    private var guessColumns = 0

    init(line: [Position]) {
        self.line = line
        (corners, segments) = Self.pieces(line)
        points = corners.map(Self.point)
        var small: [Box] = []
        for start in stride(from: 0, to: segments.count, by: Self.fanOut) {
            var box = Box()
            for index in start...min(start + Self.fanOut, segments.count) { box.include(points[index]) }
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

    /// Cuts long segments, straight in longitude and latitude.
    private static func pieces(_ line: [Position]) -> ([Position], [Int32]) {
        var corners = [line[0]]
        var segments: [Int32] = []
        for index in 0..<line.count - 1 {
            let a = line[index]
            let b = line[index + 1]
            let dx = b.longitude_deg - a.longitude_deg
            let dy = b.latitude_deg - a.latitude_deg
            let count = max(1, Int(((dx * dx + dy * dy).squareRoot() / pieceLength_deg).rounded(.up)))
            for piece in 1...count {
                let t = Double(piece) / Double(count)
                corners.append(
                    piece == count
                        ? b : Position(latitude_deg: a.latitude_deg + t * dy, longitude_deg: a.longitude_deg + t * dx)
                )
                segments.append(Int32(index))
            }
        }
        return (corners, segments)
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
                result.append(Int32(nearestPiece(to: Self.point(middle), guess: result.last.map(Int.init) ?? 0).piece))
            }
        }
        return result
    }

    /// A piece that a look at the neighbourhood suggests.
    private func guess(_ position: Position) -> Int {
        let x = (position.longitude_deg - guessWest) / Self.cell_deg
        let y = (position.latitude_deg - guessSouth) / Self.cell_deg
        guard x >= 0, y >= 0, x < Double(guessColumns), y < 1_000 else { return 0 }
        let index = Int(y) * guessColumns + Int(x)
        return index < guesses.count ? Int(guesses[index]) : 0
    }

    /// A point of the WGS 84 ellipsoid in space, in metres from the Earth's centre.
    private static func point(_ position: Position) -> Point {
        let latitude = Geodesic.radians(position.latitude_deg)
        let longitude = Geodesic.radians(position.longitude_deg)
        let squaredEccentricity = Geodesic.flattening * (2 - Geodesic.flattening)
        let sine = Double.sin(latitude)
        let normal_m = Geodesic.equatorialRadius_m / (1 - squaredEccentricity * sine * sine).squareRoot()
        let across_m = normal_m * Double.cos(latitude)
        return Point(
            across_m * Double.cos(longitude),
            across_m * Double.sin(longitude),
            normal_m * (1 - squaredEccentricity) * sine
        )
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

    /// The line's nearest point.
    func nearest(to position: Position) -> Foot {
        let (piece, t) = nearestPiece(to: Self.point(position), guess: guess(position))
        let a = corners[piece]
        let b = corners[piece + 1]
        return Foot(
            position: Position(
                latitude_deg: a.latitude_deg + t * (b.latitude_deg - a.latitude_deg),
                longitude_deg: a.longitude_deg + t * (b.longitude_deg - a.longitude_deg)
            ),
            segment: Int(segments[piece])
        )
    }

    private struct Best {
        var piece: Int
        var t = 0.0
        var squared = Double.infinity
    }

    private func nearestPiece(to point: Point, guess: Int) -> (piece: Int, t: Double) {
        var best = Best(piece: guess)
        let box = guess / Self.fanOut
        search(small: box, point, &best)
        for index in large.indices where large[index].squaredDistance(point) < best.squared {
            let first = index * Self.fanOut
            for inner in first..<min(first + Self.fanOut, small.count)
            where inner != box && small[inner].squaredDistance(point) < best.squared {
                search(small: inner, point, &best)
            }
        }
        return (best.piece, best.t)
    }

    private func search(small box: Int, _ point: Point, _ best: inout Best) {
        let start = box * Self.fanOut
        for piece in start..<min(start + Self.fanOut, segments.count) {
            let a = points[piece]
            let along = points[piece + 1] - a
            let toPoint = point - a
            let length = (along * along).sum()
            let t = length > 0 ? max(0, min(1, (toPoint * along).sum() / length)) : 0
            let away = toPoint - along * t
            let squared = (away * away).sum()
            if squared < best.squared { best = Best(piece: piece, t: t, squared: squared) }
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
