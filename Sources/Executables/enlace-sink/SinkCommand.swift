import ArgumentParser
import Daemon
import Platform
import Settings
import SinkStage

@main
struct SinkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enlace-sink",
        abstract: "Archives what the enrichers send and shows it live.",
        discussion: """
            Puts batches in their producers' order, appends them to the archive, syncs, and only then tells the \
            producers and shows the events. One sink writes an archive at a time.

            Examples:
              enlace-sink
              enlace-sink --archive /var/lib/enlace/archive --run-dir /run/enlace
            """,
        version: Version.text
    )

    @OptionGroup var common: CommonOptions

    @Option(help: "Directory of the archive (default: archive in the state directory).")
    var archive: String?

    @Flag(help: .hidden)
    var supervised = false

    func run() async throws {
        try await Program.run("enlace-sink", isTemporary: SinkStage.isTemporary) {
            var flags: [SettingsKey: String] = [:]
            flags[.archive_dir] = archive
            let (settings, log) = try await Program.prepare("enlace-sink", common, flags: flags)
            let run = RunDirectory(path: settings.runDirectory)
            let stage = try SinkStage(
                options: SinkOptions(
                    run: run,
                    archiveDirectory: settings.archiveDirectory,
                    segmentBytes: settings.segmentBytes,
                    segmentSeconds: settings.segmentSeconds,
                    holdBytes: settings.sinkHoldBytes
                ),
                log: log
            )
            let daemon = Daemon(
                process: "sink",
                kind: "sink",
                station: nil,
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
