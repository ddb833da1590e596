/// Durations as text: `1h30m`, `-1.5s`, `250ms`.
enum DurationText {
    enum ParseError: String, Error {
        case syntax = "is not a duration such as 90m, 1h30m or -1.5s; units are h, m, s, ms, us and ns"
        case range = "is out of range: a duration is at most 292 years"
    }

    private static let units: [(name: String, nanoseconds: UInt64)] = [
        ("h", 3_600_000_000_000), ("ms", 1_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("us", 1_000),
        ("\u{B5}s", 1_000), ("\u{3BC}s", 1_000), ("ns", 1),
    ]

    /// Seconds, with a fraction where there is one.
    static func write(_ nanoseconds: Int64) -> String {
        let (seconds, rest) = nanoseconds.magnitude.quotientAndRemainder(dividingBy: UInt64(ExpressionTime.perSecond))
        return "\(nanoseconds < 0 ? "-" : "")\(seconds)\(ExpressionTime.fraction(Int64(rest)))s"
    }

    /// Reads numbers with units, one after the other; the sum in nanoseconds.
    static func parse(_ text: String) throws(ParseError) -> Int64 {
        guard text.utf8.count <= 256 else { throw .syntax }
        var rest = Array(text.utf8)[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        if rest.elementsEqual("0".utf8) { return 0 }
        guard !rest.isEmpty else { throw .syntax }
        var total: UInt64 = 0
        while !rest.isEmpty {
            let (sum, isLong) = total.addingReportingOverflow(try part(&rest))
            guard !isLong, sum <= Int64.min.magnitude else { throw .range }
            total = sum
        }
        guard isNegative || total < Int64.min.magnitude else { throw .range }
        return isNegative ? Int64(truncatingIfNeeded: 0 &- total) : Int64(total)
    }

    private static func digits(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        rest = rest.dropFirst(digits.count)
        return digits
    }

    private static func part(_ rest: inout ArraySlice<UInt8>) throws(ParseError) -> UInt64 {
        let whole = digits(&rest)
        var fraction: ArraySlice<UInt8> = []
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            fraction = digits(&rest)
        }
        guard !whole.isEmpty || !fraction.isEmpty, let unit = units.first(where: { rest.starts(with: $0.name.utf8) })
        else { throw .syntax }
        rest = rest.dropFirst(unit.name.utf8.count)
        guard let number = whole.isEmpty ? 0 : UInt64(String(decoding: whole, as: UTF8.self)) else { throw .range }
        let (product, isLong) = number.multipliedReportingOverflow(by: unit.nanoseconds)
        guard !isLong, product <= Int64.min.magnitude else { throw .range }
        var (parts, scale): (UInt64, UInt64) = (0, 1)
        for digit in fraction.prefix(18) {
            parts = parts * 10 + UInt64(digit - UInt8(ascii: "0"))
            scale *= 10
        }
        return product + scale.dividingFullWidth(parts.multipliedFullWidth(by: unit.nanoseconds)).quotient
    }
}
