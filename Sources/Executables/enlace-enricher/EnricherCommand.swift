import ArgumentParser
import Bytes
import Daemon
import EnricherStage
import Incident
import Platform
import ReferenceData
import Settings

@main
struct EnricherCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enlace-enricher",
        abstract: "Tags incidents with how they matter across the border.",
        discussion: """
            Each worker asks the station's producers for batches, enriches them and hands them to the sink. Start as \
            many as a station needs, at any time; SIGTERM finishes what is held, kill -9 costs nothing.

            Examples:
              enlace-enricher --station nogales
              enlace-enricher --station nogales --workers 4
            """,
        version: Version.text
    )

    @OptionGroup var common: CommonOptions

    @Option(help: "The station whose events to take.")
    var station: StationName

    @Option(help: "How many workers.")
    var workers: Int?

    @Option(help: "A producer's worker endpoint; may be given again (default: those in the run directory).")
    var producer: [String] = []

    @Option(help: "The sink's intake endpoint (default: the one in the run directory).")
    var sink: String?

    @Flag(help: .hidden)
    var supervised = false

    func run() async throws {
        try await Program.run("enlace-enricher") {
            var flags: [SettingsKey: String] = [:]
            flags[.workers] = workers.map(String.init)
            let (settings, log) = try await Program.prepare("enlace-enricher", common, flags: flags)
            let run = RunDirectory(path: settings.runDirectory)
            let bundle = try ReferenceBundle.load(
                directory: ReferenceBundle.locate(
                    explicit: settings.seeds,
                    environment: Program.environment,
                    executablePath: Program.executablePath
                )
            )
            let stage = try EnricherStage(
                options: EnricherOptions(
                    station: station,
                    workers: settings.workers,
                    run: run,
                    producers: producer,
                    sinkEndpoint: sink
                ),
                makeEnrich: {
                    let enrichment = EventEnrichment(checker: bundle.makeChecker(), reference: bundle.reference)
                    return { (event, isPadded, header, sequence, writer) throws(Refusal) in
                        try enrichment.enrich(
                            event,
                            isPadded: isPadded,
                            header: header,
                            sequence: sequence,
                            into: &writer
                        )
                    }
                },
                log: log
            )
            let daemon = Daemon(
                process: "enricher.\(station).\(SystemUse.processIdentifier)",
                kind: "enricher",
                station: "\(station)",
                run: run,
                isSupervised: supervised,
                log: log
            )
            _ = try await daemon.run(
                Daemon.Stage(
                    start: { try stage.start() },
                    stop: stage.stop,
                    requestStop: { stage.requestStop() },
                    finish: { try stage.finish() },
                    report: { stage.report }
                )
            )
            return .done
        }
    }
}
