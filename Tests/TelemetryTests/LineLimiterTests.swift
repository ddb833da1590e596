import Telemetry
import Testing

@Suite struct LineLimiterTests {
    @Test func theFirstOfAKindIsSaidAtOnceAndTheNextAfterTheInterval() {
        var limiter = LineLimiter<String>(intervalMilliseconds: 1_000)
        #expect(limiter.happened("a", now_ms: 5) == 1)
        #expect(limiter.happened("a", now_ms: 6) == nil)
        #expect(limiter.happened("a", now_ms: 1_004) == nil)
        #expect(limiter.happened("a", now_ms: 1_005) == 3)
        #expect(limiter.happened("a", now_ms: 1_006) == nil)
    }

    @Test func kindsDoNotSilenceEachOther() {
        var limiter = LineLimiter<String>()
        #expect(limiter.happened("a", now_ms: 0) == 1)
        #expect(limiter.happened("b", now_ms: 0) == 1)
    }

    @Test func whatWasHeldBackIsSaidWhenTheFloodEnds() {
        var limiter = LineLimiter<String>(intervalMilliseconds: 100)
        for time in 0..<50 { _ = limiter.happened("a", now_ms: Int64(time)) }
        #expect(limiter.due(now_ms: 99).isEmpty)
        let due = limiter.due(now_ms: 100)
        #expect(due.map(\.kind) == ["a"])
        #expect(due.map(\.count) == [49])
        #expect(limiter.due(now_ms: 200).isEmpty)
        // Quiet for an interval: the next one is said at once again.
        #expect(limiter.happened("a", now_ms: 200) == 1)
    }

    @Test func everyOneIsCountedInSomeLine() {
        var limiter = LineLimiter<Int>(intervalMilliseconds: 7)
        var told: UInt64 = 0
        for time in 0..<1_000 {
            told += limiter.happened(time % 3, now_ms: Int64(time)) ?? 0
            if time % 11 == 0 { told += limiter.due(now_ms: Int64(time)).reduce(0) { $0 + $1.count } }
        }
        told += limiter.due(now_ms: 2_000).reduce(0) { $0 + $1.count }
        #expect(told == 1_000)
    }
}
