import Bytes
import EventJSON

/// One event in one or two lines for people.
public enum PrettyLine {
    /// Writes an enriched event as text.
    ///
    /// - Parameter position: Stands in front when given.
    public static func text(_ line: UnsafeRawBufferPointer, position: Label?, hasColour: Bool) -> String {
        guard let event = try? JSONValue.parse(line) else { return String(decoding: line, as: UTF8.self) }
        let cross = event["cross_border"]
        let level = cross?["level"]?.string ?? "untagged"
        var words = [time(event), coloured(level.uppercased(), level, hasColour)]
        if let position { words.append(position.text) }
        words.append(event["category"]?.string ?? "?")
        if let status = event["status"]?.string, status != "actual" { words.append("[\(status)]") }
        words.append(place(event))
        if let metres = cross?["border"]?["distance_m"]?.double {
            let side = cross?["side"]?.string ?? ""
            words.append("\(distance(metres)) from the line\(side.isEmpty ? "" : " (\(side))")")
        }
        if let flow = cross?["flow"]?.string, flow != "none", flow != "unknown" { words.append(flow) }
        var text = words.filter { !$0.isEmpty }.joined(separator: "  ")
        let reasons = (cross?["evidence"]?.array ?? []).compactMap { $0["rule"]?.string }
        if !reasons.isEmpty { text += "\n    because: " + Self.unique(reasons).joined(separator: ", ") }
        if let narrative = event["narrative"]?.string { text += "\n    " + clipped(narrative) }
        return text
    }

    /// What stands in front of an event, such as its position.
    public struct Label: Sendable {
        var text: String
        /// Takes what is written in front.
        public init(_ text: String) { self.text = text }
    }

    private static func time(_ event: JSONValue) -> String {
        let text = event["occurred_at"]?.string ?? ""
        guard text.utf8.count >= 16 else { return text }
        let offset = text.hasSuffix("Z") ? "Z" : String(text.suffix(6))
        return text.prefix(10) + " " + text.dropFirst(11).prefix(5) + " " + offset
    }

    private static func place(_ event: JSONValue) -> String {
        if let place = event["location"]?["place"]?.string { return clean(place) }
        if let latitude = event["location"]?["lat"]?.double, let longitude = event["location"]?["lon"]?.double {
            return "\(latitude), \(longitude)"
        }
        return ""
    }

    private static func distance(_ metres: Double) -> String {
        if metres < 1000 { return "\(Int(metres.rounded())) m" }
        let tenths = Int((metres / 100).rounded())
        return tenths < 1000 ? "\(tenths / 10).\(tenths % 10) km" : "\(tenths / 10) km"
    }

    private static func coloured(_ text: String, _ level: String, _ hasColour: Bool) -> String {
        guard hasColour else { return text }
        let code = ["high": "1;31", "moderate": "1;33", "low": "36"][level] ?? "2"
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }

    private static func clipped(_ text: String) -> String {
        let clean = clean(text)
        return clean.count <= 160 ? clean : clean.prefix(159) + "…"
    }

    /// Text from outside must not steer the terminal.
    private static func clean(_ text: String) -> String {
        String(
            text.unicodeScalars.map {
                $0.properties.generalCategory == .control || $0.properties.generalCategory == .format
                    ? " " : Character($0)
            }
        )
    }

    private static func unique(_ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.filter { seen.insert($0).inserted }
    }
}
