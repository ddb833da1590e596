import Bytes
import Wire

/// Who takes part.
enum NodeID: Hashable, Comparable, CustomStringConvertible {
    case gateway(Int)
    case producer(Int)
    case worker(Int)
    case sink
    case tail(Int)

    /// A small number of its own, for tables.
    var key: Int {
        switch self {
        case .sink: 0
        case .gateway(let index): 4 * index + 1
        case .producer(let index): 4 * index + 2
        case .worker(let index): 4 * index + 3
        case .tail(let index): 4 * index + 4
        }
    }

    var description: String {
        switch self {
        case .gateway(let index): "gateway \(index)"
        case .producer(let index): "producer \(index)"
        case .worker(let index): "worker \(index)"
        case .sink: "the sink"
        case .tail(let index): "tail \(index)"
        }
    }
}

/// One request of a gateway.
struct GatewayRequest {
    var gateway: Int
    var number: UInt64
    var lowest: UInt64
    /// Indices of events.
    var events: [Int]
}

/// What travels.
enum Packet {
    case request(GatewayRequest)
    /// `isDefinitive`: stored with the events; else: try again later.
    case answer(number: UInt64, body: [UInt8], isDefinitive: Bool)
    case fromWorker(WorkerMessage)
    case dispatch(SimulatedBatch)
    case append(SimulatedBatch)
    case control(ControlMessage)
    case deadLetter(SimulatedBatch)
    case live(StationName, offset: UInt64, line: [UInt8])
    case beacon(StationName, head: UInt64, generation: UInt32, archive: Identifier128)
    case replayRequest(StationName, from: UInt64)
    case replay(Replay)

    struct Replay {
        var station: StationName
        var from: UInt64
        var offsets: [UInt64]
        var lines: [[UInt8]]
        var next: UInt64
        var head: UInt64
        var generation: UInt32
        var archive: Identifier128
    }

    /// Epochs by their last digits.
    private static func words(_ epochs: [EpochStart]) -> String {
        "epochs " + epochs.suffix(4).map { "\($0.epoch % 1_000)@\($0.firstSequence)" }.joined(separator: " ")
    }

    /// For the trace.
    var words: String {
        switch self {
        case .request(let request): "request \(request.number) with \(request.events.count) events"
        case .answer(let number, _, let isDefinitive): "answer to \(number)\(isDefinitive ? "" : ": later")"
        case .fromWorker(.heartbeat): "heartbeat"
        case .fromWorker(.done(_, let batch)): "done \(batch.firstSequence)"
        case .fromWorker(.goodbye): "goodbye"
        case .fromWorker(.died(_, let death)): "a death at \(death.sequence)"
        case .dispatch(let batch): "batch \(batch.header.firstSequence)–\(batch.header.lastSequence)"
        case .append(let batch):
            "append \(batch.header.firstSequence)–\(batch.header.lastSequence) of \(batch.header.epoch % 1_000)"
        case .control(.hello(let hello)):
            "hello, next \(hello.next), committed \(hello.committed), \(Self.words(hello.epochs))"
        case .control(.welcome(let welcome)): "welcome, watermark \(welcome.watermark) \(welcome.refusal)"
        case .control(.commit(_, let epoch, let through)): "commit through \(through) of \(epoch % 1_000)"
        case .control(.nack(_, _, let from)): "nack from \(from)"
        case .deadLetter(let batch): "dead letter \(batch.header.firstSequence)"
        case .live(let station, let offset, _): "live \(station)@\(offset)"
        case .beacon(let station, let head, _, _): "beacon \(station)@\(head)"
        case .replayRequest(let station, let from): "replay from \(station)@\(from)"
        case .replay(let answer): "replay of \(answer.lines.count) to \(answer.station)@\(answer.next)"
        }
    }
}
