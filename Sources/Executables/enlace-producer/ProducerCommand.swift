import ArgumentParser
import Bytes
import Daemon
import Platform
import ProducerStage
import ReferenceData
import Settings
import UnixSignals

@main
struct ProducerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enlace-producer",
        abstract: "Takes a station's incidents and keeps them until they are archived.",
        discussion: """
            Without --input it serves gateways until SIGTERM. With --input it publishes a file (JSON lines or \
            CloudEvents), waits until all of it is archived, and prints one JSON line; killed and started again it \
            goes on where it was.

            Examples:
              enlace-producer --station nogales
              enlace-producer --station nogales --input incidents.jsonl
              tail -f feed.jsonl | enlace-producer --station nogales --input -
            """,
        version: Version.text
    )

    @OptionGroup var common: CommonOptions

    @Option(help: "The station whose events it takes.")
    var station: StationName

    @Option(help: "Tells several producers of one station apart.")
    var name = "main"

    @Option(help: "Publish this file, or - for standard input.")
    var input: String?

    @Flag(help: "Wait for more at the end of the input.")
    var follow = false

    @Flag(help: "Begin at the front although the file was read before.")
    var again = false

    @Option(help: "Remember standard input under this name, to go on after a kill.")
    var source: String?

    @Flag(help: "Exit with 65 if anything was refused.")
    var strict = false

    @Option(help: "Give up waiting for the archive after so many seconds, with exit 75.")
    var timeout: Double?

    @Option(help: "The sink's control endpoint (default: the one in the run directory).")
    var sink: String?

    @Flag(help: .hidden)
    var supervised = false

    func validate() throws {
        guard RunDirectory.isProducerName(name) else {
            throw ValidationError("--name must be 1 to 32 of a-z, 0-9 and hyphens")
        }
        guard input != nil || !(follow || again || strict || source != nil || timeout != nil) else {
            throw ValidationError("--follow, --again, --source, --strict and --timeout go with --input")
        }
        guard !supervised || input != "-" else { throw ValidationError("--supervised needs standard input") }
    }

    func run() async throws {
        try await Program.run("enlace-producer", isTemporary: ProducerStage.isTemporary) {
            let (settings, log) = try await Program.prepare("enlace-producer", common)
            let run = RunDirectory(path: settings.runDirectory)
            let bundle = try ReferenceBundle.load(
                directory: ReferenceBundle.locate(
                    explicit: settings.seeds,
                    environment: Program.environment,
                    executablePath: Program.executablePath
                )
            )
            let inputOptions = input.map {
                ProducerOptions.InputOptions(path: $0, follows: follow, startsAgain: again, sourceName: source)
            }
            let stage = try ProducerStage(
                options: ProducerOptions(
                    station: station,
                    name: name,
                    run: run,
                    stateDirectory: settings.stateDirectory,
                    source: inputOptions.map { .input($0) } ?? .gateways,
                    sinkEndpoint: sink,
                    outboxBytes: settings.outboxBytes,
                    reservePercent: settings.filesystemReservePercent
                ),
                checker: bundle.makeChecker(),
                log: log
            )
            let daemon = Daemon(
                process: "producer.\(station).\(name)",
                kind: "producer",
                station: "\(station)",
                run: run,
                isSupervised: supervised,
                log: log
            )
            let publication = Publication(
                stage: stage,
                station: station,
                timeoutSeconds: timeout,
                isFile: inputOptions != nil
            )
            let ending = try await daemon.run(
                Daemon.Stage(
                    start: { try stage.start() },
                    stop: stage.stop,
                    requestStop: { stage.requestStop() },
                    finish: { try stage.finish() },
                    report: { stage.report },
                    isDone: { publication.isDone }
                )
            )
            guard inputOptions != nil else { return .done }
            Program.put(publication.summary)
            if ending == .stopped(.sigint) { return .interrupted }
            if case .stopped = ending { return follow ? .done : .tryAgain }
            if publication.hasTimedOut { return .tryAgain }
            return strict && publication.refused > 0 ? .badData : .done
        }
    }
}
