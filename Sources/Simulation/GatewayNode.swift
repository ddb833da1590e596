import Bytes
import Wire

/// A gateway as docs/wire.md asks for: stable id, stable numbers, the same events with a retry.
final class GatewayNode: Node {
    let producer: Int
    private let index: Int
    /// What it still has to publish, in order.
    private var waiting: [Int] = []
    // On its disk: requests without an answer, and the next number.
    private var durableOpen: [GatewayRequest] = []
    private var durableNext: UInt64 = 1
    private var answers: [UInt64: [UInt8]] = [:]
    private var sentAt: [UInt64: Int64] = [:]

    private static let patienceMilliseconds: Int64 = 2_000
    private static let requestsInFlight = 4

    init(_ index: Int, to producer: Int, _ world: World) {
        self.index = index
        self.producer = producer
        super.init(.gateway(index), world)
    }

    func add(_ event: Int) { waiting.append(event) }

    var isDone: Bool { waiting.isEmpty && durableOpen.isEmpty }

    override func started() {
        sentAt = [:]
        turn()
    }

    /// Publishes a little now and then while the schedule is busy, then all that is left.
    private func turn() {
        let isLate = world.now > world.options.busyMilliseconds * 3 / 4
        if durableOpen.count < Self.requestsInFlight, !waiting.isEmpty, isLate || world.dice.chance(perMille: 500) {
            let count = min(waiting.count, world.dice.pick(1...8))
            durableOpen.append(
                GatewayRequest(gateway: index, number: durableNext, lowest: 0, events: Array(waiting[..<count]))
            )
            waiting.removeFirst(count)
            durableNext += 1
        }
        let lowest = durableOpen.first?.number ?? durableNext
        for request in durableOpen where world.now - (sentAt[request.number] ?? -10_000) > Self.patienceMilliseconds {
            sentAt[request.number] = world.now
            var copy = request
            copy.lowest = lowest
            world.send(.request(copy), from: id, to: .producer(producer))
        }
        guard !isDone else { return }
        after(Int64(world.dice.pick(50...400))) { [unowned(unsafe) self] in turn() }
    }

    override func receive(_ packet: Packet, from sender: NodeID) {
        guard case .answer(let number, let body, let isDefinitive) = packet else { return }
        if !isDefinitive {
            if durableOpen.contains(where: { $0.number == number }) { sentAt[number] = world.now - 1_800 }
            return
        }
        // A late copy of a request that is answered may be refused as stale: nobody waits for it.
        if let first = answers[number], first != body, body != ProducerNode.staleAnswer, !world.book.mayAcceptTwice {
            world.book.violate("\(id): request \(number) got two different answers")
        }
        guard let place = durableOpen.firstIndex(where: { $0.number == number }) else { return }
        let request = durableOpen.remove(at: place)
        answers[number] = body
        if body == ProducerNode.staleAnswer { world.book.violate("\(id): request \(number) was refused as stale") }
        for event in request.events where world.book.acceptances[event, default: 0] == 0 {
            world.book.violate("\(id) was told that \(world.book.events[event].id) is safe, and no outbox has it")
        }
    }
}
