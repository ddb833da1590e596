import Bytes
import Delivery
import Mutation
import Wire

/// An analyst's tail: the shipped follower of each station, with a cursor that survives.
final class TailNode: Node {
    /// What was shown.
    struct Shown {
        var offset: UInt64
        var line: [UInt8]
    }

    // On its disk: what it has put out, and where it goes on.
    private(set) var durableShown: [StationName: [Shown]] = [:]
    private var durableNext: [StationName: UInt64] = [:]
    private var followers: [StationName: TailFollow] = [:]

    init(_ index: Int, _ world: World) { super.init(.tail(index), world) }

    override func started() {
        followers = [:]
        for station in world.stations { followers[station] = TailFollow(from: durableNext[station] ?? 0) }
        tick()
    }

    /// The archive was exchanged: positions mean something else. A person begins anew.
    func beginAnew() {
        (durableShown, durableNext) = ([:], [:])
        if isUp { for station in world.stations { followers[station] = TailFollow(from: 0) } }
    }

    /// Whether all of a station's events are shown.
    func isCaughtUp(_ station: StationName, head: UInt64) -> Bool { (followers[station]?.next ?? 0) >= head }

    private func tick() {
        for station in world.stations {
            if let actions = followers[station]?.tick(now_ms: now_ms) { carryOut(actions, station, nil) }
        }
        after(200) { [unowned(unsafe) self] in tick() }
    }

    override func receive(_ packet: Packet, from sender: NodeID) {
        switch packet {
        case .live(let station, let offset, let line):
            guard let actions = followers[station]?.live(offset: offset, now_ms: now_ms) else { return }
            carryOut(actions, station, Shown(offset: offset, line: line))
        case .beacon(let station, let head, _, _):
            guard let actions = followers[station]?.beacon(head: head, now_ms: now_ms) else { return }
            carryOut(actions, station, nil)
        case .replay(let answer):
            guard followers[answer.station]?.accepts(replayFrom: answer.from) == true else { return }
            for (offset, line) in zip(answer.offsets, answer.lines)
            where followers[answer.station]?.replayed(offset: offset) == .show {
                show(answer.station, Shown(offset: offset, line: line))
            }
            let ended = followers[answer.station]?.replayEnded(next: answer.next, head: answer.head, now_ms: now_ms)
            if let ended { carryOut(ended, answer.station, nil) }
        default: break
        }
    }

    private func carryOut(_ actions: [TailFollow.Action], _ station: StationName, _ event: Shown?) {
        for action in actions {
            switch action {
            case .show: if let event { show(station, event) }
            case .pass: break
            case .requestReplay(let from): world.send(.replayRequest(station, from: from), from: id, to: .sink)
            }
        }
    }

    private func show(_ station: StationName, _ event: Shown) {
        durableShown[station, default: []].append(event)
        durableNext[station] = event.offset + 1
    }
}
