import Incident
import RealModule

/// Lengths on the WGS 84 ellipsoid.
///
/// `distance_m` solves the inverse problem by Vincenty's iteration (T. Vincenty, "Direct and inverse solutions of
/// geodesics on the ellipsoid", Survey Review 23, 1975), good to less than a millimetre where it converges; nearly
/// antipodal points, which no border needs, fall back to the sphere.
public enum Geodesic {
    /// The ellipsoid's equatorial radius.
    public static let equatorialRadius_m = 6_378_137.0
    /// The ellipsoid's flattening.
    public static let flattening = 1 / 298.257_223_563

    /// The geodesic distance in metres.
    public static func distance_m(_ from: Position, _ to: Position) -> Double {
        let polarRadius_m = equatorialRadius_m * (1 - flattening)
        let difference = radians(to.longitude_deg - from.longitude_deg)
        let start = ReducedLatitude(from.latitude_deg)
        let end = ReducedLatitude(to.latitude_deg)
        var lambda = difference
        for _ in 0..<60 {
            let sinLambda = Double.sin(lambda)
            let cosLambda = Double.cos(lambda)
            let across = end.cosine * sinLambda
            let along = start.cosine * end.sine - start.sine * end.cosine * cosLambda
            let sinSigma = (across * across + along * along).squareRoot()
            if sinSigma == 0 { return 0 }
            let cosSigma = start.sine * end.sine + start.cosine * end.cosine * cosLambda
            let sigma = Double.atan2(y: sinSigma, x: cosSigma)
            let sinAlpha = start.cosine * end.cosine * sinLambda / sinSigma
            let cosSquaredAlpha = 1 - sinAlpha * sinAlpha
            let cosTwiceMiddle =
                cosSquaredAlpha == 0 ? 0 : cosSigma - 2 * start.sine * end.sine / cosSquaredAlpha
            let c = flattening / 16 * cosSquaredAlpha * (4 + flattening * (4 - 3 * cosSquaredAlpha))
            let inner = cosTwiceMiddle + c * cosSigma * (2 * cosTwiceMiddle * cosTwiceMiddle - 1)
            let next = difference + (1 - c) * flattening * sinAlpha * (sigma + c * sinSigma * inner)
            if abs(next - lambda) < 1e-12 {
                let correction = sigmaCorrection(
                    cosSquaredAlpha: cosSquaredAlpha,
                    sinSigma: sinSigma,
                    cosSigma: cosSigma,
                    cosTwiceMiddle: cosTwiceMiddle
                )
                return polarRadius_m * correction.scale * (sigma - correction.delta)
            }
            lambda = next
        }
        return sphericalDistance_m(from, to)
    }

    /// The great-circle distance in metres on a sphere of the mean radius; off by up to half a per cent.
    static func sphericalDistance_m(_ from: Position, _ to: Position) -> Double {
        let latitudeHalf = Double.sin(radians(to.latitude_deg - from.latitude_deg) / 2)
        let longitudeHalf = Double.sin(radians(to.longitude_deg - from.longitude_deg) / 2)
        let chord =
            latitudeHalf * latitudeHalf
            + Double.cos(radians(from.latitude_deg)) * Double.cos(radians(to.latitude_deg)) * longitudeHalf
            * longitudeHalf
        return 2 * 6_371_008.8 * Double.asin(min(1, chord.squareRoot()))
    }

    private static func sigmaCorrection(
        cosSquaredAlpha: Double,
        sinSigma: Double,
        cosSigma: Double,
        cosTwiceMiddle: Double
    ) -> (scale: Double, delta: Double) {
        let secondEccentricity = flattening * (2 - flattening) / ((1 - flattening) * (1 - flattening))
        let u = cosSquaredAlpha * secondEccentricity
        let scale = 1 + u / 16_384 * (4_096 + u * (-768 + u * (320 - 175 * u)))
        let b = u / 1_024 * (256 + u * (-128 + u * (74 - 47 * u)))
        let square = cosTwiceMiddle * cosTwiceMiddle
        let third = b / 6 * cosTwiceMiddle * (4 * sinSigma * sinSigma - 3) * (4 * square - 3)
        let delta = b * sinSigma * (cosTwiceMiddle + b / 4 * (cosSigma * (2 * square - 1) - third))
        return (scale, delta)
    }

    @inline(__always)
    static func radians(_ degrees: Double) -> Double { degrees * .pi / 180 }

    private struct ReducedLatitude {
        let sine: Double
        let cosine: Double

        init(_ latitude_deg: Double) {
            let latitude = Geodesic.radians(latitude_deg)
            let tangent = (1 - Geodesic.flattening) * Double.tan(latitude)
            cosine = 1 / (1 + tangent * tangent).squareRoot()
            sine = tangent * cosine
        }
    }
}
