import ArgumentParser
import Daemon
import Glibc
import Platform
import Settings
import TailStage

struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show enriched events for people, one after the other.",
        discussion: """
            Example:
              enlace archive cat archive --station nogales | enlace show
            """
    )

    @Argument(help: "Enriched JSON lines; - for standard input.") var file: String?

    func run() async throws {
        try await Program.run("enlace show") {
            let lines = try LineReader(file)
            let hasColour = isatty(1) == 1 && Program.environment["NO_COLOR"] == nil
            while let line = try lines.next() {
                guard !line.isEmpty else { continue }
                guard Program.put(PrettyLine.text(line, position: nil, hasColour: hasColour)) else { break }
            }
            return .done
        }
    }
}
