import Incident

/// The nearest point of a line, and on which hand of it something lies.
struct Foot {
    /// Where on the line.
    var position: Position
    /// The segment: between vertices `segment` and `segment + 1`.
    var segment: Int
    /// The geodesic distance in metres.
    var distance_m: Double
    /// Whether the point lies on the left of the line as it runs; nil beyond the line's ends.
    var isLeft: Bool?
    /// The piece, for whoever keeps something for each.
    var piece: Int
}

/// A line of vertices, for its nearest point to a position.
///
/// Nearest is asked in space: chords between points of the ellipsoid put the foot where geodesics do, within decimetres
/// at 300 km, which no flat map does. Segments are cut to at most a kilometre, so that a piece's chord lies within
/// centimetres of the straight line in longitude and latitude that the data means. The way from a point to its foot
/// crosses the line nowhere, so the hand on which the point lies is the hand on which the way arrives.
struct BorderLine: Sendable {
    /// The longest piece, in degrees: about a kilometre.
    static let pieceLength_deg = 0.01
    static let cell_deg = 0.5
    static let margin_deg = 5.0

    private let corners: [Position]
    /// The line's segment that each piece is part of.
    private let segments: [Int32]
    private let tree: SegmentTree
    /// For cells of `cell_deg` around the line, a piece near the cell's middle: a first guess that prunes the rest.
    private let guesses: [Int32]
    private let guessWest: Double
    private let guessSouth: Double
    private let guessColumns: Int
    private let guessRows: Int

    init(_ line: [Position]) {
        let (corners, segments) = Self.pieces(line)
        self.corners = corners
        self.segments = segments
        let points = corners.map(Geodesic.spacePoint)
        let tree = SegmentTree(starts: Array(points.dropLast()), ends: Array(points.dropFirst()))
        self.tree = tree
        let longitudes = line.map(\.longitude_deg)
        let latitudes = line.map(\.latitude_deg)
        let west = (longitudes.min() ?? 0) - Self.margin_deg
        let south = (latitudes.min() ?? 0) - Self.margin_deg
        let columns = Int(((longitudes.max() ?? 0) - west + Self.margin_deg) / Self.cell_deg) + 1
        let rows = Int(((latitudes.max() ?? 0) - south + Self.margin_deg) / Self.cell_deg) + 1
        var guesses: [Int32] = []
        guesses.reserveCapacity(rows * columns)
        for row in 0..<rows {
            for column in 0..<columns {
                let middle = Position(
                    latitude_deg: south + (Double(row) + 0.5) * Self.cell_deg,
                    longitude_deg: west + (Double(column) + 0.5) * Self.cell_deg
                )
                let guess = guesses.last.map(Int.init) ?? 0
                guesses.append(Int32(tree.nearest(to: Geodesic.spacePoint(middle), guess: guess).segment))
            }
        }
        (self.guesses, guessWest, guessSouth, guessColumns, guessRows) = (guesses, west, south, columns, rows)
    }

    /// How many pieces the line is cut into.
    var pieceCount: Int { segments.count }

    /// Where a piece begins.
    func start(ofPiece piece: Int) -> Position { corners[piece] }

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

    /// A piece that a look at the neighbourhood suggests.
    private func guess(_ position: Position) -> Int {
        let x = (position.longitude_deg - guessWest) / Self.cell_deg
        let y = (position.latitude_deg - guessSouth) / Self.cell_deg
        guard x >= 0, y >= 0, x < Double(guessColumns), y < Double(guessRows) else { return 0 }
        return Int(guesses[Int(y) * guessColumns + Int(x)])
    }

    /// The line's nearest point to a position, which is `point` in space.
    func foot(of position: Position, _ point: SpacePoint) -> Foot {
        let near = tree.nearest(to: point, guess: guess(position))
        let a = corners[near.segment]
        let b = corners[near.segment + 1]
        let foot = Position(
            latitude_deg: a.latitude_deg + near.t * (b.latitude_deg - a.latitude_deg),
            longitude_deg: a.longitude_deg + near.t * (b.longitude_deg - a.longitude_deg)
        )
        let chord_m = near.squared.squareRoot()
        let distance_m =
            chord_m > Geodesic.chordLimit_m
            ? Geodesic.distance_m(position, foot)
            : Geodesic.length_m(chord_m: chord_m, from: point, to: Geodesic.spacePoint(foot))
        return Foot(
            position: foot,
            segment: Int(segments[near.segment]),
            distance_m: distance_m,
            isLeft: isLeft(position, near),
            piece: near.segment
        )
    }

    private func isLeft(_ position: Position, _ near: SegmentTree.Nearest) -> Bool? {
        let piece = near.segment
        let own = turn(corners[piece], corners[piece + 1], position)
        guard near.t <= 0 || near.t >= 1 else { return own > 0 }
        // The nearest is a corner: there the point lies on the outer hand of the turn.
        let corner = near.t <= 0 ? piece : piece + 1
        guard corner > 0, corner < corners.count - 1 else { return nil }
        let bend = turn(corners[corner - 1], corners[corner], corners[corner + 1])
        return bend == 0 ? own > 0 : bend < 0
    }

    /// Above zero when `c` lies on the left of the way from `a` to `b`.
    private func turn(_ a: Position, _ b: Position, _ c: Position) -> Double {
        // The shorter way round, should they lie on both sides of 180 degrees.
        func across(_ from: Position, _ to: Position) -> Double {
            let difference = to.longitude_deg - from.longitude_deg
            return difference > 180 ? difference - 360 : difference < -180 ? difference + 360 : difference
        }
        return across(a, b) * (c.latitude_deg - a.latitude_deg) - (b.latitude_deg - a.latitude_deg) * across(a, c)
    }
}
