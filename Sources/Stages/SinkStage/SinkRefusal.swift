import Daemon
import Logging
import ZeroMQ

/// What a sink refuses, from whom and why.
enum SinkRefusal: String, RefusalKind {
    case connection = "connection"
    case intakeFrames = "intake_frames"
    case brokenBatch = "broken_batch"
    case notEnriched = "not_enriched"
    case unknownEpoch = "unknown_epoch"
    case wrongStation = "wrong_station"
    case archivedAlready = "archived_already"
    case controlFrames = "control_frames"
    case hello = "hello"
    case otherArchive = "other_archive"
    case replayRequest = "replay_request"
    case replayCursor = "replay_cursor"
    case subscription = "subscription"

    var words: String {
        switch self {
        case .connection: "a connection to one of the sink's endpoints did not come about"
        case .intakeFrames: "refused: what came to the intake is no batch from a worker"
        case .brokenBatch: "refused: a batch from a worker is broken; its producer sends it again"
        case .notEnriched: "refused: a batch that no worker has enriched"
        case .unknownEpoch: "refused: a batch of a producer or an epoch that has not said hello"
        case .wrongStation: "refused: a batch of another station than its producer's, or of a producer not yet let in"
        case .archivedAlready: "passed over: a batch whose events are archived already"
        case .controlFrames: "passed over: what a producer sent over control is not understood"
        case .hello: "refused for now: a producer's hello; it is told why"
        case .otherArchive:
            "refused: a producer that belongs to another archive; put that archive back, or give it this one: enlace archive adopt"
        case .replayRequest: "refused: a replay request that is not understood"
        case .replayCursor: "refused: a replay request with a cursor of another archive or generation"
        case .subscription: "passed over: what came to the live stream is no subscription"
        }
    }

    var level: Logger.Level {
        switch self {
        // What was sent again and came twice is no one's fault.
        case .archivedAlready: .info
        case .otherArchive: .critical
        default: .warning
        }
    }
}

extension RefusalLog where Kind == SinkRefusal {
    /// Counts the connections that did not come about: a peer that speaks something else, or no descriptor left.
    func note(connectionsOf socket: inout Socket) throws(ZeroMQError) {
        while let event = try socket.nextEvent() {
            if event.isProblem { refuse(.connection, ["reason": "\(event)"]) }
        }
    }
}
