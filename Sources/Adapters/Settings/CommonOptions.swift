import ArgumentParser

/// The options that every program takes.
public struct CommonOptions: ParsableArguments, Sendable {
    /// Directory of the ipc endpoints.
    @Option(name: .customLong("run-dir"), help: "Directory of the ipc endpoints.")
    public var runDirectory: String?

    /// Directory of outbox, archive and rejects.
    @Option(name: .customLong("state-dir"), help: "Directory of outbox, archive and rejects.")
    public var stateDirectory: String?

    /// A configuration file.
    @Option(name: .customLong("config"), help: "Configuration file (YAML).")
    public var config: String?

    /// The least important messages that are written.
    @Option(name: .customLong("log-level"), help: "trace, debug, info, notice, warning, error or critical.")
    public var logLevel: String?

    /// How messages are written.
    @Option(name: .customLong("log-format"), help: "text or json.")
    public var logFormat: String?

    /// Where reference data and rules are.
    @Option(name: .customLong("seeds"), help: "Directory with reference data and rules.")
    public var seeds: String?

    /// For ArgumentParser.
    public init() {}

    /// The flags as settings.
    public var flags: [SettingsKey: String] {
        var flags: [SettingsKey: String] = [:]
        flags[.run_dir] = runDirectory
        flags[.state_dir] = stateDirectory
        flags[.log_level] = logLevel
        flags[.log_format] = logFormat
        flags[.seeds] = seeds
        return flags
    }
}
