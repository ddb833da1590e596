import Archive
import ArgumentParser
import Bytes
import Daemon
import Expression
import Platform
import Settings

struct ArchiveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive",
        abstract: "Look into an archive: what there is, its events, whether it is sound.",
        subcommands: [ListCommand.self, CatCommand.self, VerifyCommand.self, ArchiveAdoptCommand.self]
    )

    struct ListCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the segments.")

        @Argument(help: "The archive's directory.") var directory: String
        @Option(help: "Only this station; may be given again.") var station: [StationName] = []
        @Flag(help: "One JSON object a segment.") var json = false

        func run() async throws {
            try await Program.run("enlace archive ls") {
                let reader = try ArchiveReader(directory: directory, crc: .hardware)
                for name in try reader.stations() where station.isEmpty || station.contains(name) {
                    for segment in try reader.segments(of: name) {
                        let state = segment.isClosed ? "closed" : "open"
                        let line =
                            json
                            ? "{\"station\":\"\(name)\",\"date\":\"\(segment.date)\","
                                + "\"first_offset\":\(segment.firstOffset),\"state\":\"\(state)\","
                                + "\"bytes\":\(segment.bytes),\"path\":\(Self.quoted(segment.path))}"
                            : "\(name)@\(segment.firstOffset)\t\(segment.date)\t\(state)\t\(segment.bytes)\t\(segment.path)"
                        guard Program.put(line) else { return .done }
                    }
                }
                return .done
            }
        }

        static func quoted(_ text: String) -> String {
            var writer = ByteWriter()
            writer.append(jsonString: text)
            return String(decoding: writer.bytes, as: UTF8.self)
        }
    }

    struct CatCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "cat",
            abstract: "Write archived events as JSON lines.",
            discussion: """
                --from and --to mean the time an event was received, --occurred-from and --occurred-to the time it \
                happened. All are RFC 3339 with an offset; the end is not included. --where is an expression over \
                the event's fields (docs/expressions.md; enlace expr tries it): an event of which it cannot be \
                asked, as when a field is not there, is left out, and how many were is said at the end.

                Examples:
                  enlace archive cat /var/lib/enlace/archive --station nogales
                  enlace archive cat archive --from 2026-11-01T00:00:00Z --to 2026-11-02T00:00:00Z
                  enlace archive cat archive --where 'cross_border.level == "high" && category.startsWith("assault")'
                """
        )

        @Argument(help: "The archive's directory.") var directory: String
        @Option(help: "Only this station; may be given again.") var station: [StationName] = []
        @Option(help: "Received at or after.") var from: TimeArgument?
        @Option(help: "Received before.") var to: TimeArgument?
        @Option(help: "Occurred at or after.") var occurredFrom: TimeArgument?
        @Option(help: "Occurred before.") var occurredTo: TimeArgument?
        @Option(name: .customLong("where"), help: "Only events that meet this condition.") var condition: String?

        func run() async throws {
            try await Program.run("enlace archive cat") {
                let selection: EventSelection?
                do throws(ExpressionError) { selection = try condition.map(EventSelection.init) } catch {
                    Program.say("enlace archive cat: --where: \(error)")
                    return .badData
                }
                let reader = try ArchiveReader(directory: directory, crc: .hardware)
                let filter = ArchiveFilter(
                    received: TimeArgument.range(from, to),
                    occurred: TimeArgument.range(occurredFrom, occurredTo)
                )
                var writer = ByteWriter(capacity: 1 << 21)
                var hasDamage = false
                for name in try reader.stations() where station.isEmpty || station.contains(name) {
                    var next = try reader.oldestOffset(of: name)
                    while true {
                        writer.removeAll()
                        let slice = try reader.read(station: name, from: next, filter: filter, into: &writer)
                        for range in slice.damaged {
                            hasDamage = true
                            Program.say(
                                "enlace archive cat: \(name)@\(range.lowerBound)–\(range.upperBound - 1) is damaged"
                            )
                        }
                        guard slice.next > next else { break }
                        next = slice.next
                        let chosen = selection?.select(writer.bytes) ?? writer.bytes
                        guard Program.write(chosen) else { return .done }
                    }
                }
                if let words = selection?.words { Program.say("enlace archive cat: \(words)") }
                return hasDamage ? .badData : .done
            }
        }
    }

    struct VerifyCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Check every event, index, manifest and watermark.",
            discussion: "Exits with 65 when anything is damaged, and names what and where."
        )

        @Argument(help: "The archive's directory.") var directory: String
        @Flag(help: "One JSON object.") var json = false

        func run() async throws {
            try await Program.run("enlace archive verify") {
                let report = try ArchiveVerifier.verify(directory: directory, crc: .hardware)
                Program.put(json ? report.json : report.text)
                return report.isSound ? .done : .badData
            }
        }
    }
}

/// A time on the command line.
struct TimeArgument: ExpressibleByArgument {
    let timestamp: Timestamp

    init?(argument: String) {
        let bytes = Array(argument.utf8)
        let parsed = bytes.withUnsafeBytes { try? Timestamp.parse(Text($0)) }
        guard let parsed else { return nil }
        timestamp = parsed.timestamp
    }

    static func range(_ from: TimeArgument?, _ to: TimeArgument?) -> Range<Timestamp>? {
        guard from != nil || to != nil else { return nil }
        let lower = from?.timestamp ?? Timestamp(microseconds: .min)
        return lower..<max(lower, to?.timestamp ?? Timestamp(microseconds: .max))
    }
}
