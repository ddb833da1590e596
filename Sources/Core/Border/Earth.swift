import Incident
import RealModule

/// A point in space, in metres from the Earth's centre.
public typealias SpacePoint = SIMD3<Double>

extension Geodesic {
    /// The straight distance through the Earth in metres: never longer than the geodesic, and at 400 km 66 m shorter.
    @inlinable
    public static func chord_m(_ from: SpacePoint, _ to: SpacePoint) -> Double {
        let way = to - from
        return (way * way).sum().squareRoot()
    }

    /// A point of the WGS 84 ellipsoid in space.
    public static func spacePoint(_ position: Position) -> SpacePoint {
        let latitude = radians(position.latitude_deg)
        let longitude = radians(position.longitude_deg)
        let squaredEccentricity = flattening * (2 - flattening)
        let sine = Double.sin(latitude)
        let normal_m = equatorialRadius_m / (1 - squaredEccentricity * sine * sine).squareRoot()
        let across_m = normal_m * Double.cos(latitude)
        return SpacePoint(
            across_m * Double.cos(longitude),
            across_m * Double.sin(longitude),
            normal_m * (1 - squaredEccentricity) * sine
        )
    }

    /// Up to here a geodesic's length follows from its chord.
    static let chordLimit_m = 500_000.0

    /// The geodesic's length between two points whose straight distance through the Earth is `chord_m`.
    ///
    /// Near a point the ellipsoid is a sphere of the radius that Euler's formula gives for the direction; an arc of radius R
    /// over a chord c is c (1 + c²/24R² + 3c⁴/640R⁴ + …). With the curvature taken at the middle this is good to
    /// centimetres at 300 km.
    static func length_m(chord_m: Double, from: SpacePoint, to: SpacePoint) -> Double {
        let middle = (from + to) * 0.5
        let squaredEccentricity = flattening * (2 - flattening)
        // Up is the ellipsoid's normal: the gradient of x² + y² + z²/(1 - e²).
        let gradient = SpacePoint(middle.x, middle.y, middle.z / (1 - squaredEccentricity))
        let squaredHeight = (gradient * gradient).sum()
        let squaredSine = gradient.z * gradient.z / squaredHeight
        let w = 1 - squaredEccentricity * squaredSine
        let normal_m = equatorialRadius_m / w.squareRoot()
        let meridional_m = normal_m * (1 - squaredEccentricity) / w
        // How much of the way runs along the parallel.
        let across_squared = middle.x * middle.x + middle.y * middle.y
        let way = to - from
        let east = across_squared > 0 ? (way.y * middle.x - way.x * middle.y) : 0
        let squaredLength = chord_m * chord_m
        let eastShare =
            across_squared > 0 && squaredLength > 0 ? min(1, east * east / (across_squared * squaredLength)) : 0
        let curvature = eastShare / normal_m + (1 - eastShare) / meridional_m
        let q = squaredLength * curvature * curvature
        return chord_m * (1 + q / 24 * (1 + q * 9 / 80))
    }

    /// The geodesic distance of two points that are known in space as well.
    static func distance_m(
        _ from: Position,
        _ fromPoint: SpacePoint,
        _ to: Position,
        _ toPoint: SpacePoint
    ) -> Double {
        let way = toPoint - fromPoint
        let chord_m = (way * way).sum().squareRoot()
        guard chord_m > chordLimit_m else { return length_m(chord_m: chord_m, from: fromPoint, to: toPoint) }
        return distance_m(from, to)
    }
}
