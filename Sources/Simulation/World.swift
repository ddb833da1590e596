import Bytes
import Wire

/// A process that takes part. What survives its crashes is in the subclass's `durable…` members.
class Node {
    let id: NodeID
    /// It outlives its nodes: they are its own.
    unowned(unsafe) let world: World
    /// Whether it runs.
    private(set) var isUp = false
    /// Which run it is in; what was asked for in an earlier one does not happen.
    private(set) var run = 0
    /// Until when it is stopped, as by SIGSTOP.
    var pausedUntil: Int64 = 0
    /// Its monotonic clock runs so much too fast, in parts per thousand.
    var drift: Int64 = 0
    /// Its wall clock is so much ahead, in milliseconds.
    var wallOffset: Int64 = 0
    /// It does not come back any more.
    var isRetired = false

    init(_ id: NodeID, _ world: World) {
        self.id = id
        self.world = world
    }

    /// Monotonic milliseconds as this node sees them.
    var now_ms: Int64 { 1_000_000 + world.now + world.now * drift / 1000 }

    /// The wall clock as this node sees it.
    var wall: Timestamp { Timestamp(microseconds: World.epoch_us + (world.now + wallOffset) * 1000) }

    final func boot() {
        guard !isUp, !isRetired else { return }
        isUp = true
        run += 1
        started()
    }

    final func die() {
        guard isUp else { return }
        isUp = false
        run += 1
        died()
    }

    /// Does something later, unless the process is gone by then.
    final func after(_ delay: Int64, _ body: @escaping () -> Void) { world.at(world.now + delay, self, body) }

    func started() {}
    func died() {}
    func receive(_ packet: Packet, from sender: NodeID) {}
}

/// One schedule: the nodes, the network between them, and what is known to have happened.
final class World {
    /// 2026-11-23T12:00:00Z.
    static let epoch_us: Int64 = 1_795_435_200_000_000

    /// Far more than any sound schedule has on its way.
    static let mostWaiting = 50_000

    let options: SimulationOptions
    let crc: CRC32C
    var dice: Dice
    private(set) var now: Int64 = 0
    private var queue = EventQueue<Happening>()
    private var network = Network()
    let trace: Trace
    let book: Book

    var stations: [StationName] = []
    var gateways: [GatewayNode] = []
    var producers: [ProducerNode] = []
    var workers: [WorkerNode] = []
    var tails: [TailNode] = []
    private(set) var sink: SinkNode!
    var areFaultsOver = false
    var isArchiveMistaken = false
    /// When the archive was last exchanged: it takes a while until the producers know.
    var exchangedAt: Int64 = -10_000

    private struct Happening {
        var node: Node?
        var run: Int
        var body: () -> Void
    }

    init(_ options: SimulationOptions, crc: CRC32C, isTracing: Bool) {
        self.options = options
        self.crc = crc
        dice = Dice(seed: options.seed)
        trace = Trace(isOn: isTracing)
        book = Book()
        build()
    }

    private func build() {
        stations = ["nogales", "douglas"].prefix(options.stations).compactMap { StationName($0) }
        sink = SinkNode(self)
        for station in stations {
            for _ in 0..<options.producersPerStation {
                producers.append(ProducerNode(producers.count, station, self))
            }
            for _ in 0..<options.workersPerStation { workers.append(WorkerNode(workers.count, station, self)) }
        }
        for index in 0..<options.gateways {
            gateways.append(GatewayNode(index, to: index % producers.count, self))
        }
        for index in 0..<options.tails { tails.append(TailNode(index, self)) }
        for index in 0..<options.events {
            let gateway = gateways[dice.roll(gateways.count)]
            let deaths = dice.chance(perMille: 500) ? Int.max : dice.pick(3...7)
            let station = producers[gateway.producer].station
            gateway.add(book.newEvent(at: station, isPoison: index < options.poisonEvents, deaths: deaths))
        }
        for node in allNodes { node.boot() }
    }

    var allNodes: [Node] { [sink] + producers + workers + gateways + tails }

    func node(_ id: NodeID) -> Node? {
        switch id {
        case .gateway(let index): gateways[index]
        case .producer(let index): producers[index]
        case .worker(let index): workers[index]
        case .sink: sink
        case .tail(let index): tails[index]
        }
    }

    /// 128 random bits.
    func newIdentifier() -> Identifier128 { Identifier128(high: dice.bits(), low: dice.bits()) }

    // MARK: - Time

    /// Lets something happen at a time. The queue keeps the node until then, and the world keeps the queue: closures need
    /// not keep either.
    func at(_ time: Int64, _ node: Node?, _ body: @escaping () -> Void) {
        queue.push(Happening(node: node, run: node?.run ?? 0, body: body), at: time)
    }

    /// Lets the next thing happen; false when there is none.
    func step() -> Bool {
        if queue.count > Self.mostWaiting, book.violations.isEmpty {
            book.violate("\(queue.count) messages and timers wait: somebody floods")
        }
        guard let (time, happening) = queue.pop() else { return false }
        now = max(now, time)
        guard let node = happening.node else {
            happening.body()
            return true
        }
        guard node.isUp, node.run == happening.run else { return true }
        if node.pausedUntil > now {
            queue.push(happening, at: node.pausedUntil)
        } else {
            happening.body()
        }
        return true
    }

    // MARK: - The network

    func send(_ packet: Packet, from: NodeID, to: NodeID) {
        trace.note(now) { "\(from) → \(to): \(packet.words)" }
        for time in network.arrivals(from, to, now: now, options: options, calm: areFaultsOver, &dice) {
            let age = network.age(from, to)
            at(time, nil) { [unowned(unsafe) self] in deliver(packet, from, to, age: age, tries: 0) }
        }
    }

    private func deliver(_ packet: Packet, _ from: NodeID, _ to: NodeID, age: Int, tries: Int) {
        guard network.age(from, to) == age, let node = node(to) else { return }
        if node.isUp, node.pausedUntil <= now { return node.receive(packet, from: from) }
        // Who is stopped reads it later. What was on its way to who is gone is lost, or waits in the sender's socket.
        let isKept = node.isUp || (!node.isRetired && tries < 40 && dice.chance(perMille: tries == 0 ? 500 : 990))
        guard isKept else { return }
        let time = node.isUp ? node.pausedUntil : now + 50
        at(time, nil) { [unowned(unsafe) self] in deliver(packet, from, to, age: age, tries: tries + 1) }
    }

    /// Whether a connection seems to be there.
    func isConnected(_ from: NodeID, _ to: NodeID) -> Bool { node(to)?.isUp ?? false }

    func partition(_ left: NodeID, _ right: NodeID, until time: Int64) { network.block(left, right, until: time) }

    func reset(_ left: NodeID, _ right: NodeID) { network.reset(left, right) }

    // MARK: - Crashes

    /// A process dies and comes back a little later, as the supervisor sees to it.
    func crash(_ node: Node, _ why: String) {
        trace.note(now) { node.isUp ? "\(node.id) dies: \(why)" : "\(node.id) is down already: \(why)" }
        guard node.isUp else { return }
        node.die()
        let pause = Int64(dice.pick(5...600))
        at(now + pause, nil) { [unowned(unsafe) self] in
            guard !node.isUp else { return }
            trace.note(now) { "\(node.id) starts again" }
            node.boot()
        }
    }
}

/// Partitions, resets, and how long messages take.
struct Network {
    private struct Link: Hashable {
        let number: Int

        init(from: NodeID, to: NodeID) { number = from.key << 16 | to.key }
    }

    /// By the keys of the two: asked for with every message.
    private var lastArrivals: [[Int64]] = []
    private var blockedUntil: [Link: Int64] = [:]
    private var ages: [Link: Int] = [:]

    func age(_ from: NodeID, _ to: NodeID) -> Int { ages.isEmpty ? 0 : ages[Link(from: from, to: to)] ?? 0 }

    mutating func block(_ left: NodeID, _ right: NodeID, until time: Int64) {
        blockedUntil[Link(from: left, to: right)] = time
        blockedUntil[Link(from: right, to: left)] = time
    }

    mutating func reset(_ left: NodeID, _ right: NodeID) {
        ages[Link(from: left, to: right), default: 0] += 1
        ages[Link(from: right, to: left), default: 0] += 1
    }

    private mutating func lastArrival(_ from: Int, _ to: Int) -> Int64 {
        while lastArrivals.count <= from { lastArrivals.append([]) }
        while lastArrivals[from].count <= to { lastArrivals[from].append(0) }
        return lastArrivals[from][to]
    }

    /// When a message arrives: never, once, or twice.
    mutating func arrivals(
        _ from: NodeID,
        _ to: NodeID,
        now: Int64,
        options: SimulationOptions,
        calm: Bool,
        _ dice: inout Dice
    ) -> [Int64] {
        let ordinary = now + 1 + Int64(dice.roll(options.latencyMilliseconds))
        let inOrder = max(ordinary, lastArrival(from.key, to.key))
        if calm {
            lastArrivals[from.key][to.key] = inOrder
            return [inOrder]
        }
        if !blockedUntil.isEmpty, let until = blockedUntil[Link(from: from, to: to)], until > now { return [] }
        if dice.chance(perMille: options.dropPerMille) { return [] }
        if dice.chance(perMille: options.delayPerMille) { return [ordinary + Int64(dice.roll(1_500))] }
        lastArrivals[from.key][to.key] = inOrder
        if dice.chance(perMille: options.duplicatePerMille) { return [inOrder, inOrder + Int64(dice.roll(400))] }
        return [inOrder]
    }
}
