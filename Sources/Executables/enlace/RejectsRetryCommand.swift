import ArgumentParser
import AuditStage
import Bytes
import Daemon
import EventJSON
import GatewayClient
import Incident
import Platform
import ReferenceData
import Settings

struct RejectsRetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Mend refused events and send them again.",
        discussion: """
            Sends each event to its station's producer as a gateway does, waits until it is archived, and prints one JSON \
            line a station as enlace publish does. A record is put back once, however often this is asked for and \
            wherever it is killed. What was refused for personal data, was cut, or is no text cannot be put back from \
            here: its event was not kept.

            A field is written with dots, such as location.lat; a number counts the elements of a list from 0. A value is \
            JSON, or else a text as it stands. With a CloudEvent the fields are those of its data.

            Examples:
              enlace rejects retry 12 --station nogales --set location.lat=31.34
              enlace rejects retry --where 'field == "category"' --set category=other --dry-run
              enlace rejects retry --all
            """
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var selection: RejectSelection
    @Option(help: "Set a field: FIELD=VALUE; may be given again.") var set: [String] = []
    @Option(help: "Take a field away; may be given again.") var unset: [String] = []
    @Flag(help: "Every record that can be put back.") var all = false
    @Flag(help: "Print the events that would be sent, and send nothing.") var dryRun = false
    @Flag(help: "Exit with 65 if anything was refused again or cannot be put back.") var strict = false
    @Option(help: "Give up after so many seconds, with exit 75; the next retry goes on.") var timeout: Double?

    func validate() throws {
        guard all || !selection.isOpen else {
            throw ValidationError("say which records: their numbers, --station, --where, or --all")
        }
        for text in set where RejectEdit(assignment: text) == nil {
            throw ValidationError("--set \(text): write FIELD=VALUE, such as location.lat=31.34")
        }
        for text in unset where RejectEdit(removal: text) == nil {
            throw ValidationError("--unset \(text): write a field's name, such as location.lat")
        }
    }

    private var edits: [RejectEdit] {
        unset.compactMap { RejectEdit(removal: $0) } + set.compactMap { RejectEdit(assignment: $0) }
    }

    func run() async throws {
        try await Program.run("enlace rejects retry") {
            let (settings, _) = try await Program.prepare("enlace", common)
            let bundle = try ReferenceBundle.load(
                directory: ReferenceBundle.locate(
                    explicit: settings.seeds,
                    environment: Program.environment,
                    executablePath: Program.executablePath
                )
            )
            let choice = try choose(settings, bundle)
            if dryRun {
                for item in choice.items { Program.put(item.event) }
                Program.say("enlace rejects retry: would send \(choice.items.count), \(choice.refused) cannot be sent")
                return strict && choice.refused > 0 ? .badData : .done
            }
            guard !choice.items.isEmpty else { return strict && choice.refused > 0 ? .badData : .done }
            let options = Publisher.Options(
                run: RunDirectory(path: settings.runDirectory),
                stateDirectory: settings.stateDirectory,
                stations: bundle.taxonomy.stations.map(\.name),
                timeoutSeconds: timeout
            )
            let started = Clock.monotonicNanoseconds()
            let (outcome, _) = try await Program.interruptibly { stop in
                let putBack = try PutBack(
                    options: options,
                    stop: stop,
                    tell: { key, refusal in
                        Self.say(choice.names[key] ?? key, (refusal.field.map { "\($0): " } ?? "") + refusal.reason)
                    },
                    say: { Program.say("enlace rejects retry: \($0)") }
                )
                return (try putBack.run(choice.items), putBack.results)
            }
            let (ending, results) = outcome
            let seconds = Double(Clock.monotonicNanoseconds() - started) / 1e9
            for result in results { Program.put(result.json(seconds: seconds)) }
            switch ending {
            case .stopped: return .interrupted
            case .timedOut: return .tryAgain
            case .done:
                let isRefused = choice.refused > 0 || results.contains { $0.rejected > 0 }
                return strict && isRefused ? .badData : .done
            }
        }
    }

    private struct Choice: Sendable {
        var items: [PutBack.Item] = []
        var names: [String: String] = [:]
        var refused = 0
    }

    private static func say(_ record: String, _ reason: String) {
        Program.say("enlace rejects retry: \(record): \(reason)")
    }

    /// What is to be sent. An event that the producer would refuse again is not sent: that would only make another record.
    private func choose(_ settings: EnlaceSettings, _ bundle: ReferenceBundle) throws -> Choice {
        let reader = EventReader(checker: bundle.makeChecker())
        var choice = Choice()
        var keys: [UInt64: String] = [:]
        try selection.forEach(settings, "enlace rejects retry") { reject, entry in
            let name = "\(reject.number) of \(reject.station)"
            if selection.numbers.contains(reject.number),
                let other = keys.updateValue(reject.key, forKey: reject.number),
                other != reject.key
            {
                throw ValidationError(
                    "several producers have a record \(reject.number): add --station or --where 'producer == \"…\"'"
                )
            }
            if let entry, entry.state == .accepted {
                Self.say(name, "was put back \(entry.at), it is sequence \(entry.sequence ?? 0) of \(entry.station)")
                return true
            }
            guard let event = reject.event, reject.hindrance == nil, let station = StationName(reject.station) else {
                choice.refused += 1
                Self.say(name, "cannot be put back: \(reject.hindrance ?? "its record is damaged")")
                return true
            }
            do {
                // What an earlier run began is brought to its end as it was sent then.
                let changed = entry?.state == .sending ? entry?.event ?? event : try RejectEdit.apply(edits, to: event)
                if entry?.state == .sending, !edits.isEmpty {
                    Self.say(name, "goes on as it was sent before; what is set now does not count")
                }
                if entry?.state != .sending { try Self.check(changed, reader) }
                choice.names[reject.key] = name
                choice.items.append(PutBack.Item(key: reject.key, station: station, event: changed))
            } catch {
                choice.refused += 1
                let reason = (error as? Refusal).map { ($0.field.map { "\($0): " } ?? "") + $0.reason } ?? "\(error)"
                Self.say(name, "would be refused again: \(reason)")
            }
            return true
        }
        return choice
    }

    private static func check(_ event: String, _ reader: EventReader) throws {
        var line = ByteWriter(capacity: event.utf8.count + 64)
        var raw = ByteWriter(capacity: event.utf8.count + 64)
        raw.append(string: event)
        _ = try reader.normalise(raw.bytes, into: &line, station: .known)
    }
}
