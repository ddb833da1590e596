import ArgumentParser
import Bytes
import Settings
import Testing
import Wire

@Suite("Where settings come from")
struct PrecedenceTests {
    /// A key's default and three other values.
    struct Case: Sendable, CustomTestStringConvertible {
        let key: SettingsKey
        let standard: String
        let file: String
        let variable: String
        let flag: String

        init(_ key: SettingsKey, _ standard: String, _ file: String, _ variable: String, _ flag: String) {
            self.key = key
            self.standard = standard
            self.file = file
            self.variable = variable
            self.flag = flag
        }

        var testDescription: String { key.rawValue }
    }

    static let cases = [
        Case(.run_dir, "/default/run", "/f/run", "/v/run", "/c/run"),
        Case(.state_dir, "/default/state", "/f/state", "/v/state", "/c/state"),
        Case(.archive_dir, "/default/state/archive", "/f/archive", "/v/archive", "/c/archive"),
        Case(.seeds, "none", "/f/seeds", "/v/seeds", "/c/seeds"),
        Case(.log_level, "info", "debug", "warning", "error"),
        Case(.log_format, "text", "json", "text", "json"),
        Case(.stations, "", "nogales", "douglas,naco", "lukeville"),
        Case(.workers, "1", "2", "3", "4"),
        Case(.outbox_cap_bytes, "\(Limits.outboxBytes)", "2000000", "3000000", "4000000"),
        Case(.filesystem_reserve_percent, "\(Limits.filesystemReservePercent)", "11", "12", "13"),
        Case(.segment_bytes, "\(Limits.segmentBytes)", "5000", "6000", "7000"),
        Case(.segment_age_seconds, "\(Limits.segmentSeconds)", "21", "22", "23"),
        Case(.sink_hold_bytes, "\(Limits.sinkHoldBytes)", "40000000", "50000000", "60000000"),
    ]

    @Test func `every key is tried`() {
        #expect(Set(Self.cases.map(\.key)) == Set(SettingsKey.allCases))
    }

    @Test(arguments: cases)
    func `a flag goes before a variable, that before the file, that before the default`(one: Case) async throws {
        let key = one.key
        let file = ConfigurationFile("\(key.rawValue): \(one.file)\n")
        let variables = ["ENLACE_" + key.rawValue.uppercased(): one.variable]
        #expect(try await load().text(key) == one.standard)
        #expect(try await load(file: file).text(key) == one.file)
        #expect(try await load(variables: variables, file: file).text(key) == one.variable)
        #expect(try await load(variables: variables).text(key) == one.variable)
        #expect(try await load(flags: [key: one.flag], variables: variables, file: file).text(key) == one.flag)
        #expect(try await load(flags: [key: one.flag]).text(key) == one.flag)
    }

    @Test func `the sources are mixed key by key`() async throws {
        let file = ConfigurationFile("workers: 8\nlog_level: debug\nrun_dir: /f/run\n")
        let settings = try await load(
            flags: [.run_dir: "/c/run"],
            variables: ["ENLACE_LOG_LEVEL": "error", "WORKERS": "9", "enlace_workers": "10"],
            file: file
        )
        #expect(settings.workers == 8)
        #expect(settings.logLevel == "error")
        #expect(settings.runDirectory == "/c/run")
        #expect(settings.configPath == file.path)
    }

    @Test func `an empty variable says nothing`() async throws {
        let file = ConfigurationFile("workers: 8\n")
        #expect(try await load(variables: ["ENLACE_WORKERS": ""], file: file).workers == 8)
        #expect(try await load(variables: ["ENLACE_RUN_DIR": ""]).runDirectory == "/default/run")
    }

    @Test func `the archive lies in the state directory, whoever named that`() async throws {
        #expect(try await load(flags: [.state_dir: "/c"]).archiveDirectory == "/c/archive")
        #expect(try await load(variables: ["ENLACE_STATE_DIR": "/v"]).archiveDirectory == "/v/archive")
        let file = ConfigurationFile("archive_dir: /big\n")
        #expect(try await load(flags: [.state_dir: "/c"], file: file).archiveDirectory == "/big")
    }

    @Test(arguments: ["[nogales, douglas]", "\"nogales, douglas\"", "nogales,douglas", "\n  - nogales\n  - douglas"])
    func `stations are a list, or words with commas`(text: String) async throws {
        let stations = try await load(file: ConfigurationFile("stations: \(text)\n")).stations
        #expect(stations.map(\.description) == ["nogales", "douglas"])
    }

    @Test func `the file is the one of --config, then of ENLACE_CONFIG, then the first that is there`() async throws {
        let named = ConfigurationFile("workers: 2\n")
        let variable = ConfigurationFile("workers: 3\n")
        func settings(
            _ path: String?,
            _ environment: [String: String],
            _ present: Set<String>
        ) async throws -> EnlaceSettings {
            try await EnlaceSettings.load(
                flags: [:],
                configPath: path,
                environment: environment,
                defaults: (run: "/r", state: "/s"),
                exists: { present.contains($0) }
            )
        }
        let environment = ["ENLACE_CONFIG": variable.path]
        #expect(try await settings(named.path, environment, []).workers == 2)
        #expect(try await settings(nil, environment, []).workers == 3)
        #expect(try await settings(nil, [:], []).configPath == nil)
        #expect(try await settings(nil, [:], []).workers == 1)
    }

    @Test(
        arguments: [
            (["XDG_CONFIG_HOME": "/x", "HOME": "/h"], ["/x/enlace/enlace.yaml", "/h/.config/enlace/enlace.yaml"]),
            (["HOME": "/h"], ["/h/.config/enlace/enlace.yaml"]),
            (["XDG_CONFIG_HOME": "x", "HOME": ""], []),
        ] as [([String: String], [String])]
    )
    func `without a name it looks at XDG's directory, the home and the system's`(
        environment: [String: String],
        own: [String]
    ) async throws {
        var asked: [String] = []
        let settings = try await EnlaceSettings.load(
            flags: [:],
            configPath: nil,
            environment: environment,
            defaults: (run: "/r", state: "/s"),
            exists: { path in
                asked.append(path)
                return false
            }
        )
        #expect(asked == own + ["/etc/enlace/enlace.yaml"])
        #expect(settings.configPath == nil)
    }

    @Test func `the first file that is there is read, and no other`() async throws {
        let home = ConfigurationFile("workers: 4\n", below: ".config/enlace")
        let other = ConfigurationFile("workers: 5\n", below: "enlace")
        func workers(_ environment: [String: String], _ present: [ConfigurationFile]) async throws -> Int {
            try await EnlaceSettings.load(
                flags: [:],
                configPath: nil,
                environment: environment,
                defaults: (run: "/r", state: "/s"),
                exists: { path in present.contains { $0.path == path } }
            ).workers
        }
        let environment = ["XDG_CONFIG_HOME": other.directory, "HOME": home.directory]
        #expect(try await workers(environment, [home, other]) == 5)
        #expect(try await workers(environment, [home]) == 4)
        #expect(try await workers(environment, []) == 1)
    }

    @Test func `the flags of the command line become settings, and only those that are given`() throws {
        let all = try CommonOptions.parse([
            "--run-dir", "/r", "--state-dir", "/s", "--log-level", "debug", "--log-format", "json", "--seeds", "/d",
            "--config", "/c.yaml",
        ])
        #expect(
            all.flags
                == [.run_dir: "/r", .state_dir: "/s", .log_level: "debug", .log_format: "json", .seeds: "/d"]
        )
        #expect(all.config == "/c.yaml")
        #expect(try CommonOptions.parse([]).flags == [:])
        #expect(try CommonOptions.parse(["--seeds", "/d"]).flags == [.seeds: "/d"])
    }

    @Test func `a station on the command line is a valid name or none`() {
        #expect(StationName(argument: "nogales")?.description == "nogales")
        #expect(StationName(argument: "Nogales") == nil)
        #expect(StationName(argument: "") == nil)
    }
}
