/// Finds what somebody probably meant.
enum NearName {
    private static let longest = 40
    private static let mostNames = 128

    /// The nearest of the names when it is near enough, as a question to add to a message; else nothing.
    static func question(_ wanted: String, among names: some Sequence<String>) -> String {
        let letters = Array(wanted.utf8)
        guard letters.count <= longest else { return "" }
        var best: (name: String, distance: Int)?
        for name in names.prefix(mostNames) {
            let other = Array(name.utf8)
            let allowed = min(2, max(letters.count, other.count) / 3)
            guard other.count <= longest, abs(other.count - letters.count) <= allowed else { continue }
            let distance = distance(letters, other)
            if distance <= allowed, distance < best?.distance ?? .max { best = (name, distance) }
        }
        return best.map { "; did you mean \($0.name.excerpt)?" } ?? ""
    }

    /// Letters to add, to take away, to change, or to swap with their neighbour; case counts for nothing.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        let (left, right) = (left.map(folded), right.map(folded))
        var older: [Int] = []
        var above = Array(0...right.count)
        for row in left.indices {
            var line = [row + 1]
            for column in right.indices {
                let cost = left[row] == right[column] ? 0 : 1
                var least = min(above[column] + cost, above[column + 1] + 1, line[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    least = min(least, older[column - 1] + 1)
                }
                line.append(least)
            }
            (older, above) = (above, line)
        }
        return above[right.count]
    }

    private static func folded(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte + 32 : byte
    }
}
