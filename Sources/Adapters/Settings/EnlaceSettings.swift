import Bytes
import Configuration
import SystemPackage
import Wire
import Yams

/// What a program is told to do, from all sources: flags, then `ENLACE_*` variables, then `enlace.yaml`, then defaults.
public struct EnlaceSettings: Hashable, Sendable {
    /// How log lines are written.
    public enum LogFormat: String, CaseIterable, Sendable { case text, json }

    /// Directory of the ipc endpoints.
    public var runDirectory: String
    /// Directory of outbox, archive and rejects.
    public var stateDirectory: String
    /// The archive.
    public var archiveDirectory: String
    /// Directory with reference data and rules, when one is named.
    public var seeds: String?
    /// A level of swift-log.
    public var logLevel: String
    /// How log lines are written.
    public var logFormat: LogFormat
    /// The stations that `enlace up` serves; empty for all that the reference data has.
    public var stations: [StationName]
    /// Workers a station.
    public var workers: Int
    /// The most bytes of an outbox.
    public var outboxBytes: Int
    /// The share of a filesystem, in percent, below which a producer refuses events.
    public var filesystemReservePercent: Int
    /// A segment closes at this size.
    public var segmentBytes: Int
    /// A segment closes at this age.
    public var segmentSeconds: Int
    /// What the sink holds of batches that are not committed, in bytes.
    public var sinkHoldBytes: Int
    /// The file that was read, if any.
    public var configPath: String?

    /// Reads all sources.
    ///
    /// - Parameters:
    ///   - flags: What the command line says.
    ///   - configPath: `--config`; else `ENLACE_CONFIG`, else the first of `configCandidates` that is there.
    ///   - environment: The process's variables.
    ///   - defaults: Run and state directory when nobody says.
    public static func load(
        flags: [SettingsKey: String],
        configPath: String?,
        environment: [String: String],
        defaults: (run: String, state: String),
        exists: (String) -> Bool
    ) async throws(SettingsError) -> EnlaceSettings {
        let named = configPath ?? environment["ENLACE_CONFIG"].flatMap(Self.filled)
        let path = named ?? candidates(environment).first(where: exists)
        let text = if let path { try await readFile(path) } else { [String: String]() }
        let origin = path ?? "enlace.yaml"
        func value(_ key: SettingsKey) -> (text: String, source: String)? {
            if let flag = flags[key] { return (flag, "--" + key.rawValue.replacing("_", with: "-")) }
            if let variable = environment[key.variable], !variable.isEmpty { return (variable, key.variable) }
            if let entry = text[key.rawValue] { return (entry, "\(origin): \(key.rawValue)") }
            return nil
        }
        func number(_ key: SettingsKey, _ range: ClosedRange<Int>, _ standard: Int) throws(SettingsError) -> Int {
            guard let (text, source) = value(key) else { return standard }
            guard let number = Int(text), range.contains(number) else {
                throw SettingsError(
                    source: source,
                    reason: "\"\(text)\" must be a whole number from \(range.lowerBound) to \(range.upperBound)"
                )
            }
            return number
        }
        let state = value(.state_dir)?.text ?? defaults.state
        let level = value(.log_level) ?? ("info", "")
        guard levels.contains(level.text) else {
            throw SettingsError(source: level.source, reason: "must be one of \(levels.joined(separator: ", "))")
        }
        let format = value(.log_format) ?? ("text", "")
        guard let logFormat = LogFormat(rawValue: format.text) else {
            throw SettingsError(source: format.source, reason: "must be text or json")
        }
        var stations: [StationName] = []
        if let (list, source) = value(.stations) {
            for part in list.split(separator: ",") {
                let slug = part.drop { $0 == " " }
                guard let name = StationName(slug.prefix { $0 != " " }), slug.allSatisfy({ $0 != " " }) else {
                    throw SettingsError(source: source, reason: "\"\(part)\" is not a station name such as nogales")
                }
                stations.append(name)
            }
        }
        return EnlaceSettings(
            runDirectory: value(.run_dir)?.text ?? defaults.run,
            stateDirectory: state,
            archiveDirectory: value(.archive_dir)?.text ?? state + "/archive",
            seeds: value(.seeds)?.text,
            logLevel: level.text,
            logFormat: logFormat,
            stations: stations,
            workers: try number(.workers, 1...64, 1),
            outboxBytes: try number(.outbox_cap_bytes, 1 << 20...1 << 42, Limits.outboxBytes),
            filesystemReservePercent: try number(
                .filesystem_reserve_percent,
                0...90,
                Limits.filesystemReservePercent
            ),
            segmentBytes: try number(.segment_bytes, 1 << 12...1 << 36, Limits.segmentBytes),
            segmentSeconds: try number(.segment_age_seconds, 1...31_536_000, Limits.segmentSeconds),
            sinkHoldBytes: try number(
                .sink_hold_bytes,
                Limits.producerWindowBytes * Limits.enrichedGrowth...1 << 34,
                Limits.sinkHoldBytes
            ),
            configPath: path
        )
    }

    private static func filled(_ text: String) -> String? { text.isEmpty ? nil : text }

    private static let levels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]

    private static func candidates(_ environment: [String: String]) -> [String] {
        var paths: [String] = []
        if let home = environment["XDG_CONFIG_HOME"], home.hasPrefix("/") { paths.append(home + "/enlace/enlace.yaml") }
        if let home = environment["HOME"], home.hasPrefix("/") { paths.append(home + "/.config/enlace/enlace.yaml") }
        return paths + ["/etc/enlace/enlace.yaml"]
    }

    /// The entries of a file as text; a list becomes its entries with commas between them.
    private static func readFile(_ path: String) async throws(SettingsError) -> [String: String] {
        guard try await checkKeys(path) else { return [:] }
        let reader: ConfigReader
        do {
            reader = ConfigReader(provider: try await FileProvider<YAMLSnapshot>(filePath: FilePath(path)))
        } catch { throw SettingsError(source: path, reason: "cannot be read: \(error)") }
        var entries: [String: String] = [:]
        for key in SettingsKey.allCases {
            let name = ConfigKey([key.rawValue])
            if key == .stations, let list = reader.stringArray(forKey: name) {
                entries[key.rawValue] = list.joined(separator: ",")
            } else if let text = reader.string(forKey: name) {
                // A key without a value says nothing.
                if text.isEmpty { continue }
                entries[key.rawValue] = text
            } else if let number = reader.int(forKey: name) {
                entries[key.rawValue] = String(number)
            }
        }
        return entries
    }

    /// Refuses a key that nobody reads: it is mistyped, and silence about it would cost somebody an evening. False when
    /// the file says nothing.
    private static func checkKeys(_ path: String) async throws(SettingsError) -> Bool {
        let text: String
        do {
            let descriptor = try FileDescriptor.open(FilePath(path), .readOnly)
            defer { try? descriptor.close() }
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            var count = 0
            while count < bytes.count {
                let more = try bytes.withUnsafeMutableBytes {
                    try descriptor.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[count...]))
                }
                if more == 0 { break }
                count += more
            }
            guard count < bytes.count else { throw SettingsError(source: path, reason: "is longer than 1 MiB") }
            text = String(decoding: bytes.prefix(count), as: UTF8.self)
        } catch let error as SettingsError { throw error } catch {
            throw SettingsError(source: path, reason: "cannot be read: \(error)")
        }
        let root: Node?
        do { root = try Yams.compose(yaml: text) } catch {
            throw SettingsError(source: path, reason: "is not YAML: \(error)")
        }
        guard let root, root.null == nil else { return false }
        guard let mapping = root.mapping else {
            throw SettingsError(source: path, reason: "must be a list of \"key: value\" lines")
        }
        for (key, value) in mapping {
            let name = key.string ?? "?"
            guard let known = SettingsKey(rawValue: name) else {
                let hint = SettingsKey.nearest(to: name).map { "; did you mean \($0.rawValue)?" } ?? ""
                throw SettingsError(source: path, line: key.mark?.line, reason: "unknown key \"\(name)\"\(hint)")
            }
            let isList = known == .stations && value.sequence?.allSatisfy { $0.scalar != nil } == true
            guard value.scalar != nil || isList else {
                throw SettingsError(source: path, line: key.mark?.line, reason: "\(name) must be one value")
            }
        }
        return true
    }
}
