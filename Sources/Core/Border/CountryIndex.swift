import Incident

/// In which country a position lies, everywhere on Earth. Immutable; any thread may ask it.
///
/// The Earth is cut into cells of a degree. Most lie wholly in a country or in none; for the others the country of the
/// cell's middle is known, and the outlines that pass through the cell say whether the way from there crosses one.
public struct CountryIndex: Sendable {
    /// A country's outline: closed rings of vertices, holes among them, none across 180 degrees of longitude.
    public struct Outline: Sendable {
        /// ISO 3166-1 alpha-2.
        public var country: String
        /// The rings; the last vertex of each may repeat the first.
        public var rings: [[Position]]

        /// Joins the two.
        public init(country: String, rings: [[Position]]) {
            self.country = country
            self.rings = rings
        }
    }

    private struct Edge {
        var ax: Double, ay: Double, bx: Double, by: Double
        var country: UInt8

        @inline(__always)
        func x(at y: Double) -> Double { ax + (y - ay) / (by - ay) * (bx - ax) }

        @inline(__always)
        func y(at x: Double) -> Double { ay + (x - ax) / (bx - ax) * (by - ay) }
    }

    private static let columns = 360
    private static let rows = 180

    /// The countries, in the order of the outlines.
    public let countries: [String]
    private let edges: [Edge]
    private let cellStarts: [Int32]
    private let cellEdges: [Int32]
    /// One bit for each country that holds the cell's middle.
    private let middles: [UInt8]

    /// Indexes at most eight countries; nil when there are more.
    public init?(_ outlines: [Outline]) {
        guard outlines.count <= 8 else { return nil }
        countries = outlines.map(\.country)
        var edges: [Edge] = []
        for (number, outline) in outlines.enumerated() {
            for ring in outline.rings where ring.count >= 3 {
                var last = ring[ring.count - 1]
                for vertex in ring {
                    if vertex != last {
                        edges.append(
                            Edge(
                                ax: last.longitude_deg,
                                ay: last.latitude_deg,
                                bx: vertex.longitude_deg,
                                by: vertex.latitude_deg,
                                country: UInt8(number)
                            )
                        )
                    }
                    last = vertex
                }
            }
        }
        self.edges = edges
        (cellStarts, cellEdges) = Self.cells(edges)
        middles = Self.middles(edges)
    }

    private static func column(_ longitude_deg: Double) -> Int { max(0, min(columns - 1, Int(longitude_deg + 180))) }
    private static func row(_ latitude_deg: Double) -> Int { max(0, min(rows - 1, Int(latitude_deg + 90))) }

    private static func cells(_ edges: [Edge]) -> ([Int32], [Int32]) {
        var counts = [Int32](repeating: 0, count: columns * rows + 1)
        func forEach(_ edge: Edge, _ body: (Int) -> Void) {
            for row in row(min(edge.ay, edge.by))...row(max(edge.ay, edge.by)) {
                for column in column(min(edge.ax, edge.bx))...column(max(edge.ax, edge.bx)) {
                    body(row * columns + column)
                }
            }
        }
        for edge in edges { forEach(edge) { counts[$0 + 1] += 1 } }
        for cell in 1..<counts.count { counts[cell] += counts[cell - 1] }
        var next = counts
        var list = [Int32](repeating: 0, count: Int(counts[counts.count - 1]))
        for (number, edge) in edges.enumerated() {
            forEach(edge) {
                list[Int(next[$0])] = Int32(number)
                next[$0] += 1
            }
        }
        return (counts, list)
    }

    /// Walks each row of middles from the west and changes sides at every outline.
    private static func middles(_ edges: [Edge]) -> [UInt8] {
        var crossings = [[(x: Double, country: UInt8)]](repeating: [], count: rows)
        for edge in edges {
            for row in row(min(edge.ay, edge.by))...row(max(edge.ay, edge.by)) {
                let y = Double(row) - 89.5
                guard (edge.ay <= y) != (edge.by <= y) else { continue }
                crossings[row].append((edge.x(at: y), edge.country))
            }
        }
        var result = [UInt8](repeating: 0, count: columns * rows)
        for row in 0..<rows {
            let sorted = crossings[row].sorted { $0.x < $1.x }
            var next = 0
            var inside: UInt8 = 0
            for column in 0..<columns {
                let x = Double(column) - 179.5
                while next < sorted.count, sorted[next].x <= x {
                    inside ^= 1 << sorted[next].country
                    next += 1
                }
                result[row * columns + column] = inside
            }
        }
        return result
    }

    /// The index of the country that holds a position; nil when it is none of them.
    public func country(at position: Position) -> Int? {
        let (x, y) = (position.longitude_deg, position.latitude_deg)
        guard x >= -180, x <= 180, y >= -90, y <= 90 else { return nil }
        let (column, row) = (Self.column(x), Self.row(y))
        let cell = row * Self.columns + column
        var inside = middles[cell]
        let (middleX, middleY) = (Double(column) - 179.5, Double(row) - 89.5)
        for at in cellStarts[cell]..<cellStarts[cell + 1] {
            let edge = edges[Int(cellEdges[Int(at)])]
            // From the middle along its parallel, then along the meridian.
            if (edge.ay <= middleY) != (edge.by <= middleY) {
                let crossing = edge.x(at: middleY)
                if (crossing <= middleX) != (crossing <= x) { inside ^= 1 << edge.country }
            }
            if (edge.ax <= x) != (edge.bx <= x) {
                let crossing = edge.y(at: x)
                if (crossing <= middleY) != (crossing <= y) { inside ^= 1 << edge.country }
            }
        }
        return inside == 0 ? nil : inside.trailingZeroBitCount
    }
}
