import AuditStage
import Bytes
import EventJSON
import GatewayClient

/// Refused events for people.
enum RejectText {
    /// One line.
    static func line(_ reject: StoredReject, _ entry: PutBackJournal.Entry?) -> String {
        "\(reject.number)  \(reject.at)  \(reject.station)  \(reject.source):\(reject.line)  "
            + (reject.field.map { "\($0): " } ?? "") + reject.reason + (fate(entry).map { "  [\($0)]" } ?? "")
    }

    /// The record as it lies in its file; with what became of it, when it was sent again.
    static func json(_ reject: StoredReject, _ entry: PutBackJournal.Entry?) -> String {
        guard let entry, reject.text.hasSuffix("}") else { return reject.text }
        var writer = ByteWriter(capacity: reject.text.utf8.count + 256)
        writer.append(string: String(reject.text.dropLast()))
        writer.append(",\"put_back\":{\"state\":")
        writer.append(jsonString: entry.state.rawValue)
        writer.append(",\"station\":")
        writer.append(jsonString: entry.station.description)
        writer.append(",\"at\":\"")
        writer.append(timestamp: entry.at)
        writer.append("\",\"sequence\":")
        if let sequence = entry.sequence { writer.append(string: String(sequence)) } else { writer.append("null") }
        writer.append("}}")
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// A few lines with what to do.
    static func page(_ reject: StoredReject, _ entry: PutBackJournal.Entry?) -> String {
        let bytes = reject.value["bytes"]?.unsigned ?? 0
        var rows = [
            ("refused", reject.at),
            ("came from", "\(reject.source), line \(reject.line), \(bytes) bytes"),
            ("wrong", (reject.field.map { "\($0): " } ?? "") + reject.reason),
        ]
        if let event = reject.event {
            rows.append(("event", event))
        } else if let fields = reject.value["fields"]?.array {
            rows.append(("fields", fields.compactMap(\.string).joined(separator: ", ")))
        } else if let beginning = reject.value["event"]?.string {
            rows.append(("begins", String(beginning.prefix(200)) + "…"))
        }
        if let fate = fate(entry) { rows.append(("since", fate)) }
        rows.append(("what to do", advice(reject, entry)))
        return
            (["\(reject.number) of \(reject.station)  (\(reject.file):\(reject.fileLine))"]
            + rows.map { "  " + $0.0 + String(repeating: " ", count: 12 - $0.0.count) + $0.1 }).joined(separator: "\n")
    }

    private static func fate(_ entry: PutBackJournal.Entry?) -> String? {
        switch entry?.state {
        case .accepted:
            "put back \(entry?.at.description ?? ""), \(entry?.station.description ?? "") sequence \(entry?.sequence ?? 0)"
        case .sending: "being put back since \(entry?.at.description ?? "")"
        case .refused: "refused again \(entry?.at.description ?? ""): \(entry?.reason ?? "")"
        case nil: nil
        }
    }

    private static func advice(_ reject: StoredReject, _ entry: PutBackJournal.Entry?) -> String {
        let retry = "enlace rejects retry \(reject.number) --station \(reject.station)"
        if entry?.state == .accepted { return "nothing more: it was put back" }
        if entry?.state == .sending { return "\(retry): goes on where it stopped, and doubles nothing" }
        if let hindrance = reject.hindrance { return "it cannot be put back from here: \(hindrance)" }
        guard let field = reject.field else {
            return
                "it cannot be mended field by field when it is not JSON: correct it at its source and publish it again"
        }
        let isUnknown = reject.reason.hasPrefix("is an unknown field")
        return isUnknown ? "\(retry) --unset '\(field)'" : "\(retry) --set '\(field)=VALUE'"
    }
}
