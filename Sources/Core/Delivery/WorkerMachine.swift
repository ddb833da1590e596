import Bytes
import Wire

/// What one enricher worker holds, and what it tells the producers that it serves.
///
/// Pure: producers are numbered by the shell, batches by tickets that the shell chooses. A worker keeps nothing: a
/// batch is done when the sink's socket has taken it, and whatever is not done goes to another worker.
public struct WorkerMachine: Sendable {
    /// What the shell is to do.
    public enum Action: Equatable, Sendable {
        /// Enrich the batch and offer it to the sink; answer with `forwarded` or `failed`.
        case process(ticket: UInt64)
        /// Tell a producer.
        case send(WorkerMessage, producer: Int)
        /// Drop a batch: it came twice, or came after the stop.
        case drop(ticket: UInt64)
        /// Everything is handed on and said: close the sockets.
        case finished
    }

    private struct Held {
        var ticket: UInt64
        var producer: Int
        var key: WorkerMessage.BatchKey
    }

    /// This run of this worker.
    public let incarnation: Identifier128
    /// How many batches it asks each producer for.
    public let capacity: Int
    /// Whether no other worker is in its process.
    public let isAlone: Bool
    /// How runs before this one on its machine died; told to every producer with each heartbeat until it has sent a
    /// batch, because what is said before the connection stands is lost.
    public let deaths: [WorkerMessage.Death]
    /// Whether the sink takes nothing from it: then it asks for nothing, and batches go to other workers.
    public var isBlocked = false
    /// Whether it has been told to stop.
    public private(set) var isDraining = false
    /// How many batches have gone to the sink.
    public private(set) var batchesDone: UInt64 = 0

    private var held: [Held] = []
    private var producers: Set<Int> = []
    /// Producers that know of the deaths: whoever dispatches a batch has had a heartbeat, and they go before it.
    private var informed: Set<Int> = []
    private var lastHeartbeat_ms: [Int: Int64] = [:]
    private var isFinished = false

    /// Begins with nothing.
    public init(
        incarnation: Identifier128,
        capacity: Int = Limits.workerCreditBatches,
        isAlone: Bool = true,
        deaths: [WorkerMessage.Death] = []
    ) {
        self.incarnation = incarnation
        self.capacity = capacity
        self.isAlone = isAlone
        self.deaths = deaths
    }

    /// How many batches it holds.
    public var heldCount: Int { held.count }

    /// The shell has connected to a producer.
    public mutating func connected(producer: Int, now_ms: Int64) -> [Action] {
        producers.insert(producer)
        return heartbeat(producer, now_ms)
    }

    /// The shell has given a producer up: its batches are no longer ours to report.
    public mutating func disconnected(producer: Int) -> [Action] {
        producers.remove(producer)
        informed.remove(producer)
        lastHeartbeat_ms[producer] = nil
        let dropped = held.filter { $0.producer == producer }
        held.removeAll { $0.producer == producer }
        return dropped.map { .drop(ticket: $0.ticket) } + finishIfDrained()
    }

    /// A producer dispatched a batch.
    public mutating func received(
        ticket: UInt64,
        key: WorkerMessage.BatchKey,
        producer: Int,
        now_ms: Int64
    ) -> [Action] {
        informed.insert(producer)
        let isRepeat = held.contains { $0.producer == producer && $0.key == key }
        guard !isDraining, !isRepeat else { return [.drop(ticket: ticket)] }
        held.append(Held(ticket: ticket, producer: producer, key: key))
        return [.process(ticket: ticket)]
    }

    /// The sink's socket has taken the batch.
    public mutating func forwarded(ticket: UInt64, now_ms: Int64) -> [Action] {
        guard let index = held.firstIndex(where: { $0.ticket == ticket }) else { return finishIfDrained() }
        let batch = held.remove(at: index)
        batchesDone += 1
        return [.send(.done(worker: incarnation, batch: batch.key), producer: batch.producer)] + finishIfDrained()
    }

    /// The batch could not be read: the producer will find out from the heartbeat and send it again.
    public mutating func failed(ticket: UInt64) -> [Action] {
        held.removeAll { $0.ticket == ticket }
        return finishIfDrained()
    }

    /// Time has passed.
    public mutating func tick(now_ms: Int64) -> [Action] {
        guard !isFinished else { return [] }
        var actions: [Action] = []
        for producer in producers.sorted()
        where now_ms - (lastHeartbeat_ms[producer] ?? .min / 2) >= Int64(Limits.heartbeatMilliseconds) {
            actions += heartbeat(producer, now_ms)
        }
        return actions
    }

    /// Take nothing new, finish what is held, say goodbye.
    public mutating func drain() -> [Action] {
        guard !isDraining else { return [] }
        isDraining = true
        return finishIfDrained()
    }

    /// What is held cannot be finished in time: hand it back by saying goodbye now.
    public mutating func abandon() -> [Action] {
        isDraining = true
        let dropped = held.map { Action.drop(ticket: $0.ticket) }
        held = []
        return dropped + finishIfDrained()
    }

    private mutating func heartbeat(_ producer: Int, _ now_ms: Int64) -> [Action] {
        lastHeartbeat_ms[producer] = now_ms
        let keys = held.filter { $0.producer == producer }.map(\.key)
        let message = WorkerMessage.heartbeat(
            worker: incarnation,
            capacity: isDraining || isBlocked ? 0 : UInt16(capacity),
            held: keys,
            isAlone: isAlone
        )
        let obituaries =
            informed.contains(producer)
            ? [] : deaths.map { Action.send(.died(worker: incarnation, $0), producer: producer) }
        return obituaries + [.send(message, producer: producer)]
    }

    private mutating func finishIfDrained() -> [Action] {
        guard isDraining, held.isEmpty, !isFinished else { return [] }
        isFinished = true
        return producers.sorted().map { .send(.goodbye(worker: incarnation), producer: $0) } + [.finished]
    }
}
