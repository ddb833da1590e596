/// Every key of `enlace.yaml`; each is an environment variable too, in capitals with `ENLACE_` in front.
public enum SettingsKey: String, CaseIterable, Sendable {
    /// Directory of the ipc endpoints.
    case run_dir
    /// Directory of outbox, archive and rejects.
    case state_dir
    /// The archive, when it is not in the state directory.
    case archive_dir
    /// Directory with reference data and rules.
    case seeds
    /// trace, debug, info, notice, warning, error or critical.
    case log_level
    /// text or json.
    case log_format
    /// The stations that `enlace up` serves.
    case stations
    /// Workers a station.
    case workers
    /// The most bytes of an outbox.
    case outbox_cap_bytes
    /// The share of a filesystem below which a producer refuses events.
    case filesystem_reserve_percent
    /// A segment closes at this size.
    case segment_bytes
    /// A segment closes at this age.
    case segment_age_seconds
    /// What the sink holds of batches that are not committed.
    case sink_hold_bytes

    /// The name of the environment variable.
    public var variable: String { "ENLACE_" + rawValue.uppercased() }

    /// The known key that is nearest to a mistyped one, if any is near.
    static func nearest(to name: String) -> SettingsKey? {
        let candidates = allCases.map { ($0, distance(Array(name.lowercased().utf8), Array($0.rawValue.utf8))) }
        guard let best = candidates.min(by: { $0.1 < $1.1 }), best.1 <= max(2, name.utf8.count / 3) else { return nil }
        return best.0
    }

    /// How many insertions, deletions and replacements lie between two words (Levenshtein).
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (index, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let cost = min(diagonal + (byte == right[column] ? 0 : 1), row[column] + 1, row[column + 1] + 1)
                diagonal = row[column + 1]
                row[column + 1] = cost
            }
        }
        return row[right.count]
    }
}
