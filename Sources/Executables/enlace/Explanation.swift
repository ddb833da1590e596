import Border
import Bytes
import Incident
import ReferenceData
import Relevance

/// Marks for a terminal, or none.
struct TextStyle {
    let isTerminal: Bool
    /// Whether there is room for a map.
    var isWide = false

    func bold(_ text: String) -> String { isTerminal ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
    func dim(_ text: String) -> String { isTerminal ? "\u{1B}[2m\(text)\u{1B}[0m" : text }

    func level(_ level: Level) -> String {
        let text = "\(level.label)".uppercased()
        guard isTerminal else { return text }
        let code =
            switch level {
            case .high: "1;31"
            case .moderate: "1;33"
            case .low: "36"
            case .none: "2"
            }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }

    /// Underlines words; without a terminal they stand in brackets.
    func marked(_ text: String) -> String { isTerminal ? "\u{1B}[4m\(text)\u{1B}[24m" : "[\(text)]" }

    /// Text from outside must not steer the terminal.
    static func clean(_ text: String) -> String {
        String(
            text.unicodeScalars.map {
                $0.properties.generalCategory == .control || $0.properties.generalCategory == .format
                    ? " " : Character($0)
            }
        )
    }
}

/// Why one event is tagged as it is, in words.
struct Explanation {
    let text: String

    init(
        incident: Incident,
        assessment: Assessment,
        enrichment: Enrichment,
        bundle: ReferenceBundle,
        style: TextStyle
    ) {
        let taxonomy = bundle.taxonomy
        var lines: [String] = []
        let identifier = incident.id.map { "\($0.string)  " } ?? ""
        let category = taxonomy.categories[Int(incident.category.index)].name
        let status = incident.status == .actual ? "" : "  [\(incident.status.rawValue)]"
        lines.append(
            "\(style.level(assessment.level)) \(assessment.score)  \(style.bold(identifier + category))"
                + "  \(incident.occurredAt.timestamp)\(status)"
        )
        let spans = (0..<assessment.evidenceCount).compactMap { assessment.evidence($0).span }
        if let narrative = incident.narrative {
            lines.append("  " + Self.underlined(narrative.string, spans, style))
        }
        lines += PlaceText(incident, assessment, bundle, style).lines
        lines += Self.reasons(incident, assessment, bundle, style)
        lines.append(
            "  flow: \(assessment.flow.label)  involves: \(Self.involves(assessment, bundle))" + Self.goods(assessment)
        )
        if assessment.isMigrationOnly {
            lines.append("  migration only: no evidence of an offence; withheld from enforcement audiences")
        }
        let side = assessment.side == .ambiguous ? assessment.fix?.geometricSide ?? .other : assessment.side
        for finding in enrichment.findings(narrative: incident.narrative ?? Text(start: nil, count: 0), side: side)
        where finding.fate == .negated || finding.fate == .supposed {
            let words = Self.slice(incident.narrative?.string ?? "", finding.span)
            let what = finding.fate == .negated ? "does not count, negated" : "counts as supposed only"
            lines.append(style.dim("  \(what): \"\(TextStyle.clean(words))\" (\(finding.fact))"))
        }
        lines.append(style.dim("  rules: \(bundle.ruleset)"))
        text = lines.joined(separator: "\n") + "\n"
    }

    private static func reasons(
        _ incident: Incident,
        _ assessment: Assessment,
        _ bundle: ReferenceBundle,
        _ style: TextStyle
    ) -> [String] {
        guard assessment.evidenceCount > 0 else {
            return ["  because: nothing ties it to the other side"]
        }
        return (0..<assessment.evidenceCount).map { index in
            let evidence = assessment.evidence(index)
            let rule = bundle.reference.rules.declarations[evidence.rule]
            var line = "  because: \(rule.note) → \(evidence.level.label) (\(rule.id), \(evidence.basis.label)"
            if let span = evidence.span {
                line += ", \"\(TextStyle.clean(slice(incident.narrative?.string ?? "", span)))\""
            }
            if evidence.level < rule.level { line += "; only supposed, so not \(rule.level.label)" }
            return line + ")"
        }
    }

    private static func involves(_ assessment: Assessment, _ bundle: ReferenceBundle) -> String {
        let (left, right) = (bundle.reference.border.left.code, bundle.reference.border.right.code)
        return switch (assessment.involvesLeft, assessment.involvesRight) {
        case (true, true): "\(left) and \(right)"
        case (true, false): left
        case (false, true): right
        case (false, false): "no side known"
        }
    }

    private static func goods(_ assessment: Assessment) -> String {
        let kinds = RuleSet.contrabandKinds.enumerated().filter { assessment.contraband & (1 << UInt8($0.offset)) != 0 }
        return kinds.isEmpty ? "" : "  contraband: " + kinds.map(\.element).joined(separator: ", ")
    }

    static func slice(_ text: String, _ span: Range<Int>) -> String {
        let scalars = Array(text.unicodeScalars)
        guard span.upperBound <= scalars.count else { return "" }
        var result = String.UnicodeScalarView()
        result.append(contentsOf: scalars[span])
        return String(result)
    }

    /// The text with the spans' words marked; spans that overlap are joined.
    private static func underlined(_ text: String, _ spans: [Range<Int>], _ style: TextStyle) -> String {
        var joined: [Range<Int>] = []
        for span in spans.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = joined.last, span.lowerBound <= last.upperBound {
                joined[joined.count - 1] = last.lowerBound..<max(last.upperBound, span.upperBound)
            } else {
                joined.append(span)
            }
        }
        var result = ""
        var at = 0
        for span in joined {
            result += TextStyle.clean(slice(text, at..<span.lowerBound))
            result += style.marked(TextStyle.clean(slice(text, span)))
            at = span.upperBound
        }
        return result + TextStyle.clean(slice(text, at..<max(at, text.unicodeScalars.count)))
    }
}
