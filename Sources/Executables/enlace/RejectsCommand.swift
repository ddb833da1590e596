import ArgumentParser
import Bytes
import Daemon
import EventJSON
import Platform
import Settings

struct RejectsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rejects",
        abstract: "Look at what was refused.",
        subcommands: [ListCommand.self]
    )

    struct ListCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls",
            abstract: "List refused events with their reasons.",
            discussion: """
                Example:
                  enlace rejects ls --station nogales
                """
        )

        @OptionGroup var common: CommonOptions
        @Option(help: "Only this station; may be given again.") var station: [StationName] = []
        @Flag(help: "The records as JSON lines.") var json = false

        func run() async throws {
            try await Program.run("enlace rejects ls") {
                let (settings, _) = try await Program.prepare("enlace", common)
                let root = settings.stateDirectory + "/rejects"
                guard Files.isDirectory(root) else { return .done }
                for folder in try Files.list(root) where folder.hasPrefix("station=") {
                    let name = StationName(folder.dropFirst("station=".count))
                    guard let name, station.isEmpty || station.contains(name) else { continue }
                    for file in try Files.list("\(root)/\(folder)") where file.hasSuffix(".jsonl") {
                        guard try list("\(root)/\(folder)/\(file)") else { return .done }
                    }
                }
                return .done
            }
        }

        /// False when nobody reads on.
        private func list(_ path: String) throws -> Bool {
            let reader = try LineReader(path)
            while let line = try reader.next() {
                if json {
                    guard Program.put(String(decoding: line, as: UTF8.self)) else { return false }
                    continue
                }
                guard let record = try? JSONValue.parse(line) else { continue }
                let field = record["field"]?.string.map { "\($0): " } ?? ""
                let text =
                    "\(record["at"]?.string ?? "?")  \(record["station"]?.string ?? "?")  "
                    + "\(record["source"]?.string ?? "?"):\(record["line"]?.unsigned ?? 0)  "
                    + field + (record["reason"]?.string ?? "?")
                guard Program.put(text) else { return false }
            }
            return true
        }
    }
}
