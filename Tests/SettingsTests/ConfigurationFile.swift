import Bytes
import Foundation
import Settings

/// A configuration file of a test's own, removed with its directory when the last owner lets go of it.
final class ConfigurationFile: Sendable {
    let directory: String
    let path: String

    init(_ text: String, below folder: String = ".") {
        directory = "/tmp/enlace-settings-\(UUID().uuidString.prefix(8))"
        path = (folder == "." ? directory : directory + "/" + folder) + "/enlace.yaml"
        do {
            try FileManager.default.createDirectory(atPath: directory + "/" + folder, withIntermediateDirectories: true)
            try text.write(toFile: path, atomically: false, encoding: .utf8)
        } catch {
            fatalError("no temporary file: \(error)")
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }
}

/// Loads from the sources given and nothing else.
func load(
    flags: [SettingsKey: String] = [:],
    variables: [String: String] = [:],
    file: ConfigurationFile? = nil
) async throws(SettingsError) -> EnlaceSettings {
    try await EnlaceSettings.load(
        flags: flags,
        configPath: file?.path,
        environment: variables,
        defaults: (run: "/default/run", state: "/default/state"),
        exists: { _ in false }
    )
}

/// What loading from the sources given is refused with; nil when it is not.
func refusal(
    flags: [SettingsKey: String] = [:],
    variables: [String: String] = [:],
    file: ConfigurationFile? = nil
) async -> SettingsError? {
    do throws(SettingsError) {
        _ = try await load(flags: flags, variables: variables, file: file)
        return nil
    } catch { return error }
}

extension EnlaceSettings {
    /// The setting of a key as text, for comparing.
    func text(_ key: SettingsKey) -> String {
        switch key {
        case .run_dir: runDirectory
        case .state_dir: stateDirectory
        case .archive_dir: archiveDirectory
        case .seeds: seeds ?? "none"
        case .log_level: logLevel
        case .log_format: logFormat.rawValue
        case .stations: stations.map(\.description).joined(separator: ",")
        case .workers: String(workers)
        case .outbox_cap_bytes: String(outboxBytes)
        case .filesystem_reserve_percent: String(filesystemReservePercent)
        case .segment_bytes: String(segmentBytes)
        case .segment_age_seconds: String(segmentSeconds)
        case .sink_hold_bytes: String(sinkHoldBytes)
        }
    }
}
