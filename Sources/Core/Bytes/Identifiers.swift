/// 128 bits that name a producer, an archive or one run of a process. Written as 32 lower-case hex digits.
public struct Identifier128: Hashable, Sendable, CustomStringConvertible, Comparable {
    /// The first eight bytes, most significant first.
    public let high: UInt64
    /// The last eight bytes.
    public let low: UInt64

    /// Makes an identifier of two halves; the caller supplies the randomness.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads 32 hex digits.
    public init?(_ text: some StringProtocol) {
        // Digits alone: the integer's own reader would take a sign too.
        guard text.utf8.count == 32, text.utf8.allSatisfy({ isHexDigit($0) }),
            let high = UInt64(text.prefix(16), radix: 16),
            let low = UInt64(text.dropFirst(16), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }

    /// All bits zero: nobody.
    public static let zero = Identifier128(high: 0, low: 0)

    /// 32 lower-case hex digits.
    public var description: String { high.hexDigits + low.hexDigits }

    /// Orders by value.
    public static func < (left: Identifier128, right: Identifier128) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

private func isHexDigit(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...70).contains(byte) || (97...102).contains(byte)
}

extension UInt64 {
    /// 16 lower-case hex digits.
    public var hexDigits: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// The name of a station: 1 to 32 of a–z, 0–9 and hyphen, starting with a letter or digit.
public struct StationName: Hashable, Sendable, CustomStringConvertible, Comparable {
    /// The slug.
    public let description: String
    /// The most bytes a slug may have.
    public static let maximumLength = 32

    /// Takes a slug, or nothing when it is not one.
    public init?(_ slug: some StringProtocol) {
        let valid = slug.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
        guard valid, (1...Self.maximumLength).contains(slug.utf8.count), slug.utf8.first != 45 else { return nil }
        description = String(slug)
    }

    /// Orders by the slug's bytes.
    public static func < (left: StationName, right: StationName) -> Bool { left.description < right.description }
}
