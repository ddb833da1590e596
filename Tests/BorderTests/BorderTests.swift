import Border
import Incident
import Testing

/// A border along 31 degrees north with one step to the south, from 112 to 108 degrees west.
private func stepped() throws -> BorderIndex {
    var line: [Position] = []
    for step in 0...200 { line.append(point(31, -112 + Double(step) * 0.01)) }
    for step in 0...100 { line.append(point(30.5, -110 + Double(step) * 0.02)) }
    return try border(
        line: line,
        stretches: [
            .init(fromIndex: 0, toIndex: 200, kind: "land", accuracy_m: 20),
            .init(fromIndex: 200, toIndex: line.count - 1, kind: "river", accuracy_m: 300),
        ],
        crossings: [
            crossing("west", 31, -111.5), crossing("east", 30.5, -108.5),
        ]
    )
}

private func border(
    line: [Position],
    stretches: [BorderIndex.Stretch],
    crossings: [BorderIndex.Crossing],
    outlines: CountryIndex? = nil
) throws(BorderError) -> BorderIndex {
    try BorderIndex(
        left: BorderCountry(code: "AA", into: .northbound, names: ["Aland"]),
        right: BorderCountry(code: "BB", into: .southbound, names: ["Beland"]),
        line: line,
        stretches: stretches,
        crossings: crossings,
        outlines: outlines
    )
}

private func point(_ latitude: Double, _ longitude: Double) -> Position {
    Position(latitude_deg: latitude, longitude_deg: longitude)
}

private func crossing(_ id: String, _ latitude: Double, _ longitude: Double) -> BorderIndex.Crossing {
    .init(id: id, name: id, nameES: id, position: point(latitude, longitude), leftTown: "", rightTown: "")
}

@Suite("The border index")
struct BorderTests {
    @Test("north of a line that runs east is its left, south of it its right, beyond its ends other")
    func sides() throws {
        let border = try stepped()
        #expect(border.locate(point(31.2, -111), accuracy_m: 0).side == .left)
        #expect(border.locate(point(30.8, -111), accuracy_m: 0).side == .right)
        // East of the step the line is half a degree further south.
        #expect(border.locate(point(30.8, -109), accuracy_m: 0).side == .left)
        #expect(border.locate(point(30.3, -109), accuracy_m: 0).side == .right)
        // Beyond the line's ends nobody says which side it is.
        #expect(border.locate(point(31.2, -113), accuracy_m: 0).side == .other)
        #expect(border.locate(point(30.5, -107), accuracy_m: 0).side == .other)
    }

    @Test("a position nearer than line and position are good is ambiguous, its geometric side is kept")
    func ambiguous() throws {
        let border = try stepped()
        // About 11 m north.
        let near = border.locate(point(31.0001, -111.005), accuracy_m: 0)
        #expect(near.side == .ambiguous)
        #expect(near.geometricSide == .left)
        #expect(near.accuracy_m == 20)
        let away = point(31.001, -111.005)
        #expect(border.locate(away, accuracy_m: 0).side == .left)
        #expect(border.locate(away, accuracy_m: 100).side == .ambiguous)
        // The river's bed moves: 111 m are not enough there.
        #expect(border.locate(point(30.501, -109.005), accuracy_m: 0).side == .ambiguous)
    }

    @Test("the distance is the geodesic's, the crossing the nearest")
    func distance() throws {
        let border = try stepped()
        let fix = border.locate(point(31.5, -111.5), accuracy_m: 0)
        // Half a degree of meridian at 31.25 degrees: 55,433 m (WGS 84).
        #expect(abs(fix.distance_m - 55_433) < 5)
        #expect(fix.crossing == 0)
        #expect(abs(fix.crossingDistance_m - fix.distance_m) < 1)
        #expect(border.locate(point(30.4, -108.6), accuracy_m: 0).crossing == 1)
    }

    @Test("Vincenty's own example: Flinders Peak to Buninyong")
    func vincenty() {
        let distance_m = Geodesic.distance_m(
            point(-37.951_033_416_666_7, 144.424_867_888_888_9),
            point(-37.652_821_138_888_9, 143.926_495_527_777_8)
        )
        #expect(abs(distance_m - 54_972.271) < 0.01)
        #expect(Geodesic.distance_m(point(31, -110), point(31, -110)) == 0)
    }

    @Test("the index finds the same nearest point as a look at every segment")
    func exhaustive() throws {
        var seed: UInt64 = 7
        func random() -> Double {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(seed >> 11) / Double(UInt64(1) << 53)
        }
        var line = [point(31, -112)]
        for _ in 0..<3_000 {
            let last = line[line.count - 1]
            line.append(point(last.latitude_deg + (random() - 0.5) * 0.01, last.longitude_deg + random() * 0.002))
        }
        let border = try border(
            line: line,
            stretches: [.init(fromIndex: 0, toIndex: line.count - 1, kind: "land", accuracy_m: 1)],
            crossings: []
        )
        for _ in 0..<300 {
            let place = point(30 + random() * 2, -113 + random() * 8)
            var best = Double.infinity
            // Vertices are within metres of the segments' own nearest points: 0.002 degrees are 190 m.
            for vertex in line { best = min(best, Geodesic.distance_m(place, vertex)) }
            let found = border.locate(place, accuracy_m: 0).distance_m
            #expect(found <= best + 0.5)
            #expect(found >= best - 800)
        }
    }

    @Test("data that leaves a part of the line without an accuracy is refused")
    func errors() {
        #expect(throws: BorderError.self) { try border(line: [point(31, -110)], stretches: [], crossings: []) }
        #expect(throws: BorderError.self) {
            try border(
                line: [point(31, -110), point(31, -109), point(31, -108)],
                stretches: [.init(fromIndex: 0, toIndex: 1, kind: "land", accuracy_m: 5)],
                crossings: []
            )
        }
        #expect(throws: BorderError.self) {
            try border(
                line: [point(31, -110), point(31, -109)],
                stretches: [.init(fromIndex: 0, toIndex: 5, kind: "land", accuracy_m: 5)],
                crossings: []
            )
        }
    }
}
