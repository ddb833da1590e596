import ArgumentParser
import AuditStage
import Bytes
import Daemon
import Expression
import GatewayClient
import Platform
import Settings

struct RejectsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rejects",
        abstract: "Look at what was refused, mend it and put it back.",
        discussion: """
            Conditions are in a subset of CEL over station, source, field, reason, line, bytes, at, number, producer, \
            put_back and event. A record that a condition cannot be asked of, because it has no such field, does not \
            meet it; has(event.location) asks first.
            """,
        subcommands: [ListCommand.self, ShowCommand.self, RejectsRetryCommand.self]
    )

    struct ListCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls",
            abstract: "List refused events with their reasons.",
            discussion: """
                Examples:
                  enlace rejects ls --station nogales
                  enlace rejects ls --where 'field == "location.lat" && !put_back'
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var selection: RejectSelection
        @Flag(help: "The records as JSON lines.") var json = false

        func run() async throws {
            try await Program.run("enlace rejects ls") {
                let (settings, _) = try await Program.prepare("enlace", common)
                try selection.forEach(settings, "enlace rejects ls") { reject, entry in
                    Program.put(json ? RejectText.json(reject, entry) : RejectText.line(reject, entry))
                }
                return .done
            }
        }
    }

    struct ShowCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show refused events: what came, what is wrong with it, what to do.",
            discussion: """
                Exits with 1 when there is no such record.

                Examples:
                  enlace rejects show 12 --station nogales
                  enlace rejects show --where 'reason.contains("duplicate")'
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var selection: RejectSelection
        @Flag(help: "The records as JSON lines.") var json = false

        func run() async throws {
            try await Program.run("enlace rejects show") {
                let (settings, _) = try await Program.prepare("enlace", common)
                var count = 0
                try selection.forEach(settings, "enlace rejects show") { reject, entry in
                    count += 1
                    return Program.put(json ? RejectText.json(reject, entry) : RejectText.page(reject, entry))
                }
                guard count > 0 else {
                    Program.say("enlace rejects show: there is no such record; see enlace rejects ls")
                    return .failed
                }
                return .done
            }
        }
    }
}

/// Which refused events.
struct RejectSelection: ParsableArguments {
    @Argument(help: "Numbers of records, as ls shows them.") var numbers: [UInt64] = []
    @Option(help: "Only this station; may be given again.") var station: [StationName] = []
    @Option(name: .customLong("where"), help: "Only those that meet this condition.") var condition: String?

    /// Whether nothing narrows it.
    var isOpen: Bool { numbers.isEmpty && station.isEmpty && condition == nil }

    func validate() throws {
        guard let condition else { return }
        do throws(ExpressionError) { _ = try RejectCondition(condition) } catch {
            throw ValidationError("--where: \(error)")
        }
    }

    /// Gives each record that is meant, with what became of it since. `body` returns false to end.
    func forEach(
        _ settings: EnlaceSettings,
        _ name: String,
        _ body: (StoredReject, PutBackJournal.Entry?) throws -> Bool
    ) throws {
        let condition = try condition.map { try RejectCondition($0) }
        let journal = PutBackJournal(stateDirectory: settings.stateDirectory)
        var undecided = 0
        var why: ExpressionError?
        try RejectFiles.read(settings.stateDirectory, stations: station) { reject in
            guard numbers.isEmpty || numbers.contains(reject.number) else { return true }
            let entry = try journal.entry(reject.key)
            if let condition {
                do throws(ExpressionError) {
                    guard try condition.holds(reject, isPutBack: entry?.state == .accepted) else { return true }
                } catch {
                    undecided += 1
                    why = why ?? error
                    return true
                }
            }
            return try body(reject, entry)
        }
        if let why {
            Program.say("\(name): --where could not be asked of \(undecided) records, they are left out: \(why)")
        }
    }
}
