import ArgumentParser
import AuditStage
import Bytes
import Daemon
import Outbox
import Platform
import Settings
import Wire

struct ArchiveAdoptCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adopt",
        abstract: "Let this machine's producers go on with another archive, when theirs is lost.",
        discussion: """
            A producer that has committed events to one archive refuses every other, because what it committed is not \
            there. When the old archive can be put back, put it back. When it is lost, stop the producers, give their \
            outboxes this archive, and start them again: what waits in them is archived here, and what only the old \
            archive had is recorded as a gap.

            Exits with 75 when a producer still runs, with 1 when an outbox could not be changed.

            Examples:
              enlace archive adopt /var/lib/enlace/archive
              enlace archive adopt /srv/archive --station nogales
            """
    )

    @Argument(help: "The directory of the archive to go on with.") var directory: String
    @OptionGroup var common: CommonOptions
    @Option(help: "Only the producers of this station; may be given again.") var station: [StationName] = []
    @Flag(help: "One JSON object an outbox.") var json = false

    func run() async throws {
        try await Program.run("enlace archive adopt") {
            let (settings, _) = try await Program.prepare("enlace", common)
            let adoption = try ArchiveAdoption(
                archiveDirectory: directory,
                stateDirectory: settings.stateDirectory,
                stations: station,
                crc: .hardware
            )
            guard !adoption.outcomes.isEmpty else {
                Program.say("enlace archive adopt: there is no outbox in \(settings.stateDirectory)/outbox to change")
                return .failed
            }
            var status = ExitStatus.done
            for outcome in adoption.outcomes {
                switch outcome.result {
                case .success(let done):
                    Program.put(json ? Self.object(outcome.place, done) : Self.line(outcome.place, done))
                case .failure(let error):
                    if case .taken = error { if status == .done { status = .tryAgain } } else { status = .failed }
                    Program.say("enlace archive adopt: \(error)")
                }
            }
            return status
        }
    }

    private static func line(_ place: OutboxPlaces.Place, _ done: OutboxAdoption?) -> String {
        let name = "\(place.station).\(place.name)"
        guard let done else { return "\(name): belongs to no other archive" }
        let lost = done.before.sequence
        let gap = lost == 0 ? "" : "; the sink will record what it does not have of the events up to \(lost) as a gap"
        return "\(name): belonged to archive \(done.before.archive)\(gap)"
    }

    private static func object(_ place: OutboxPlaces.Place, _ done: OutboxAdoption?) -> String {
        let name = ArchiveCommand.ListCommand.quoted(place.name)
        let start = "{\"station\":\"\(place.station)\",\"name\":\(name),\"adopted\":\(done != nil)"
        guard let done else { return start + "}" }
        return start
            + ",\"before\":{\"archive\":\"\(done.before.archive)\",\"generation\":\(done.before.generation),"
            + "\"committed\":\(done.before.sequence)},\"oldest\":\(done.oldest)}"
    }
}
