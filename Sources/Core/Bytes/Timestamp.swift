/// A moment: microseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
public struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Microseconds since the Unix epoch, UTC.
    public var microseconds: Int64

    /// Makes a moment from microseconds since the Unix epoch.
    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// Earlier is smaller.
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    /// The moments that RFC 3339 can write in UTC: the years 0000 to 9999.
    public static let writable =
        Timestamp(microseconds: -62_167_219_200_000_000)...Timestamp(microseconds: 253_402_300_799_999_999)

    /// A moment as it was written: with the writer's offset from UTC.
    public struct Written: Hashable, Sendable {
        /// The moment.
        public var timestamp: Timestamp
        /// Minutes to add to UTC for the writer's local time.
        public var offsetMinutes: Int

        /// Joins a moment and an offset.
        public init(timestamp: Timestamp, offsetMinutes: Int) {
            self.timestamp = timestamp
            self.offsetMinutes = offsetMinutes
        }
    }

    /// Why a text is not an RFC 3339 date-time.
    public enum ParseError: String, Error, Sendable {
        case syntax = "is not an RFC 3339 date-time such as 2026-11-23T14:05:00-07:00"
        case noOffset = "has no offset from UTC; write Z or an offset such as -07:00"
        case range = "names a date or time that does not exist"
    }

    /// Reads an RFC 3339 date-time (section 5.6): upper- or lower-case `T` and `Z`, any number of fraction
    /// digits (those past the microsecond are dropped), a leap second is read as the second before it.
    public static func parse(_ text: Text) throws(ParseError) -> Written {
        let bytes = text.bytes
        func digits(_ start: Int, _ count: Int) -> Int? {
            guard start + count <= bytes.count else { return nil }
            var value = 0
            for index in start..<start + count {
                let digit = Int(bytes[index]) - 48
                guard (0...9).contains(digit) else { return nil }
                value = value * 10 + digit
            }
            return value
        }
        func byte(_ index: Int) -> UInt8 { index < bytes.count ? bytes[index] : 0 }
        guard let year = digits(0, 4), byte(4) == 45, let month = digits(5, 2), byte(7) == 45,
            let day = digits(8, 2), byte(10) | 32 == 116, let hour = digits(11, 2), byte(13) == 58,
            let minute = digits(14, 2), byte(16) == 58, let second = digits(17, 2)
        else { throw .syntax }
        var at = 19
        var fraction = 0
        if byte(at) == 46 {
            var place = 100_000
            at += 1
            let start = at
            while let digit = digits(at, 1) {
                fraction += digit * place
                place /= 10
                at += 1
            }
            guard at > start else { throw .syntax }
        }
        guard at < bytes.count else { throw .noOffset }
        let offset = try parseOffset(bytes, at: at)
        guard (1...12).contains(month), day >= 1, day <= daysIn(month: month, year: year), hour < 24, minute < 60,
            second <= 60
        else { throw .range }
        let days = daysSinceEpoch(year: year, month: month, day: day)
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + min(second, 59) - offset * 60
        let timestamp = Timestamp(microseconds: Int64(seconds) * 1_000_000 + Int64(fraction))
        guard writable.contains(timestamp) else { throw .range }
        return Written(timestamp: timestamp, offsetMinutes: offset)
    }

    private static func parseOffset(_ bytes: UnsafeRawBufferPointer, at start: Int) throws(ParseError) -> Int {
        if bytes[start] | 32 == 122 {
            guard start + 1 == bytes.count else { throw .syntax }
            return 0
        }
        guard bytes[start] == 43 || bytes[start] == 45, bytes.count == start + 6, bytes[start + 3] == 58 else {
            throw .syntax
        }
        var parts = (0, 0)
        for (index, isHour) in [(start + 1, true), (start + 2, true), (start + 4, false), (start + 5, false)] {
            let digit = Int(bytes[index]) - 48
            guard (0...9).contains(digit) else { throw .syntax }
            if isHour { parts.0 = parts.0 * 10 + digit } else { parts.1 = parts.1 * 10 + digit }
        }
        guard parts.0 < 24, parts.1 < 60 else { throw .range }
        let minutes = parts.0 * 60 + parts.1
        return bytes[start] == 45 ? -minutes : minutes
    }

    /// The moment in UTC, `2026-11-23T14:05:00Z`, with six fraction digits when it is not a whole second.
    public var description: String {
        var writer = ByteWriter(capacity: 64)
        writer.append(timestamp: self)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// The UTC calendar date, `2026-11-23`.
    public var utcDate: String { String(description.prefix(10)) }
}

extension ByteWriter {
    /// Appends a moment in UTC as RFC 3339, with six fraction digits when it is not a whole second. One that cannot be
    /// written becomes the nearest one that can.
    public mutating func append(timestamp given: Timestamp) {
        let timestamp = min(max(given, Timestamp.writable.lowerBound), Timestamp.writable.upperBound)
        let (day, microsecondOfDay) = flooredDivision(timestamp.microseconds, 86_400_000_000)
        let (year, month, dayOfMonth) = civilDate(daysSinceEpoch: Int(day))
        let second = Int(microsecondOfDay / 1_000_000)
        let fraction = Int(microsecondOfDay % 1_000_000)
        append(padded: year, digits: 4)
        append("-")
        append(padded: month, digits: 2)
        append("-")
        append(padded: dayOfMonth, digits: 2)
        append("T")
        append(padded: second / 3_600, digits: 2)
        append(":")
        append(padded: second / 60 % 60, digits: 2)
        append(":")
        append(padded: second % 60, digits: 2)
        if fraction != 0 {
            append(".")
            append(padded: fraction, digits: 6)
        }
        append("Z")
    }
}

private func flooredDivision(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    var (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    if remainder < 0 {
        quotient -= 1
        remainder += divisor
    }
    return (quotient, remainder)
}

private func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

/// How many days a month has.
public func daysIn(month: Int, year: Int) -> Int {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar, counting years from March so that the
/// leap day comes last.
public func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int {
    let shifted = month > 2 ? year : year - 1
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
}

/// The date that lies `daysSinceEpoch` days after 1970-01-01.
public func civilDate(daysSinceEpoch: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = daysSinceEpoch + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (
        yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    )
}
