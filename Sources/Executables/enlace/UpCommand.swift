import ArgumentParser
import AuditStage
import Bytes
import Daemon
import Glibc
import Incident
import Logging
import Platform
import ReferenceData
import Settings
import Supervisor
import UnixSignals

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Run everything on this machine: the sink, and a producer and enrichers for each station.",
        discussion: """
            Processes that die are started again. Ctrl-C stops cleanly; a second Ctrl-C hurries.

            Examples:
              enlace up
              enlace up --station nogales --station douglas --workers 2
            """
    )

    @OptionGroup var common: CommonOptions
    @Option(help: "Only this station; may be given again (default: all of the reference data).")
    var station: [StationName] = []
    @Option(help: "Enricher processes a station.") var workers: Int?

    func run() async throws {
        try await Program.run("enlace up") {
            var flags: [SettingsKey: String] = [:]
            flags[.workers] = workers.map(String.init)
            let (settings, log) = try await Program.prepare("enlace-up", common, flags: flags)
            let directory = RunDirectory(path: settings.runDirectory)
            let seeds = try ReferenceBundle.locate(
                explicit: settings.seeds,
                environment: Program.environment,
                executablePath: Program.executablePath
            )
            let bundle = try ReferenceBundle.load(directory: seeds)
            let stations = try chosen(settings, bundle)
            // The longest endpoint decides whether the directory can be used at all.
            for name in stations {
                _ = try directory.endpoint(.producerGateways(name, "main"))
            }
            try directory.create()
            let lock = try FileLock(path: directory.path + "/up.lock", purpose: "the run directory")
            let children = Self.children(stations, settings, seeds: seeds)
            signal(SIGPIPE, SIG_IGN)
            let stop = StopCounter()
            let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
            let interrupted = StopCounter()
            let listening = Task {
                for await signal in signals {
                    if signal == .sigint { interrupted.ask() }
                    stop.ask()
                }
            }
            defer { listening.cancel() }
            let audit = try BackgroundAudit(
                stateDirectory: settings.stateDirectory,
                archiveDirectory: settings.archiveDirectory,
                log: log
            )
            // Everything runs without it just as well.
            do { try audit.start() } catch { log.warning("there is no background audit: \(error)") }
            defer { audit.end() }
            let names = stations.map(\.description).joined(separator: ", ")
            let code = try await Daemon.onThread("supervisor") {
                SupervisorLoop(
                    children: children,
                    directory: directory,
                    stop: stop,
                    log: log,
                    counters: { audit.counters }
                ) {
                    log.notice(
                        "ready",
                        metadata: [
                            "stations": "\(names)", "run_dir": "\(directory.path)",
                            "archive": "\(settings.archiveDirectory)",
                        ]
                    )
                }.run()
            }
            _ = consume lock
            if code != 0 { return .failed }
            return interrupted.asked > 0 ? .interrupted : .done
        }
    }

    private func chosen(_ settings: EnlaceSettings, _ bundle: ReferenceBundle) throws -> [StationName] {
        let known = bundle.taxonomy.stations.map(\.name)
        let wanted = !station.isEmpty ? station : !settings.stations.isEmpty ? settings.stations : known
        for name in wanted where !known.contains(name) {
            throw SettingsError(
                source: "--station \(name)",
                reason:
                    "is not a station of the reference data; known: \(known.map(\.description).joined(separator: ", "))"
            )
        }
        return wanted
    }

    static func children(_ stations: [StationName], _ settings: EnlaceSettings, seeds: String) -> [Child] {
        let executable = Program.executablePath
        let folder = Files.parent(of: executable)
        var common = [
            "--supervised", "--run-dir", settings.runDirectory, "--state-dir", settings.stateDirectory, "--seeds",
            seeds,
            "--log-level", settings.logLevel, "--log-format", settings.logFormat.rawValue,
        ]
        if let config = settings.configPath { common += ["--config", config] }
        var children = [
            Child(
                name: "sink",
                kind: .sink,
                program: folder + "/enlace-sink",
                arguments: common + ["--archive", settings.archiveDirectory]
            )
        ]
        for station in stations {
            children.append(
                Child(
                    name: "producer.\(station)",
                    kind: .producer,
                    station: "\(station)",
                    program: folder + "/enlace-producer",
                    arguments: common + ["--station", "\(station)"]
                )
            )
            for number in 1...settings.workers {
                children.append(
                    Child(
                        name: "enricher.\(station).\(number)",
                        kind: .enricher,
                        station: "\(station)",
                        program: folder + "/enlace-enricher",
                        arguments: common + ["--station", "\(station)", "--workers", "1"]
                    )
                )
            }
        }
        return children
    }
}
