import ArgumentParser
import Bytes
import Daemon
import EventJSON
import Incident
import Platform
import ReferenceData
import Relevance
import Settings

struct EnrichCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enrich",
        abstract: "Tag incidents without a pipeline: one line out for each line in.",
        discussion: """
            The tags are the pipeline's own; no id is invented and nothing is kept. A line that is refused gives \
            {"error":{"line":…,"field":…,"reason":…}}, and the exit code at the end is 65.

            Examples:
              enlace enrich incidents.jsonl > tagged.jsonl
              enlace generate --count 1000 --seed 7 | enlace enrich | jq -r .cross_border.level | sort | uniq -c
            """
    )

    @OptionGroup var common: CommonOptions
    @Argument(help: "JSON lines or CloudEvents; - for standard input.") var file: String?

    func run() async throws {
        try await Program.run("enlace enrich") {
            let (settings, _) = try await Program.prepare("enlace", common)
            let bundle = try ReferenceBundle.load(
                directory: ReferenceBundle.locate(
                    explicit: settings.seeds,
                    environment: Program.environment,
                    executablePath: Program.executablePath
                )
            )
            let file = file
            return try await Daemon.onThread("enrich") { try Self.enrich(file, bundle) }
        }
    }

    private static func enrich(_ file: String?, _ bundle: ReferenceBundle) throws -> ExitStatus {
        let lines = try LineReader(file)
        let events = EventReader(checker: bundle.makeChecker())
        let enrichment = Enrichment(reference: bundle.reference)
        let bar = ProgressBar("enrich", total: lines.size)
        var event = ByteWriter(capacity: 1 << 16)
        var output = ByteWriter(capacity: 1 << 20)
        var number = 0
        var hasRefused = false
        while let line = try lines.next() {
            number += 1
            event.removeAll()
            do throws(Refusal) {
                let incident = try events.normalise(line, isPadded: true, into: &event, station: .any)
                enrichment.enrich(incident: incident, event: event.bytes, ingest: nil, into: &output)
            } catch {
                hasRefused = true
                append(error, line: number, to: &output)
            }
            output.append("\n")
            if output.count > 900_000 {
                guard put(&output) else { return .done }
                bar.advance(bytes: lines.bytesRead, events: number)
            }
        }
        bar.finish()
        guard put(&output) else { return .done }
        return hasRefused ? .badData : .done
    }

    private static func append(_ refusal: Refusal, line: Int, to output: inout ByteWriter) {
        output.append("{\"error\":{\"line\":")
        output.append(decimal: Int64(line))
        output.append(",\"field\":")
        if let field = refusal.field { output.append(jsonString: field) } else { output.append("null") }
        output.append(",\"reason\":")
        output.append(jsonString: refusal.reason)
        output.append("}}")
    }

    /// False when nobody reads any more.
    private static func put(_ output: inout ByteWriter) -> Bool {
        defer { output.removeAll() }
        return Program.write(output.bytes)
    }
}
