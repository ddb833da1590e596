import Delivery
import Testing

@Suite("Following without a gap")
struct TailFollowTests {
    @Test("live events in order are shown, repeats are passed over")
    func inOrder() {
        var tail = TailFollow(from: 5)
        #expect(tail.live(offset: 5, now_ms: 0) == [.show])
        #expect(tail.live(offset: 5, now_ms: 0) == [.pass])
        #expect(tail.live(offset: 6, now_ms: 0) == [.show])
        #expect(tail.isCaughtUp)
    }

    @Test("a jump asks for replay once, and again when no answer comes")
    func jump() {
        var tail = TailFollow(from: 0)
        #expect(tail.live(offset: 3, now_ms: 10) == [.pass, .requestReplay(from: 0)])
        #expect(tail.live(offset: 4, now_ms: 11) == [.pass])
        #expect(tail.tick(now_ms: 500) == [])
        #expect(tail.tick(now_ms: 10 + TailFollow.replayPatienceMilliseconds) == [.requestReplay(from: 0)])
    }

    @Test("replay fills up to the head, then the live stream goes on")
    func replay() {
        var tail = TailFollow(from: 0)
        #expect(tail.beacon(head: 3, now_ms: 0) == [.requestReplay(from: 0)])
        #expect(tail.replayed(offset: 0) == .show)
        #expect(tail.replayed(offset: 0) == .pass)
        #expect(tail.replayed(offset: 1) == .show)
        #expect(tail.replayEnded(next: 2, head: 3, now_ms: 5) == [.requestReplay(from: 2)])
        // A damaged range: replay goes past it without an event.
        #expect(tail.replayEnded(next: 3, head: 3, now_ms: 6) == [])
        #expect(tail.isCaughtUp)
        #expect(tail.live(offset: 3, now_ms: 7) == [.show])
        #expect(tail.beacon(head: 4, now_ms: 8) == [])
    }

    @Test("whatever the live stream drops or repeats, every offset is shown once and in order", arguments: 0..<50)
    func random(seed: UInt64) {
        var chance = Chance(seed: seed)
        var tail = TailFollow(from: 0)
        var shown: [UInt64] = []
        var asked: UInt64?
        func take(_ actions: [TailFollow.Action], _ offset: UInt64?) {
            for action in actions {
                if action == .show, let offset { shown.append(offset) }
                if case .requestReplay(let from) = action { asked = from }
            }
        }
        var head: UInt64 = 0
        var now: Int64 = 0
        while shown.count < 200 {
            now += 100
            if head < 200, chance.isTrue(0.8) {
                head += 1
                if chance.isTrue(0.6) { take(tail.live(offset: head - 1, now_ms: now), head - 1) }
                if chance.isTrue(0.1) { take(tail.live(offset: head - 1, now_ms: now), head - 1) }
            }
            if chance.isTrue(0.2) { take(tail.beacon(head: head, now_ms: now), nil) }
            take(tail.tick(now_ms: now), nil)
            if let from = asked, chance.isTrue(0.5) {
                asked = nil
                let end = min(head, from + chance.below(20))
                for offset in from..<max(from, end) where tail.replayed(offset: offset) == .show {
                    shown.append(offset)
                }
                take(tail.replayEnded(next: end, head: head, now_ms: now), nil)
            }
            guard now < 1_000_000 else { break }
        }
        #expect(shown == Array(0..<200))
    }
}

/// A small generator (SplitMix64), for tests that choose.
struct Chance {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    mutating func below(_ limit: UInt64) -> UInt64 { next() % limit }

    mutating func isTrue(_ share: Double) -> Bool { Double(next() >> 11) / Double(UInt64(1) << 53) < share }
}
