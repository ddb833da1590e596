import Daemon

/// What a worker refuses, from whom and why.
enum EnricherRefusal: String, RefusalKind {
    case producerFrames = "producer_frames"
    case brokenBatch = "broken_batch"

    var words: String {
        switch self {
        case .producerFrames: "passed over: what a producer sent is not understood"
        case .brokenBatch: "passed over: a batch from a producer is broken; the producer sends it again"
        }
    }
}
