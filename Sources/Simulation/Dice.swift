/// Chance that comes again with the same seed: SplitMix64 (S. Vigna).
public struct Dice: Sendable {
    private var state: UInt64

    /// Begins with a seed.
    public init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0xD1B5_4A32_D192_ED03 }

    /// 64 random bits.
    public mutating func bits() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// A number from 0 up to, and not including, `bound`; 0 when there is no choice.
    public mutating func roll(_ bound: Int) -> Int { bound <= 1 ? 0 : Int(bits() >> 1) % bound }

    /// A number of a range.
    public mutating func pick(_ range: ClosedRange<Int>) -> Int { range.lowerBound + roll(range.count) }

    /// An element; nil when there is none.
    public mutating func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[roll(elements.count)]
    }

    /// True so often in a thousand.
    public mutating func chance(perMille: Int) -> Bool { roll(1000) < perMille }
}
