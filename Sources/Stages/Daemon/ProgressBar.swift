import Glibc
import Platform

/// A bar on standard error, on a terminal only, at most ten times a second.
public final class ProgressBar {
    private let label: String
    private let total: Int
    private let isShown: Bool
    private var next_ns: UInt64 = 0
    private let started_ns = Clock.monotonicNanoseconds()
    private var isDrawn = false

    /// - Parameter total: Bytes of the whole; 0 when nobody knows.
    public init(_ label: String, total: Int) {
        self.label = label
        self.total = total
        isShown = isatty(2) == 1
    }

    /// Says how far it is, in bytes and events.
    @inline(__always)
    public func advance(bytes: Int, events: Int) {
        guard isShown else { return }
        draw(bytes, events)
    }

    private func draw(_ bytes: Int, _ events: Int) {
        let now = Clock.monotonicNanoseconds()
        guard now >= next_ns else { return }
        // Nothing for what is done at once.
        if next_ns == 0, now - started_ns < 500_000_000 { return }
        next_ns = now + 100_000_000
        isDrawn = true
        let seconds = Double(now - started_ns) / 1e9
        let rate = Int(Double(events) / max(seconds, 0.001))
        var text = "\r\(label): \(events) events, \(rate)/s"
        if total > 0 {
            let percent = min(100, bytes * 100 / total)
            let filled = percent / 5
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled)
            text += "  \(bar) \(percent) %"
        }
        put(text + "\u{1B}[K")
    }

    /// Takes the bar away.
    public func finish() { if isDrawn { put("\r\u{1B}[K") } }

    private func put(_ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }
}
