import Archive
import ArgumentParser
import Bytes
import Daemon
import EventJSON
import Glibc
import Incident
import Platform
import ReferenceData
import Relevance
import Settings
import Wire

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say why each event is tagged as it is.",
        discussion: """
            A position names an archived event: its tags are computed again, and any difference from what the \
            archive holds is said.

            Examples:
              enlace explain incidents.jsonl
              enlace explain nogales@12
            """
    )

    @OptionGroup var common: CommonOptions
    @Argument(help: "A file of incidents, - for standard input, or a position such as nogales@12.") var source: String?

    func run() async throws {
        try await Program.run("enlace explain") {
            let (settings, _) = try await Program.prepare("enlace", common)
            let bundle = try ReferenceBundle.load(
                directory: ReferenceBundle.locate(
                    explicit: settings.seeds,
                    environment: Program.environment,
                    executablePath: Program.executablePath
                )
            )
            let source = source
            let archive = settings.archiveDirectory
            return try await Daemon.onThread("explain") {
                let explainer = Explainer(bundle)
                if let source, let position = ArchivePosition(source), !Files.exists(source) {
                    return try explainer.explain(position, archive: archive)
                }
                return try explainer.explainLines(LineReader(source), name: source ?? "-")
            }
        }
    }
}

/// Explains events, one after the other.
final class Explainer {
    private let bundle: ReferenceBundle
    private let reader: EventReader
    private let enrichment: Enrichment
    private let style = TextStyle(
        isTerminal: isatty(1) == 1 && Program.environment["NO_COLOR"] == nil,
        isWide: isatty(1) == 1 && Terminal.columns >= 72
    )

    init(_ bundle: ReferenceBundle) {
        self.bundle = bundle
        reader = EventReader(checker: bundle.makeChecker())
        enrichment = Enrichment(reference: bundle.reference)
    }

    func explainLines(_ lines: LineReader, name: String) throws -> ExitStatus {
        var number = 0
        var hasRefused = false
        var event = ByteWriter(capacity: 1 << 16)
        while let line = try lines.next() {
            number += 1
            event.removeAll()
            do throws(Refusal) {
                let incident = try reader.normalise(line, into: &event, station: .any)
                guard Program.put(text(incident)) else { return .done }
            } catch {
                hasRefused = true
                let field = error.field.map { "\($0): " } ?? ""
                Program.say("\(name):\(number): \(field)\(error.reason)")
            }
        }
        return hasRefused ? .badData : .done
    }

    /// Explains an archived event, and says whether computing it again gives the archive's bytes.
    func explain(_ position: ArchivePosition, archive: String) throws -> ExitStatus {
        let archiveReader = try ArchiveReader(directory: archive, crc: .hardware)
        var slice = ByteWriter(capacity: 1 << 20)
        let read = try archiveReader.read(station: position.station, from: position.offset, filter: .all, into: &slice)
        let kept = slice.bytes
        guard read.count > 0, read.offsets.first?.lowerBound == position.offset,
            let end = kept.firstIndex(of: UInt8(ascii: "\n"))
        else {
            Program.say("enlace explain: there is no event at \(position) in \(archive)")
            return .failed
        }
        let line = UnsafeRawBufferPointer(rebasing: kept[..<end])
        guard let parts = ArchivedEvent(line) else {
            Program.say("enlace explain: \(position) was archived without tags")
            return .failed
        }
        var again = ByteWriter(capacity: 1 << 16)
        var raw = ByteWriter(capacity: 1 << 16)
        raw.append(parts.event)
        let incident: Incident
        do throws(Refusal) { incident = try reader.read(raw.bytes, isPadded: false, station: .any) } catch {
            Program.say("enlace explain: \(position): \(error.reason)")
            return .failed
        }
        enrichment.enrich(incident: incident, event: raw.bytes, ingest: parts.stamp, into: &again)
        Program.put("\(position)\n" + text(incident))
        if again.bytes.elementsEqual(line) {
            Program.put("  computed again: the same bytes")
            return .done
        }
        let ruleset = (try? JSONValue.parse(line))?["cross_border"]?["ruleset"]?.string ?? "unknown rules"
        Program.put("  computed again: differs; archived with \(ruleset), computed with \(bundle.ruleset)")
        return .badData
    }

    private func text(_ incident: Incident) -> String {
        let assessment = enrichment.assess(incident: incident)
        let explanation = Explanation(
            incident: incident,
            assessment: assessment,
            enrichment: enrichment,
            bundle: bundle,
            style: style
        )
        return explanation.text
    }
}
