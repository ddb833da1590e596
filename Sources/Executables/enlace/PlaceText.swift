import Border
import Bytes
import Incident
import ReferenceData
import Relevance

/// Where an event is thought to have happened, in words: how that is known, how far off it may be, and what is near.
struct PlaceText {
    private(set) var lines: [String] = []

    init(_ incident: Incident, _ assessment: Assessment, _ bundle: ReferenceBundle, _ style: TextStyle) {
        let border = bundle.reference.border
        var parts: [String] = []
        if let position = incident.position {
            let accuracy = incident.positionAccuracy_m.map { " ±" + Self.metres($0) } ?? ""
            parts.append("\(position.latitude_deg), \(position.longitude_deg)\(accuracy), as stated")
            if let place = incident.place { parts.append("named \(TextStyle.clean(place.string))") }
        } else if let place = assessment.place {
            parts.append(Self.named(place, assessment.positionBasis, incident, bundle))
        } else if let place = incident.place {
            parts.append("\"\(TextStyle.clean(place.string))\", which is not known")
        }
        let side = "side " + border.name(of: assessment.side)
        guard let fix = assessment.fix else {
            lines = ["  where: " + (parts.isEmpty ? ["not told"] : parts).joined(separator: "; ") + "; " + side]
            return
        }
        parts.append("\(Self.metres(fix.distance_m)) from the line (±\(Self.metres(fix.accuracy_m))), \(side)")
        if let crossing = fix.crossing {
            let name = border.crossings[crossing].name
            parts.append("nearest crossing \(name), \(Self.metres(fix.crossingDistance_m))")
        }
        lines = ["  where: " + parts.joined(separator: "; ")]
        if let position = assessment.position, style.isWide {
            let accuracy_m = assessment.place?.accuracy_m ?? incident.positionAccuracy_m ?? 0
            let map = TextMap(position, fix: fix, accuracy_m: accuracy_m, border: border)
            lines += map.lines.map { style.dim("    " + $0) }
        }
    }

    private static func named(
        _ place: NamedPlace,
        _ basis: PositionBasis,
        _ incident: Incident,
        _ bundle: ReferenceBundle
    ) -> String {
        let entry = bundle.reference.gazetteer.entries[place.entry]
        let region = entry.admin1.isEmpty ? "" : ", \(entry.country)-\(entry.admin1)"
        let text = basis == .place ? incident.place : incident.narrative
        let bytes = Array(text?.string.utf8 ?? "".utf8)
        let range = Int(place.bytes.lowerBound)..<min(Int(place.bytes.upperBound), bytes.count)
        let words = range.lowerBound <= range.upperBound ? String(decoding: bytes[range], as: UTF8.self) : ""
        let field = basis == .place ? "location.place" : "narrative"
        var line = (place.isNear ? "near " : "") + "\(entry.name)\(region) (\(entry.kind.rawValue)"
        line += ", ±\(metres(place.accuracy_m)), by \"\(TextStyle.clean(words))\" in \(field)"
        if place.isSideOpen { line += "; there is one on each side" }
        return line + ")"
    }

    static func metres(_ value: Double) -> String {
        if value < 1000 { return "\(Int(value.rounded())) m" }
        let tenths = Int((value / 100).rounded())
        return "\(tenths / 10).\(tenths % 10) km"
    }

}
