import Settings
import Testing
import Wire

@Suite("Settings that are refused")
struct RefusalTests {
    @Test func `an unknown key is named with its file and line, and the key that was meant`() async throws {
        let file = ConfigurationFile("# ours\nrun_dir: /r\nworker: 3\n")
        let error = try #require(await refusal(file: file))
        #expect(error.source == file.path)
        #expect(error.line == 3)
        #expect(error.description == "\(file.path):3: unknown key \"worker\"; did you mean workers?")
    }

    @Test(
        arguments: [
            ("Run_Dir", "run_dir"), ("runs_dir", "run_dir"), ("segment_byte", "segment_bytes"),
            ("log_levle", "log_level"), ("station", "stations"),
        ]
    )
    func `a slip of the hand is recognised`(typed: String, meant: String) async {
        let error = await refusal(file: ConfigurationFile("\(typed): 1\n"))
        #expect(error?.reason == "unknown key \"\(typed)\"; did you mean \(meant)?")
    }

    @Test func `a key that resembles none gets no advice`() async {
        let error = await refusal(file: ConfigurationFile("colour: blue\n"))
        #expect(error?.reason == "unknown key \"colour\"")
    }

    @Test func `an unknown key is refused even where a flag makes the file needless`() async {
        let error = await refusal(flags: [.workers: "2"], file: ConfigurationFile("wrkers: 3\n"))
        #expect(error?.reason.contains("\"wrkers\"") == true)
    }

    /// The ranges of the numbers.
    static let ranges: [(key: SettingsKey, lowest: Int, highest: Int)] = [
        (.workers, 1, 64),
        (.outbox_cap_bytes, 1 << 20, 1 << 42),
        (.filesystem_reserve_percent, 0, 90),
        (.segment_bytes, 4_096, 1 << 36),
        (.segment_age_seconds, 1, 31_536_000),
        (.sink_hold_bytes, Limits.producerWindowBytes * Limits.enrichedGrowth, 1 << 34),
    ]

    @Test(arguments: ranges.indices)
    func `a number out of range names the flag, the variable or the file that it comes from`(index: Int) async {
        let (key, lowest, highest) = Self.ranges[index]
        for number in [lowest - 1, highest + 1] {
            let words = "\"\(number)\" must be a whole number from \(lowest) to \(highest)"
            let flag = "--" + key.rawValue.split(separator: "_").joined(separator: "-")
            #expect(await refusal(flags: [key: "\(number)"])?.description == "\(flag): \(words)")
            let variable = "ENLACE_" + key.rawValue.uppercased()
            #expect(await refusal(variables: [variable: "\(number)"])?.description == "\(variable): \(words)")
            let file = ConfigurationFile("\(key.rawValue): \(number)\n")
            #expect(await refusal(file: file)?.description == "\(file.path): \(key.rawValue): \(words)")
        }
    }

    @Test(arguments: ranges.indices)
    func `the ends of a range belong to it`(index: Int) async throws {
        let (key, lowest, highest) = Self.ranges[index]
        for number in [lowest, highest] {
            #expect(try await load(flags: [key: "\(number)"]).text(key) == "\(number)")
            let file = ConfigurationFile("\(key.rawValue): \(number)\n")
            #expect(try await load(file: file).text(key) == "\(number)")
        }
    }

    @Test(arguments: ["many", "2.5", "", " 2", "0x2", "99999999999999999999"])
    func `a flag that is no whole number is shown as it was written`(text: String) async {
        let error = await refusal(flags: [.workers: text])
        #expect(error?.description == "--workers: \"\(text)\" must be a whole number from 1 to 64")
    }

    @Test(arguments: ["many", "2.5", "true", "99999999999999999999"])
    func `an entry of the file that is no whole number is shown as it was written`(text: String) async {
        let file = ConfigurationFile("workers: \(text)\n")
        let error = await refusal(file: file)
        #expect(error?.description == "\(file.path): workers: \"\(text)\" must be a whole number from 1 to 64")
    }

    @Test func `a wrong value that a better source overrides does no harm`() async throws {
        let file = ConfigurationFile("workers: 0\nlog_level: loud\n")
        let settings = try await load(flags: [.workers: "2"], variables: ["ENLACE_LOG_LEVEL": "error"], file: file)
        #expect(settings.workers == 2)
        #expect(settings.logLevel == "error")
    }

    @Test func `an unknown level or format names its source and the words that are known`() async {
        #expect(
            await refusal(flags: [.log_level: "loud"])?.description
                == "--log-level: must be one of trace, debug, info, notice, warning, error, critical"
        )
        #expect(
            await refusal(variables: ["ENLACE_LOG_FORMAT": "xml"])?.description
                == "ENLACE_LOG_FORMAT: must be text or json"
        )
        let file = ConfigurationFile("log_format: XML\n")
        #expect(await refusal(file: file)?.description == "\(file.path): log_format: must be text or json")
    }

    @Test func `a station that is no name is shown`() async {
        let file = ConfigurationFile("stations: [nogales, Nogales]\n")
        #expect(
            await refusal(file: file)?.description
                == "\(file.path): stations: \"Nogales\" is not a station name such as nogales"
        )
        let variable = await refusal(variables: ["ENLACE_STATIONS": "nogales,a/b"])
        #expect(variable?.source == "ENLACE_STATIONS")
        #expect(variable?.reason.contains("\"a/b\"") == true)
    }

    @Test func `a file that was named and is not there is named`() async {
        let error = await #expect(throws: SettingsError.self) {
            try await EnlaceSettings.load(
                flags: [:],
                configPath: "/nowhere/enlace.yaml",
                environment: [:],
                defaults: (run: "/r", state: "/s"),
                exists: { _ in true }
            )
        }
        #expect(error?.source == "/nowhere/enlace.yaml")
        #expect(error?.reason.hasPrefix("cannot be read: ") == true)
    }

    @Test(arguments: ["run_dir: [", "run_dir: 'x\n", "a: b: c\n", "- run_dir\n", "just words\n"])
    func `a file that is not a list of entries is named`(text: String) async {
        let file = ConfigurationFile(text)
        let error = await refusal(file: file)
        #expect(error?.source == file.path)
    }

    @Test func `an error is told as source, line and reason`() {
        #expect(SettingsError(source: "a.yaml", line: 4, reason: "no").description == "a.yaml:4: no")
        #expect(SettingsError(source: "ENLACE_X", reason: "no").description == "ENLACE_X: no")
    }

    @Test(arguments: ["workers: [1]\n", "log_level: {a: b}\n", "stations: {a: b}\n", "run_dir: [a]\n"])
    func `a list or a map where one value belongs is refused`(text: String) async {
        let error = await refusal(file: ConfigurationFile("# ours\n" + text))
        #expect(error?.line == 2)
        #expect(error?.reason.contains("one value") == true)
    }

    @Test(arguments: ["", "# nothing\n", "---\n"])
    func `a file that says nothing is no error`(text: String) async {
        #expect(await refusal(file: ConfigurationFile(text)) == nil)
    }

    @Test func `an empty variable names no file, a key without a value says nothing`() async throws {
        #expect(try await load(variables: ["ENLACE_CONFIG": ""]).workers == 1)
        let settings = try await load(file: ConfigurationFile("seeds:\nrun_dir:\n"))
        #expect(settings.seeds == nil)
        #expect(settings.runDirectory == "/default/run")
    }

    @Test func `a station's name with a space in it is refused, spaces around it are not`() async throws {
        #expect(await refusal(file: ConfigurationFile("stations: [no gales]\n")) != nil)
        #expect(try await load(file: ConfigurationFile("stations: \"nogales, douglas\"\n")).stations.count == 2)
    }

    @Test func `a file longer than anybody writes is refused`() async {
        let long = String(repeating: "# comment\n", count: 120_000) + "wrkers: 2\n"
        #expect(await refusal(file: ConfigurationFile(long)) != nil)
    }
}
