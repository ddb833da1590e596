import ArgumentParser
import Daemon
import GatewayClient
import Incident
import Platform
import ReferenceData
import Settings

struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Send each event of a file to its own station's producer.",
        discussion: """
            Waits until everything accepted is archived, and prints one JSON line a station. Refused events are \
            named on standard error with line, field and reason; the producers keep them among their rejects.

            Examples:
              enlace publish incidents.jsonl
              enlace generate --count 100 --seed 1 | enlace publish
            """
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "JSON lines or CloudEvents; - for standard input.")
    var file: String?

    @Flag(help: "Exit with 65 if anything was refused.")
    var strict = false

    @Option(help: "Give up after so many seconds, with exit 75.")
    var timeout: Double?

    func run() async throws {
        try await Program.run("enlace publish") {
            let (settings, _) = try await Program.prepare("enlace", common)
            let bundle = try ReferenceBundle.load(
                directory: ReferenceBundle.locate(
                    explicit: settings.seeds,
                    environment: Program.environment,
                    executablePath: Program.executablePath
                )
            )
            let options = Publisher.Options(
                run: RunDirectory(path: settings.runDirectory),
                stateDirectory: settings.stateDirectory,
                stations: bundle.taxonomy.stations.map(\.name),
                timeoutSeconds: timeout
            )
            let file = file
            let started = Clock.monotonicNanoseconds()
            let (outcome, _) = try await Program.interruptibly { stop in
                let reader = try LineReader(file)
                let name = file ?? "-"
                let publisher = try Publisher(
                    options: options,
                    stop: stop,
                    tell: { refusal in
                        let field = refusal.field.map { "\($0): " } ?? ""
                        Program.say("\(name):\(refusal.line): \(field)\(refusal.reason)")
                    },
                    say: { Program.say("enlace publish: \($0)") }
                )
                let ending = try publisher.publish(
                    isReady: { try reader.isReady(withinMilliseconds: $0) },
                    next: { try reader.next() }
                )
                return (ending, publisher.results)
            }
            let (ending, results) = outcome
            let seconds = Double(Clock.monotonicNanoseconds() - started) / 1e9
            for result in results { Program.put(result.json(seconds: seconds)) }
            switch ending {
            case .stopped: return .interrupted
            case .timedOut: return .tryAgain
            case .done: return strict && results.contains { $0.rejected > 0 } ? .badData : .done
            }
        }
    }
}
