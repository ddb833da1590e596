import ArgumentParser
import Audit
import AuditStage
import Bytes
import Daemon
import Platform
import Settings

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Account for every accepted event: archived, dead-lettered or in flight.",
        discussion: """
            Reads the outboxes and the archive's index beside the running processes. For each producer \
            accepted = archived + dead_lettered + in_flight; what a disk lost, and the archive recorded as lost, is \
            told as missing or damaged. Exits with 65 when an event is unexplained or archived twice, with 1 when \
            something could not be read.

            Examples:
              enlace audit
              enlace audit --station nogales
              enlace audit --json | jq .totals
            """
    )

    @OptionGroup var common: CommonOptions
    @Option(help: "Only this station; may be given again.") var station: [StationName] = []
    @Flag(help: "One JSON object.") var json = false

    func run() async throws {
        try await Program.run("enlace audit") {
            let (settings, _) = try await Program.prepare("enlace", common)
            let options = Auditor.Options(
                stateDirectory: settings.stateDirectory,
                archiveDirectory: settings.archiveDirectory,
                stations: station
            )
            let report = try await Daemon.onThread("audit") { try Auditor(options: options, crc: .hardware).run() }
            Program.put(json ? report.json : report.text)
            if !report.total.isSound { return .badData }
            return report.problems.isEmpty ? .done : .failed
        }
    }
}
