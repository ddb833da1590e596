// What parts a timestamp has, in UTC or at an offset, and how long a duration is.
extension Function {
    static let times: [Function] = [
        date("getFullYear") { $0.year },
        date("getMonth") { $0.month - 1 },
        date("getDate") { $0.day },
        date("getDayOfMonth") { $0.day - 1 },
        date("getDayOfWeek") { $0.dayOfWeek },
        date("getDayOfYear") { $0.dayOfYear },
        part("getHours", { $0.hour }) { $0 / (3_600 * ExpressionTime.perSecond) },
        part("getMinutes", { $0.minute }) { $0 / (60 * ExpressionTime.perSecond) },
        part("getSeconds", { $0.second }) { $0 / ExpressionTime.perSecond },
        Function(name: "getMilliseconds", style: .method, arguments: 1...2) { (values) throws(FunctionFailure) in
            if case .duration(let span) = values[0], values.count == 1 {
                return .int(span % ExpressionTime.perSecond / 1_000_000)
            }
            guard case .timestamp(let time) = values[0], try offset(values) != nil else { return nil }
            return .int(time.nanoseconds / 1_000_000)
        },
    ]

    private static func date(_ name: String, _ get: @escaping @Sendable (CivilTime) -> Int64) -> Function {
        Function(name: name, style: .method, arguments: 1...2) { (values) throws(FunctionFailure) in
            guard case .timestamp(let time) = values[0], let offset = try offset(values) else { return nil }
            return .int(get(CivilTime(seconds: time.seconds + offset)))
        }
    }

    /// A part of a timestamp's time of day, or the whole of a duration in that unit.
    private static func part(
        _ name: String,
        _ get: @escaping @Sendable (CivilTime) -> Int64,
        _ length: @escaping @Sendable (Int64) -> Int64
    ) -> Function {
        let ofTime = date(name, get).apply
        return Function(name: name, style: .method, arguments: 1...2) { (values) throws(FunctionFailure) in
            if case .duration(let span) = values[0], values.count == 1 { return .int(length(span)) }
            return try ofTime(values)
        }
    }

    /// Seconds to add to UTC; nil when the place is no string.
    private static func offset(_ values: [ExpressionValue]) throws(FunctionFailure) -> Int64? {
        guard values.count > 1 else { return 0 }
        guard case .string(let place) = values[1] else { return nil }
        if place == "UTC" || place.isEmpty { return 0 }
        var scanner = DigitScanner(place)
        guard let offset = scanner.offset(needsSign: false), scanner.isAtEnd else {
            throw FunctionFailure(
                "\"\(place.excerpt)\": names of time zones are left out here; give UTC or an offset such as -07:00"
            )
        }
        return offset
    }
}
