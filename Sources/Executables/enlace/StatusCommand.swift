import ArgumentParser
import Bytes
import Daemon
import EventJSON
import Glibc
import Platform
import Settings

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the running processes, what they do and what they wait for.",
        discussion: "Exits with 1 when a process is gone or has not reported for five seconds."
    )

    @OptionGroup var common: CommonOptions
    @Flag(help: "One JSON object.") var json = false

    func run() async throws {
        try await Program.run("enlace status") {
            let (settings, _) = try await Program.prepare("enlace", common)
            let run = RunDirectory(path: settings.runDirectory)
            var entries: [(text: String, value: JSONValue, isStale: Bool)] = []
            let names = Files.isDirectory(run.statusPath) ? try Files.list(run.statusPath) : []
            for name in names where name.hasSuffix(".json") {
                guard let bytes = try? Files.read("\(run.statusPath)/\(name)"), let value = try? JSONValue.parse(bytes)
                else { continue }
                let text = String(decoding: bytes, as: UTF8.self).filter { $0 != "\n" }
                entries.append((text, value, Self.isStale(value)))
            }
            if json {
                let list = entries.map { $0.text.dropLast() + ",\"stale\":\($0.isStale)}" }.joined(separator: ",")
                Program.put("{\"run_dir\":\(ArchiveCommand.ListCommand.quoted(run.path)),\"processes\":[\(list)]}")
            } else if entries.isEmpty {
                Program.put("nothing runs in \(run.path)")
            } else {
                for entry in entries { Program.put(Self.line(entry.value, entry.isStale)) }
            }
            return entries.contains { $0.isStale } ? .failed : .done
        }
    }

    private static func isStale(_ value: JSONValue) -> Bool {
        guard let identifier = value["pid"]?.integer,
            kill(pid_t(truncatingIfNeeded: identifier), 0) == 0 || errno == EPERM,
            let text = value["updated_at"]?.string
        else { return true }
        let bytes = Array(text.utf8)
        let time = bytes.withUnsafeBytes { try? Timestamp.parse(Text($0)) }
        guard let time else { return true }
        return Clock.now().microseconds - time.timestamp.microseconds > 5_000_000
    }

    private static func line(_ value: JSONValue, _ isStale: Bool) -> String {
        let health = isStale ? "gone" : value["health"]?.string ?? "?"
        var text = "\(value["process"]?.string ?? "?")\t\(health)"
        if let reason = value["reason"]?.string, !reason.isEmpty { text += "\twaits for \(reason)" }
        if case .object(let counters)? = value["counters"] {
            let told = counters.filter { $0.value.integer != 0 }.prefix(6)
            text += "\t" + told.map { "\($0.name)=\($0.value.integer ?? 0)" }.joined(separator: " ")
        }
        return text
    }
}
