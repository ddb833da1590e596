import Delivery
import Testing

@Suite struct TailFollowTests {
    @Test func `an answer that brings nothing, or comes twice, is no reason to ask at once`() {
        var follow = TailFollow(from: 0)
        #expect(follow.beacon(head: 10, now_ms: 0) == [.requestReplay(from: 0)])
        #expect(follow.replayEnded(next: 4, head: 10, now_ms: 1) == [.requestReplay(from: 4)])
        // The same answer again: one question is on its way already.
        #expect(follow.replayEnded(next: 4, head: 10, now_ms: 2).isEmpty)
        #expect(follow.replayEnded(next: 4, head: 4, now_ms: 3).isEmpty)
        // It is asked again in time, and goes on.
        #expect(follow.tick(now_ms: 500).isEmpty)
        #expect(follow.tick(now_ms: 1_100) == [.requestReplay(from: 4)])
        #expect(follow.replayEnded(next: 10, head: 10, now_ms: 1_101).isEmpty)
        #expect(follow.isCaughtUp)
    }

    @Test func `it begins caught up at the offset that it is given`() {
        let follow = TailFollow(from: 7)
        #expect(follow.next == 7)
        #expect(follow.head == 7)
        #expect(follow.isCaughtUp)
        #expect(follow.replayAsked_ms == nil)
    }

    @Test func `the next live event is shown and nothing is asked for`() {
        var follow = TailFollow(from: 7)
        #expect(follow.live(offset: 7, now_ms: 0) == [.show])
        #expect(follow.live(offset: 8, now_ms: 0) == [.show])
        #expect(follow.next == 9)
        #expect(follow.head == 9)
        #expect(follow.isCaughtUp)
        #expect(follow.replayAsked_ms == nil)
    }

    @Test func `a live event that was shown is passed over`() {
        var follow = TailFollow(from: 7)
        #expect(follow.live(offset: 6, now_ms: 0) == [.pass])
        _ = follow.live(offset: 7, now_ms: 0)
        #expect(follow.live(offset: 7, now_ms: 0) == [.pass])
        #expect(follow.next == 8)
        #expect(follow.head == 8)
        #expect(follow.replayAsked_ms == nil)
    }

    @Test func `a jump of the live stream is passed over and replay is asked once`() {
        var follow = TailFollow(from: 7)
        #expect(follow.live(offset: 9, now_ms: 50) == [.pass, .requestReplay(from: 7)])
        #expect(follow.live(offset: 10, now_ms: 60) == [.pass])
        #expect(follow.next == 7)
        #expect(follow.head == 11)
        #expect(follow.replayAsked_ms == 50)
        #expect(!follow.isCaughtUp)
    }

    @Test func `the next live event is shown even while replay is awaited`() {
        var follow = TailFollow(from: 7)
        _ = follow.live(offset: 9, now_ms: 50)
        #expect(follow.live(offset: 7, now_ms: 60) == [.show])
        #expect(follow.replayed(offset: 7) == .pass)
        #expect(follow.replayed(offset: 8) == .show)
        #expect(follow.next == 9)
    }

    @Test func `a beacon ahead asks for replay once, one that is not ahead does nothing`() {
        var follow = TailFollow(from: 7)
        #expect(follow.beacon(head: 7, now_ms: 10).isEmpty)
        #expect(follow.beacon(head: 3, now_ms: 10).isEmpty)
        #expect(follow.head == 7)
        #expect(follow.beacon(head: 9, now_ms: 20) == [.requestReplay(from: 7)])
        #expect(follow.beacon(head: 12, now_ms: 30).isEmpty)
        #expect(follow.beacon(head: 8, now_ms: 40).isEmpty)
        #expect(follow.head == 12)
        #expect(follow.replayAsked_ms == 20)
    }

    @Test func `replayed events are shown once and a damaged range is stepped over`() {
        var follow = TailFollow(from: 7)
        _ = follow.beacon(head: 20, now_ms: 0)
        #expect(follow.replayed(offset: 6) == .pass)
        #expect(follow.replayed(offset: 7) == .show)
        #expect(follow.replayed(offset: 7) == .pass)
        #expect(follow.replayed(offset: 12) == .show)
        #expect(follow.replayed(offset: 11) == .pass)
        #expect(follow.next == 13)
        #expect(follow.head == 20)
    }

    @Test func `the end of a replay that reached the head asks for nothing more`() {
        var follow = TailFollow(from: 7)
        _ = follow.beacon(head: 9, now_ms: 0)
        _ = follow.replayed(offset: 7)
        _ = follow.replayed(offset: 8)
        #expect(follow.replayEnded(next: 9, head: 9, now_ms: 5).isEmpty)
        #expect(follow.isCaughtUp)
        #expect(follow.replayAsked_ms == nil)
        #expect(follow.live(offset: 9, now_ms: 6) == [.show])
    }

    @Test func `the end of a replay short of the head asks for the rest`() {
        var follow = TailFollow(from: 7)
        _ = follow.beacon(head: 20, now_ms: 0)
        _ = follow.replayed(offset: 7)
        #expect(follow.replayEnded(next: 8, head: 15, now_ms: 5) == [.requestReplay(from: 8)])
        #expect(follow.head == 20)
        #expect(follow.replayAsked_ms == 5)
        #expect(follow.replayEnded(next: 20, head: 30, now_ms: 6) == [.requestReplay(from: 20)])
        #expect(follow.head == 30)
    }

    @Test func `an answer without events moves past the damage at its end and never back`() {
        var follow = TailFollow(from: 7)
        _ = follow.beacon(head: 9, now_ms: 0)
        #expect(follow.replayEnded(next: 9, head: 9, now_ms: 5).isEmpty)
        #expect(follow.next == 9)
        #expect(follow.replayEnded(next: 4, head: 4, now_ms: 6).isEmpty)
        #expect(follow.next == 9)
        #expect(follow.head == 9)
    }

    @Test func `an unanswered replay is asked for again when patience ends`() {
        let patience = TailFollow.replayPatienceMilliseconds
        var follow = TailFollow(from: 7)
        #expect(follow.tick(now_ms: 10 * patience).isEmpty)
        _ = follow.live(offset: 9, now_ms: 100)
        #expect(follow.tick(now_ms: 99 + patience).isEmpty)
        #expect(follow.replayAsked_ms == 100)
        _ = follow.replayed(offset: 7)
        #expect(follow.tick(now_ms: 100 + patience) == [.requestReplay(from: 8)])
        #expect(follow.replayAsked_ms == 100 + patience)
        #expect(follow.tick(now_ms: 101 + patience).isEmpty)
    }

    @Test func `an answered replay is not asked for again`() {
        var follow = TailFollow(from: 7)
        _ = follow.live(offset: 8, now_ms: 0)
        _ = follow.replayEnded(next: 9, head: 9, now_ms: 1)
        #expect(follow.tick(now_ms: 100 * TailFollow.replayPatienceMilliseconds).isEmpty)
    }

    @Test(arguments: UInt64(1)...40)
    func `whatever the live stream loses or repeats, each offset is shown once and in order`(seed: UInt64) {
        var viewer = Viewer(seed: seed)
        for _ in 0..<400 { viewer.step() }
        viewer.settle()
        #expect(viewer.shown == Array(viewer.first..<viewer.head))
        #expect(viewer.follow.isCaughtUp)
        #expect(viewer.follow.head == viewer.head)
        #expect(viewer.replays > 0)
    }
}

/// A sink, a lossy live stream, a replay endpoint that loses answers, and the machine that watches them.
private struct Viewer {
    let first: UInt64 = 5
    var head: UInt64 = 5
    var follow = TailFollow(from: 5)
    var shown: [UInt64] = []
    var replays = 0
    private var random: SmallRandom
    private var now_ms: Int64 = 0
    private var requests: [UInt64] = []
    /// What is under way on the live stream, in order, some of it twice.
    private var underWay: [UInt64] = []

    init(seed: UInt64) { random = SmallRandom(state: seed) }

    mutating func step() {
        now_ms += Int64.random(in: 0...150, using: &random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0...3: commit(Int.random(in: 1...6, using: &random))
        case 4...6: if !underWay.isEmpty { deliver(underWay.removeFirst()) }
        case 7: take(follow.beacon(head: head, now_ms: now_ms))
        case 8: answer()
        default: take(follow.tick(now_ms: now_ms))
        }
    }

    /// Everything arrives from here on.
    mutating func settle() {
        while !underWay.isEmpty { deliver(underWay.removeFirst()) }
        for _ in 0..<500 where shown.last != head - 1 || !follow.isCaughtUp {
            now_ms += TailFollow.replayPatienceMilliseconds
            take(follow.beacon(head: head, now_ms: now_ms))
            take(follow.tick(now_ms: now_ms))
            while !requests.isEmpty { replay(from: requests.removeFirst()) }
        }
    }

    private mutating func commit(_ count: Int) {
        for _ in 0..<count {
            let copies = [0, 1, 1, 1, 1, 2][Int.random(in: 0..<6, using: &random)]
            for _ in 0..<copies { underWay.append(head) }
            head += 1
        }
    }

    private mutating func deliver(_ offset: UInt64) {
        let actions = follow.live(offset: offset, now_ms: now_ms)
        if actions.first == .show { shown.append(offset) }
        take(Array(actions.dropFirst()))
    }

    private mutating func take(_ actions: [TailFollow.Action]) {
        for action in actions {
            guard case .requestReplay(let offset) = action else {
                Issue.record("nothing is at hand to \(action)")
                continue
            }
            #expect(offset == follow.next)
            requests.append(offset)
        }
    }

    private mutating func answer() {
        guard !requests.isEmpty else { return }
        let from = requests.removeFirst()
        if Int.random(in: 0..<4, using: &random) > 0 { replay(from: from) }
    }

    private mutating func replay(from: UInt64) {
        replays += 1
        let end = min(head, from + UInt64.random(in: 1...12, using: &random))
        for offset in from..<max(from, end) {
            let action = follow.replayed(offset: offset)
            if action == .show { shown.append(offset) }
        }
        take(follow.replayEnded(next: end, head: head, now_ms: now_ms))
    }
}

/// Random numbers that a seed makes the same each time.
struct SmallRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
