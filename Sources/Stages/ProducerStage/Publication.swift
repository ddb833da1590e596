import Bytes
import Glibc
import Platform
import Synchronization

/// Watches the publishing of a file: when it is done, what it waits for, and the line that tells of it.
public final class Publication: Sendable {
    private let stage: ProducerStage
    private let station: StationName
    private let timeoutSeconds: Double?
    private let isFile: Bool
    private let started_ns = Clock.monotonicNanoseconds()
    private let nextWords_ns = Atomic<UInt64>(0)
    private let timedOut = Atomic<Bool>(false)

    /// How often it says what it waits for.
    private static let wordsEvery_ns: UInt64 = 2_000_000_000

    /// Begins to watch.
    public init(stage: ProducerStage, station: StationName, timeoutSeconds: Double?, isFile: Bool) {
        self.stage = stage
        self.station = station
        self.timeoutSeconds = timeoutSeconds
        self.isFile = isFile
        nextWords_ns.store(started_ns + Self.wordsEvery_ns, ordering: .relaxed)
    }

    /// Whether all of the input is archived, or the time is over. Says every two seconds what it waits for.
    public var isDone: Bool {
        guard isFile else { return false }
        if stage.counters.inputEnded.load(ordering: .acquiring), stage.isDrained { return true }
        let now = Clock.monotonicNanoseconds()
        if let timeoutSeconds, Double(now - started_ns) / 1e9 >= timeoutSeconds {
            timedOut.store(true, ordering: .relaxed)
            return true
        }
        if now >= nextWords_ns.load(ordering: .relaxed) {
            nextWords_ns.store(now + Self.wordsEvery_ns, ordering: .relaxed)
            sayWhatItWaitsFor()
        }
        return false
    }

    /// Whether the time was over first.
    public var hasTimedOut: Bool { timedOut.load(ordering: .relaxed) }

    /// How many lines were refused.
    public var refused: UInt64 { stage.counters.refusedEvents.load(ordering: .relaxed) }

    private func sayWhatItWaitsFor() {
        let counters = stage.counters
        let left =
            counters.storedThrough.load(ordering: .relaxed)
            - min(
                counters.archivedThrough.load(ordering: .relaxed),
                counters.storedThrough.load(ordering: .relaxed)
            )
        let words = counters.waitsFor
        guard !words.isEmpty else { return }
        let line = Array("enlace-producer: \(left) events are safe here and wait for \(words)\n".utf8)
        _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }

    /// One JSON object.
    public var summary: String {
        let counters = stage.counters
        let accepted = counters.acceptedEvents.load(ordering: .relaxed)
        let waiting =
            counters.storedThrough.load(ordering: .relaxed)
            - min(counters.archivedThrough.load(ordering: .relaxed), counters.storedThrough.load(ordering: .relaxed))
        let hundredths = (Clock.monotonicNanoseconds() - started_ns) / 10_000_000
        let fraction = hundredths % 100
        return "{\"station\":\"\(station)\",\"accepted\":\(accepted),\"rejected\":\(refused),"
            + "\"archived\":\(accepted - min(accepted, waiting)),"
            + "\"resumed_from\":\(counters.resumedFrom.load(ordering: .relaxed)),"
            + "\"seconds\":\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)}"
    }
}
