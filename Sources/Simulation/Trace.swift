/// What happened, for people; kept only when somebody will read it.
final class Trace {
    let isOn: Bool
    private(set) var lines: [String] = []

    init(isOn: Bool) { self.isOn = isOn }

    @inline(__always)
    func note(_ now: Int64, _ words: () -> String) {
        guard isOn else { return }
        lines.append("\(Self.time(now))  \(words())")
    }

    private static func time(_ now: Int64) -> String {
        let (seconds, milliseconds) = now.quotientAndRemainder(dividingBy: 1000)
        let digits = String(milliseconds)
        return "\(String(repeating: " ", count: max(0, 4 - String(seconds).count)))\(seconds)."
            + String(repeating: "0", count: 3 - digits.count) + digits
    }
}
