import Glibc
import Platform
import UnixSignals

extension Program {
    /// Runs a tool's blocking work on a thread of its own; the first Ctrl-C gives the stop signal, the second ends
    /// the process.
    public static func interruptibly<Value: Sendable>(
        _ body: @escaping @Sendable (StopSignal) throws -> Value
    ) async throws -> (value: Value, wasInterrupted: Bool) {
        signal(SIGPIPE, SIG_IGN)
        let stop = try StopSignal()
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let listening = Task {
            for await _ in signals {
                if stop.isGiven { _exit(130) }
                stop.give()
            }
        }
        defer { listening.cancel() }
        let value = try await Daemon.onThread("work") { try body(stop) }
        return (value, stop.isGiven)
    }
}
