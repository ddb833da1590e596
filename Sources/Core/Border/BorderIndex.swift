import Incident
import RealModule

/// On which side of the line something is.
public enum Side: UInt8, CaseIterable, Sendable {
    case us, mx, ambiguous, other

    /// As written in an event: `US`, `MX`, `ambiguous`, `other`.
    public var label: StaticString {
        switch self {
        case .us: "US"
        case .mx: "MX"
        case .ambiguous: "ambiguous"
        case .other: "other"
        }
    }
}

/// Where a position lies relative to the line.
public struct BorderFix: Hashable, Sendable {
    /// The side, `ambiguous` when the position is nearer to the line than line and position are good.
    public var side: Side
    /// The side by geometry alone, however near: never `ambiguous`.
    public var geometricSide: Side
    /// WGS 84 distance to the line in metres.
    public var distance_m: Double
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

/// One border: its line, how good the line is, and its crossings. Immutable; any thread may ask it.
///
/// The line runs so that the United States are on its left, from west to east. The side is asked of a ray to the
/// north: an odd number of crossings with the line means south of it. That holds between the line's ends; beyond
/// them, and so far off that other countries begin, the side is `other`.
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
        /// Where it is.
        public var position: Position
        /// The town on the United States' side.
        public var usTown: String
        /// The town on Mexico's side.
        public var mxTown: String

        /// Makes a crossing.
        public init(
            id: String,
            name: String,
            nameES: String,
            position: Position,
            usTown: String,
            mxTown: String
        ) {
            self.id = id
            self.name = name
            self.nameES = nameES
            self.position = position
            self.usTown = usTown
            self.mxTown = mxTown
        }
    }

    /// The ports of entry, in the order of the data.
    public let crossings: [Crossing]
    /// Beyond this latitude, in degrees north, the north is not the United States any more.
    static let northEnd_deg = 49.0
    /// Below this latitude, in degrees north, the south is not Mexico any more.
    static let southEnd_deg = 14.5

    let grid: SegmentGrid
    let accuracies_m: [Double]
    let crossingGrid: CrossingTable

    /// Indexes a line. Throws when it has fewer than two vertices or the stretches do not cover it.
    public init(line: [Position], stretches: [Stretch], crossings: [Crossing]) throws(BorderError) {
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
        accuracies_m = accuracies
        grid = SegmentGrid(line: line)
        self.crossings = crossings
        crossingGrid = CrossingTable(crossings.map(\.position))
    }

    /// Side, distance and nearest crossing of a position that is good to `accuracy_m` metres.
    public func locate(_ position: Position, accuracy_m: Double) -> BorderFix {
        let foot = grid.nearest(to: position)
        let distance_m = Geodesic.distance_m(position, foot.position)
        let lineAccuracy_m = accuracies_m[foot.segment]
        let geometric = side(of: position)
        let isNear = distance_m <= lineAccuracy_m + accuracy_m
        let crossing = crossingGrid.nearest(to: position)
        return BorderFix(
            side: isNear && geometric != .other ? .ambiguous : geometric,
            geometricSide: geometric,
            distance_m: distance_m,
            accuracy_m: lineAccuracy_m,
            crossing: crossing,
            crossingDistance_m: crossing.map { Geodesic.distance_m(position, crossings[$0].position) } ?? .infinity
        )
    }

    private func side(of position: Position) -> Side {
        guard let isSouth = grid.isSouth(position) else { return .other }
        if isSouth { return position.latitude_deg >= Self.southEnd_deg ? .mx : .other }
        return position.latitude_deg <= Self.northEnd_deg ? .us : .other
    }
}
