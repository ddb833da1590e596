import Border
import Incident
import Testing

@Suite("Outlines of countries")
struct CountryIndexTests {
    private func point(_ latitude: Double, _ longitude: Double) -> Position {
        Position(latitude_deg: latitude, longitude_deg: longitude)
    }

    private func random(_ seed: inout UInt64) -> Double {
        seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(seed >> 11) / Double(UInt64(1) << 53)
    }

    /// Even or odd, by a ray to the east over every edge.
    private func holds(_ rings: [[Position]], _ place: Position) -> Bool {
        var isInside = false
        for ring in rings {
            for (index, b) in ring.enumerated() {
                let a = ring[index == 0 ? ring.count - 1 : index - 1]
                guard (a.latitude_deg <= place.latitude_deg) != (b.latitude_deg <= place.latitude_deg) else { continue }
                let t = (place.latitude_deg - a.latitude_deg) / (b.latitude_deg - a.latitude_deg)
                if a.longitude_deg + t * (b.longitude_deg - a.longitude_deg) > place.longitude_deg { isInside.toggle() }
            }
        }
        return isInside
    }

    @Test("a random star with a hole, over many cells, holds what a look at every edge says", arguments: 1...6)
    func stars(_ number: Int) throws {
        var seed = UInt64(number)
        let middle = point(-70 + 140 * random(&seed), -130 + 260 * random(&seed))
        func star(_ reach: Double, _ count: Int) -> [Position] {
            (0..<count).map { step in
                let angle = Double(step) / Double(count)
                let away = reach * (0.3 + 0.7 * random(&seed))
                // A diamond's corners are enough: no sine is needed for a star.
                let (x, y) =
                    angle < 0.25
                    ? (1 - 4 * angle, 4 * angle)
                    : angle < 0.5
                        ? (1 - 4 * angle, 2 - 4 * angle)
                        : angle < 0.75 ? (4 * angle - 3, 2 - 4 * angle) : (4 * angle - 3, 4 * angle - 4)
                return point(middle.latitude_deg + away * y, middle.longitude_deg + away * x)
            }
        }
        let rings = [star(15, 400), star(4, 40)]
        let index = try #require(CountryIndex([.init(country: "AA", rings: rings)]))
        for _ in 0..<4_000 {
            let place = point(
                middle.latitude_deg + 34 * (random(&seed) - 0.5),
                middle.longitude_deg + 34 * (random(&seed) - 0.5)
            )
            #expect((index.country(at: place) == 0) == holds(rings, place), "\(place)")
        }
    }

    @Test("poles, 180 degrees, vertices and places out of range are answered")
    func edges() throws {
        let cap = [point(85, -180), point(85, 180), point(90, 180), point(90, -180)]
        let box = [point(0, 170), point(0, 180), point(10, 180), point(10, 170)]
        let index = try #require(
            CountryIndex([.init(country: "AA", rings: [cap]), .init(country: "BB", rings: [box])])
        )
        #expect(index.country(at: point(89, 12)) == 0)
        #expect(index.country(at: point(5, 175)) == 1)
        #expect(index.country(at: point(5, -179.5)) == nil)
        #expect(index.country(at: point(-90, 0)) == nil)
        #expect(index.country(at: point(91, 0)) == nil)
        #expect(index.country(at: point(0, 181)) == nil)
        for place in [point(90, 180), point(90, -180), point(-90, 180), point(0, 170), point(10, 180)] {
            _ = index.country(at: place)
        }
        let nine = (0..<9).map { CountryIndex.Outline(country: "\($0)", rings: []) }
        #expect(CountryIndex(nine) == nil)
    }
}
