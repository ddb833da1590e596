import ArgumentParser
import AuditStage
import Bytes
import Daemon
import Platform
import Settings

struct TraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Say where an event is: in the archive, in an outbox and what it waits for, or among the refused.",
        discussion: """
            An event is named by its id (its own, or the one that the pipeline gave it), by its position, or by \
            producer and sequence. An id that several events brought is found several times. Exits with 1 when \
            nobody knows the event.

            Examples:
              enlace trace ev-2026-0117
              enlace trace nogales@12
              enlace trace 5f0c9f6f3c8f4e0e9a55a1f8d1f2b3c4:13 --json
            """
    )

    @OptionGroup var common: CommonOptions
    @Argument(help: "An id, STATION@OFFSET, or PRODUCER:SEQUENCE with the producer's 32 hex digits.") var event: String
    @Flag(help: "One JSON object.") var json = false

    func validate() throws {
        guard TraceQuery(event) != nil else {
            throw ValidationError(
                "\"\(event)\" is neither an id (1 to 64 of letters, digits and ._:-), nor a position such as nogales@12, "
                    + "nor PRODUCER:SEQUENCE"
            )
        }
    }

    func run() async throws {
        try await Program.run("enlace trace") {
            let (settings, _) = try await Program.prepare("enlace", common)
            guard let query = TraceQuery(event) else { return .usage }
            let run = RunDirectory(path: settings.runDirectory)
            let (places, problems) = try await Daemon.onThread("trace") {
                let tracer = Tracer(
                    stateDirectory: settings.stateDirectory,
                    archiveDirectory: settings.archiveDirectory,
                    run: run,
                    crc: .hardware
                )
                return (try tracer.find(query), tracer.problems)
            }
            for problem in problems { Program.say("enlace trace: \(problem)") }
            if json {
                var writer = ByteWriter(capacity: 4096)
                writer.append("{\"event\":")
                writer.append(jsonString: event)
                writer.append(",\"found\":[")
                for (index, place) in places.enumerated() {
                    if index > 0 { writer.append(",") }
                    place.write(to: &writer)
                }
                writer.append("]}")
                Program.put(String(decoding: writer.bytes, as: UTF8.self))
            } else {
                for place in places { Program.put(place.text) }
            }
            if places.isEmpty {
                Program.say(
                    "enlace trace: nobody knows \(event): it is not in the archive \(settings.archiveDirectory), not in an "
                        + "outbox or among the refused of \(settings.stateDirectory)"
                )
                return .failed
            }
            return .done
        }
    }
}
