import Glibc
import Logging
import Platform
import Wire

/// Ends the process when one of its workers does not come back from an event.
///
/// It counts its own turns and not the clock's: a process that was stopped and goes on must not be taken for hung.
final class Watchdog: Sendable {
    private let recorders: [FlightRecorder]
    private let stop: StopSignal
    private let log: Logger

    private static let turnMilliseconds = 100

    init(recorders: [FlightRecorder], stop: StopSignal, log: Logger) {
        self.recorders = recorders
        self.stop = stop
        self.log = log
    }

    /// The thread's body; ends when the stop signal is given.
    func run() {
        let limit = Limits.workerHangMilliseconds / Self.turnMilliseconds
        var seen: [(progress: UInt64?, turns: Int)] = recorders.map { _ in (nil, 0) }
        while !stop.isGiven {
            var descriptors = [pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0)]
            _ = poll(&descriptors, 1, Int32(Self.turnMilliseconds))
            for (index, recorder) in recorders.enumerated() {
                let progress = recorder.progress
                seen[index] =
                    progress != nil && progress == seen[index].progress
                    ? (progress, seen[index].turns + 1) : (progress, 0)
                guard seen[index].turns >= limit else { continue }
                recorder.giveUp()
                log.critical(
                    "a worker does not come back from an event: ending this process so that its batches go to others",
                    metadata: ["seconds": "\(Limits.workerHangMilliseconds / 1000)"]
                )
                abort()
            }
        }
    }
}
