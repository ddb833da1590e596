import Bytes

/// A moment of an expression, to the nanosecond, in the years 1 to 9999.
public struct ExpressionTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
    public let seconds: Int64
    /// Nanoseconds past the second, 0 to 999,999,999.
    public let nanoseconds: Int64

    static let perSecond: Int64 = 1_000_000_000
    private static let writable: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    /// Nil when it is outside the years 1 to 9999.
    init?(seconds: Int64, nanoseconds: Int64 = 0) {
        guard Self.writable.contains(seconds) else { return nil }
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// Earlier is smaller.
    public static func < (left: ExpressionTime, right: ExpressionTime) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// A later moment, or an earlier one; nil when it is outside the years 1 to 9999.
    func adding(_ duration: Int64) -> ExpressionTime? {
        var (seconds, rest) = duration.quotientAndRemainder(dividingBy: Self.perSecond)
        rest += nanoseconds
        if rest < 0 {
            rest += Self.perSecond
            seconds -= 1
        } else if rest >= Self.perSecond {
            rest -= Self.perSecond
            seconds += 1
        }
        return ExpressionTime(seconds: self.seconds + seconds, nanoseconds: rest)
    }

    /// The span since another moment; nil when it is longer than a duration can be.
    func since(_ other: ExpressionTime) -> Int64? {
        let (product, isLong) = (seconds - other.seconds).multipliedReportingOverflow(by: Self.perSecond)
        let (sum, isTooLong) = product.addingReportingOverflow(nanoseconds - other.nanoseconds)
        return isLong || isTooLong ? nil : sum
    }

    /// RFC 3339 in UTC, with as many digits of a fraction as it has.
    public var description: String {
        let civil = CivilTime(seconds: seconds)
        func padded(_ number: Int64, _ digits: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
        }
        let date = "\(padded(civil.year, 4))-\(padded(civil.month, 2))-\(padded(civil.day, 2))"
        let time = "\(padded(civil.hour, 2)):\(padded(civil.minute, 2)):\(padded(civil.second, 2))"
        return "\(date)T\(time)\(Self.fraction(nanoseconds))Z"
    }

    /// A point and digits without zeros at the end; nothing for 0.
    static func fraction(_ nanoseconds: Int64) -> String {
        guard nanoseconds != 0 else { return "" }
        var digits = Array(String(nanoseconds + perSecond).utf8.dropFirst())
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        return "." + String(decoding: digits, as: UTF8.self)
    }

    // MARK: - Reading

    /// Why a text is no time.
    enum ParseError: String, Error {
        case syntax = "is not an RFC 3339 time such as 2026-11-25T14:05:00-07:00"
        case noOffset = "has no offset from UTC; write Z or an offset such as -07:00"
        case range = "is out of range: no such date or time, or outside the years 1 to 9999"
    }

    /// Reads an RFC 3339 date-time; digits past the nanosecond are dropped, a leap second is read as the second before.
    static func parse(_ text: String) throws(ParseError) -> ExpressionTime {
        var scanner = DigitScanner(text)
        // The longest that has a meaning is far below this.
        guard scanner.bytes.count <= 128, let year = scanner.digits(4), scanner.take("-"),
            let month = scanner.digits(2), scanner.take("-"), let day = scanner.digits(2),
            scanner.take("T") || scanner.take("t"), let hour = scanner.digits(2), scanner.take(":"),
            let minute = scanner.digits(2), scanner.take(":"), let second = scanner.digits(2)
        else { throw DigitScanner.leadingDigits(text) > 4 ? .range : .syntax }
        var nanoseconds: Int64 = 0
        if scanner.take(".") {
            guard let first = scanner.digits(1) else { throw .syntax }
            var place = perSecond / 10
            nanoseconds = first * place
            while let digit = scanner.digits(1) {
                place /= 10
                nanoseconds += digit * place
            }
        }
        guard !scanner.isAtEnd else { throw .noOffset }
        guard let offset = scanner.offset(), scanner.isAtEnd else { throw .syntax }
        guard (1...12).contains(month), day >= 1, day <= daysIn(month: Int(month), year: Int(year)), hour < 24,
            minute < 60,
            second <= 60, year > 0
        else { throw .range }
        let days = Int64(daysSinceEpoch(year: Int(year), month: Int(month), day: Int(day)))
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + min(second, 59) - offset
        guard let time = ExpressionTime(seconds: seconds, nanoseconds: nanoseconds) else { throw .range }
        return time
    }
}

/// Reads fixed numbers of digits.
struct DigitScanner {
    let bytes: [UInt8]
    private var at = 0

    init(_ text: String) { bytes = Array(text.utf8.prefix(256)) }

    var isAtEnd: Bool { at == bytes.count }

    static func leadingDigits(_ text: String) -> Int {
        text.utf8.prefix(32).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
    }

    mutating func digits(_ count: Int) -> Int64? {
        guard at + count <= bytes.count else { return nil }
        var value: Int64 = 0
        for byte in bytes[at..<at + count] {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        at += count
        return value
    }

    mutating func take(_ sign: Unicode.Scalar) -> Bool {
        guard at < bytes.count, bytes[at] == UInt8(ascii: sign) else { return false }
        at += 1
        return true
    }

    /// `Z` or hours and minutes with a sign, in seconds.
    mutating func offset(needsSign: Bool = true) -> Int64? {
        if take("Z") || take("z") { return 0 }
        let isNegative = take("-")
        guard isNegative || take("+") || !needsSign, let hours = digits(2), take(":"), let minutes = digits(2),
            hours < 24, minutes < 60
        else { return nil }
        return (hours * 60 + minutes) * (isNegative ? -60 : 60)
    }
}

/// A moment's date and time of day.
struct CivilTime {
    let year, month, day, hour, minute, second, daysSinceEpoch: Int64

    /// From seconds since the epoch, with the offset of the place already added.
    init(seconds: Int64) {
        var (days, rest) = seconds.quotientAndRemainder(dividingBy: 86_400)
        if rest < 0 {
            rest += 86_400
            days -= 1
        }
        (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60)
        daysSinceEpoch = days
        let date = civilDate(daysSinceEpoch: Int(days))
        (year, month, day) = (Int64(date.year), Int64(date.month), Int64(date.day))
    }

    /// 0 is the first of January.
    var dayOfYear: Int64 { daysSinceEpoch - Int64(Bytes.daysSinceEpoch(year: Int(year), month: 1, day: 1)) }

    /// 0 is Sunday.
    var dayOfWeek: Int64 { ((daysSinceEpoch + 4) % 7 + 7) % 7 }
}
