import Incident

/// One of the two countries that a line parts.
public struct BorderCountry: Hashable, Sendable {
    /// ISO 3166-1 alpha-2, as events name it.
    public var code: String
    /// The word for movement into it.
    public var into: Direction
    /// How it is named in texts, English and Spanish.
    public var names: [String]

    /// Joins the three.
    public init(code: String, into: Direction, names: [String]) {
        self.code = code
        self.into = into
        self.names = names
    }
}

/// On which side of the line something is, seen along the line as it runs.
public enum Side: UInt8, CaseIterable, Sendable {
    case left, right, ambiguous, other
}

/// Where a position lies relative to the line.
public struct BorderFix: Hashable, Sendable {
    /// The side, `ambiguous` when the position is nearer to the line than line and position are good.
    public var side: Side
    /// The side by geometry alone, however near: never `ambiguous`.
    public var geometricSide: Side
    /// WGS 84 distance to the line in metres.
    public var distance_m: Double
    /// The line's nearest point.
    public var foot: Position
    /// How good the line is where it is nearest, in metres; the position's own accuracy is not in it.
    public var accuracy_m: Double
    /// Index into `BorderIndex.crossings` of the nearest crossing.
    public var crossing: Int?
    /// WGS 84 distance to that crossing in metres.
    public var crossingDistance_m: Double
}

/// Why a border cannot be used.
public struct BorderError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with the data.
    public var description: String
}

/// One border: its line, how good the line is, its crossings, and the countries around it. Immutable; any thread may ask.
///
/// Nothing in it is about one border: which country lies on the left of the line as it runs, and what movement into it is
/// called, is data. Near the line the line says which side it is; farther off, and at its ends, the countries' outlines do,
/// which include their territorial waters.
public final class BorderIndex: Sendable {
    /// A run of the line's vertices and how good it is there.
    public struct Stretch: Hashable, Sendable {
        /// The first vertex.
        public var fromIndex: Int
        /// The last vertex; the next stretch begins there.
        public var toIndex: Int
        /// `land`, `river` or `maritime`.
        public var kind: String
        /// Metres.
        public var accuracy_m: Double

        /// Makes a stretch.
        public init(fromIndex: Int, toIndex: Int, kind: String, accuracy_m: Double) {
            self.fromIndex = fromIndex
            self.toIndex = toIndex
            self.kind = kind
            self.accuracy_m = accuracy_m
        }
    }

    /// A port of entry.
    public struct Crossing: Hashable, Sendable {
        /// The slug that an event names.
        public var id: String
        /// Its English name.
        public var name: String
        /// Its Spanish name.
        public var nameES: String
        /// Other names in both languages.
        public var aliases: [String]
        /// Where it is.
        public var position: Position
        /// The town on the left of the line.
        public var leftTown: String
        /// The town on the right of the line.
        public var rightTown: String

        /// Makes a crossing.
        public init(
            id: String,
            name: String,
            nameES: String,
            aliases: [String] = [],
            position: Position,
            leftTown: String,
            rightTown: String
        ) {
            self.id = id
            self.name = name
            self.nameES = nameES
            self.aliases = aliases
            self.position = position
            self.leftTown = leftTown
            self.rightTown = rightTown
        }
    }

    /// Nearer than this the line decides on the side: the countries' outlines are coarser.
    public static let outlineReach_m = 5_000.0

    /// The country on the left of the line as it runs.
    public let left: BorderCountry
    /// The country on its right.
    public let right: BorderCountry
    /// The ports of entry, in the order of the data.
    public let crossings: [Crossing]

    let line: BorderLine
    private let accuracies_m: [Double]
    private let outlines: CountryIndex?
    private let outlineSides: [Side]
    /// The crossings from west to east, for their tree.
    private let crossingOrder: [Int]
    private let crossingPoints: [SpacePoint]
    private let crossingTree: SegmentTree?
    /// For each few pieces of the line the nearest crossing's place in the tree.
    private let crossingGuesses: [Int32]
    private static let piecesPerGuess = 16

    /// Indexes a line. Throws when it has fewer than two vertices, or the stretches do not cover it.
    ///
    /// - Parameter outlines: The countries' outlines; without them the line alone decides, everywhere.
    public init(
        left: BorderCountry,
        right: BorderCountry,
        line: [Position],
        stretches: [Stretch],
        crossings: [Crossing],
        outlines: CountryIndex? = nil
    ) throws(BorderError) {
        accuracies_m = try Self.accuracies(line, stretches)
        self.left = left
        self.right = right
        self.crossings = crossings
        self.outlines = outlines
        outlineSides = (outlines?.countries ?? []).map { $0 == left.code ? .left : $0 == right.code ? .right : .other }
        let line = BorderLine(line)
        self.line = line
        let order = crossings.indices.sorted {
            crossings[$0].position.longitude_deg < crossings[$1].position.longitude_deg
        }
        crossingOrder = order
        let points = order.map { Geodesic.spacePoint(crossings[$0].position) }
        crossingPoints = points
        guard !points.isEmpty else {
            (crossingTree, crossingGuesses) = (nil, [])
            return
        }
        let tree = SegmentTree(starts: points, ends: points)
        crossingTree = tree
        var guess = 0
        crossingGuesses = stride(from: 0, to: line.pieceCount, by: Self.piecesPerGuess).map { piece in
            guess = tree.nearest(to: Geodesic.spacePoint(line.start(ofPiece: piece)), guess: guess).segment
            return Int32(guess)
        }
    }

    private static func accuracies(_ line: [Position], _ stretches: [Stretch]) throws(BorderError) -> [Double] {
        guard line.count >= 2 else { throw BorderError(description: "the line has fewer than two vertices") }
        var accuracies = [Double](repeating: -1, count: line.count - 1)
        for stretch in stretches {
            guard stretch.fromIndex >= 0, stretch.toIndex < line.count, stretch.fromIndex < stretch.toIndex,
                stretch.accuracy_m > 0
            else {
                throw BorderError(
                    description: "the stretch \(stretch.fromIndex) to \(stretch.toIndex) is not on the line"
                )
            }
            for index in stretch.fromIndex..<stretch.toIndex { accuracies[index] = stretch.accuracy_m }
        }
        if let missing = accuracies.firstIndex(of: -1) {
            throw BorderError(description: "no stretch covers the line behind vertex \(missing)")
        }
        return accuracies
    }

    /// Side, distance and nearest crossing of a position that is good to `accuracy_m` metres.
    public func locate(_ position: Position, accuracy_m: Double) -> BorderFix {
        let point = Geodesic.spacePoint(position)
        let foot = line.foot(of: position, point)
        let lineAccuracy_m = accuracies_m[foot.segment]
        let geometric = side(of: position, foot)
        let isNear = foot.distance_m <= lineAccuracy_m + accuracy_m
        let crossing = crossing(nearestTo: position, point, foot)
        return BorderFix(
            side: isNear && geometric != .other ? .ambiguous : geometric,
            geometricSide: geometric,
            distance_m: foot.distance_m,
            foot: foot.position,
            accuracy_m: lineAccuracy_m,
            crossing: crossing?.index,
            crossingDistance_m: crossing?.distance_m ?? .infinity
        )
    }

    private func side(of position: Position, _ foot: Foot) -> Side {
        let byLine: Side = foot.isLeft.map { $0 ? .left : .right } ?? .other
        guard let outlines, foot.distance_m > Self.outlineReach_m || byLine == .other else { return byLine }
        return outlines.country(at: position).map { outlineSides[$0] } ?? .other
    }

    private func crossing(
        nearestTo position: Position,
        _ point: SpacePoint,
        _ foot: Foot
    ) -> (index: Int, distance_m: Double)? {
        guard let crossingTree else { return nil }
        let near = crossingTree.nearest(to: point, guess: Int(crossingGuesses[foot.piece / Self.piecesPerGuess]))
        let index = crossingOrder[near.segment]
        let distance_m = Geodesic.distance_m(
            position,
            point,
            crossings[index].position,
            crossingPoints[near.segment]
        )
        return (index, distance_m)
    }

    /// The country on a side; nil where it is neither or both.
    public func country(_ side: Side) -> BorderCountry? {
        switch side {
        case .left: left
        case .right: right
        case .ambiguous, .other: nil
        }
    }

    /// As written in an event: the country's code, `ambiguous` or `other`.
    public func name(of side: Side) -> String { country(side)?.code ?? "\(side)" }

    /// The side that a country's code names.
    public func side(ofCountry code: String) -> Side {
        code == left.code ? .left : code == right.code ? .right : .other
    }
}
