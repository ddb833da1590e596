import Border
import Incident

/// A small map in letters: which side is where around a position, and the nearest crossing.
struct TextMap {
    private static let columns = 56
    private static let rows = 13
    /// A letter is about twice as high as wide.
    private static let rowPerColumn = 2.0

    /// The lines of the map, and what its letters mean; nil without a position.
    let lines: [String]

    init(_ position: Position, fix: BorderFix, accuracy_m: Double, border: BorderIndex) {
        // Wide enough for the line or the area, whichever lies farther out, and never a pin alone.
        let reach_m = max(2_000, min(400_000, 1.3 * max(fix.distance_m, accuracy_m)))
        let latitudeStep_deg = 2 * reach_m / 111_195 / Double(Self.rows)
        let longitudeStep_deg = latitudeStep_deg / Self.rowPerColumn / Self.scale(position.latitude_deg)
        func place(_ row: Int, _ column: Int) -> Position {
            Position(
                latitude_deg: position.latitude_deg + (Double(Self.rows / 2) - Double(row)) * latitudeStep_deg,
                longitude_deg: position.longitude_deg + (Double(column) - Double(Self.columns / 2)) * longitudeStep_deg
            )
        }
        func cell(_ other: Position) -> (row: Int, column: Int)? {
            let row = Double(Self.rows / 2) - (other.latitude_deg - position.latitude_deg) / latitudeStep_deg
            let column =
                Double(Self.columns / 2) + (other.longitude_deg - position.longitude_deg) / longitudeStep_deg
            guard (0..<Double(Self.rows)).contains(row.rounded()), (0..<Double(Self.columns)).contains(column.rounded())
            else { return nil }
            return (Int(row.rounded()), Int(column.rounded()))
        }
        var grid = (0..<Self.rows).map { row in
            (0..<Self.columns).map { column -> Character in
                switch border.locate(place(row, column), accuracy_m: 0).geometricSide {
                case .left: "."
                case .right: ":"
                case .ambiguous, .other: " "
                }
            }
        }
        let crossing = fix.crossing.map { border.crossings[$0] }
        var legend = ". \(border.left.code)  : \(border.right.code)  @ here"
        if let crossing, let at = cell(crossing.position) {
            grid[at.row][at.column] = "+"
            legend += "  + \(crossing.name)"
        }
        if let at = cell(fix.foot), fix.distance_m > reach_m / Double(Self.rows) {
            grid[at.row][at.column] = "*"
            legend += "  * nearest point of the line"
        }
        grid[Self.rows / 2][Self.columns / 2] = "@"
        let across_km = Int(
            (reach_m * 2 / 1000 * Double(Self.columns) / Double(Self.rows) / Self.rowPerColumn).rounded()
        )
        lines = grid.map { String($0) } + ["\(legend)  (\(max(1, across_km)) km across, north is up)"]
    }

    /// How much shorter a degree of longitude is than one of latitude; good enough for letters.
    private static func scale(_ latitude_deg: Double) -> Double {
        let x = latitude_deg * .pi / 180
        return max(0.1, 1 - x * x / 2 + x * x * x * x / 24)
    }
}
