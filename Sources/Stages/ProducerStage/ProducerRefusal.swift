import Daemon
import Logging

/// What a producer refuses, from whom and why.
enum ProducerRefusal: String, RefusalKind {
    case gatewayConnection = "gateway_connection"
    case workerConnection = "worker_connection"
    case gatewayFrames = "gateway_frames"
    case gatewaySize = "gateway_size"
    case gatewayStale = "gateway_stale"
    case gatewayLimit = "gateway_limit"
    case workerFrames = "worker_frames"
    case workerNotHeld = "worker_not_held"
    case workerCapacity = "worker_capacity"
    case workerLimit = "worker_limit"
    case sinkFrames = "sink_frames"
    case sinkOtherProducer = "sink_other_producer"
    case sinkImpossible = "sink_impossible"

    var level: Logger.Level {
        // A worker that outlived a restart of the producer does so too.
        self == .workerNotHeld ? .notice : .warning
    }

    var words: String {
        switch self {
        case .gatewayConnection: "a connection to the gateways' endpoint did not come about"
        case .workerConnection: "a connection to the workers' endpoint did not come about"
        case .gatewayFrames: "refused: a gateway sent what is no request of the gateway protocol"
        case .gatewaySize: "refused: a gateway's request has no events, too many, or too many bytes"
        case .gatewayStale: "refused: a gateway's request number is older than the answers that are kept"
        case .gatewayLimit: "refused: a new gateway, because as many are remembered as may be"
        case .workerFrames: "passed over: what a worker sent is not understood"
        case .workerNotHeld:
            "passed over: a worker reports about a batch that it does not hold, late or wrongly; nothing is forgotten for it"
        case .workerCapacity: "a worker claims to hold more batches than any may; it gets as many as any may"
        case .workerLimit: "passed over: a new worker, because as many are served as may be"
        case .sinkFrames: "passed over: what the sink sent is not understood"
        case .sinkOtherProducer: "passed over: the sink wrote to this producer about another one"
        case .sinkImpossible: "passed over: the sink claims to have archived what this producer never accepted"
        }
    }
}
