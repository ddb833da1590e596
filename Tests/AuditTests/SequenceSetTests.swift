import Audit
import Testing

struct SequenceSetTests {
    @Test func `random operations agree with a plain set`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<400 {
            var (left, right) = (SequenceSet(), SequenceSet())
            var (plainLeft, plainRight) = (Set<UInt64>(), Set<UInt64>())
            for _ in 0..<Int.random(in: 0..<12, using: &random) {
                let low = UInt64.random(in: 0..<40, using: &random)
                let range = low...(low + UInt64.random(in: 0..<9, using: &random))
                if Bool.random(using: &random) {
                    #expect(left.insert(range) == UInt64(plainLeft.intersection(range).count))
                    plainLeft.formUnion(range)
                } else {
                    right.insert(range)
                    plainRight.formUnion(range)
                }
            }
            func elements(_ set: SequenceSet) -> [UInt64] { set.ranges.flatMap { Array($0) } }
            #expect(elements(left) == plainLeft.sorted())
            #expect(left.count == UInt64(plainLeft.count))
            #expect(elements(left.intersection(right)) == plainLeft.intersection(plainRight).sorted())
            #expect(elements(left.subtracting(right)) == plainLeft.subtracting(plainRight).sorted())
            #expect(elements(left.between(after: 5, through: 20)) == plainLeft.filter { $0 > 5 && $0 <= 20 }.sorted())
            for probe in UInt64(0)..<50 { #expect(left.contains(probe) == plainLeft.contains(probe)) }
            for (before, after) in zip(left.ranges, left.ranges.dropFirst()) {
                #expect(before.upperBound + 1 < after.lowerBound)
            }
        }
    }
}
