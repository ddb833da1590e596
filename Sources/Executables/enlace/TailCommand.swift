import ArgumentParser
import Bytes
import Daemon
import Glibc
import Platform
import Settings
import TailStage
import Wire

struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Follow the enriched stream, without a gap.",
        discussion: """
            Examples:
              enlace tail
              enlace tail --station nogales --from begin --count 20
              enlace tail --from nogales@1200 --format jsonl --with-position
            """
    )

    enum Format: String, ExpressibleByArgument, CaseIterable { case pretty, jsonl }

    @OptionGroup var common: CommonOptions

    @Option(help: "Only this station; may be given again.")
    var station: [StationName] = []

    @Option(help: "begin, now, or a position such as nogales@1200.")
    var from = "now"

    @Option(help: "End after so many events.")
    var count: Int?

    @Option(help: "pretty or jsonl (default: pretty on a terminal).")
    var format: Format?

    @Flag(help: "Write each event's position in front of it, with a tab between.")
    var withPosition = false

    private var start: TailStart? {
        switch from {
        case "begin": .begin
        case "now": .now
        default: ArchivePosition(from).map { .position($0) }
        }
    }

    func validate() throws {
        guard start != nil else {
            throw ValidationError("--from must be begin, now, or a position such as nogales@1200")
        }
        if let count, count < 1 { throw ValidationError("--count must be at least 1") }
    }

    func run() async throws {
        try await Program.run("enlace tail") {
            let (settings, _) = try await Program.prepare("enlace", common)
            let options = Tail.Options(
                run: RunDirectory(path: settings.runDirectory),
                stations: station,
                start: start ?? .now,
                count: count
            )
            let isTerminal = isatty(1) == 1
            let isPretty = (format ?? (isTerminal ? .pretty : .jsonl)) == .pretty
            let hasColour = isTerminal && Program.environment["NO_COLOR"] == nil
            let withPosition = withPosition
            let (replaced, wasInterrupted) = try await Program.interruptibly { stop -> ArchiveReplaced? in
                let tail = Tail(
                    options: options,
                    stop: stop,
                    show: { position, line in
                        if isPretty {
                            let label = withPosition ? PrettyLine.Label("\(position)") : nil
                            return Program.put(PrettyLine.text(line, position: label, hasColour: hasColour))
                        }
                        let text = String(decoding: line, as: UTF8.self)
                        return Program.put(withPosition ? "\(position)\t\(text)" : text)
                    },
                    say: { Program.say("enlace tail: \($0)") }
                )
                do { try tail.run() } catch let error as ArchiveReplaced { return error }
                return nil
            }
            if let replaced {
                Program.say("enlace tail: \(replaced)")
                return .badData
            }
            return wasInterrupted ? .interrupted : .done
        }
    }
}
