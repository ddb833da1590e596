import Border
import Bytes
import Incident

/// Who may see what, until keys and views exist: closed by default.
public struct ReleasePolicy: Hashable, Sendable {
    /// All audiences, in the order of the data.
    public var audiences: [String]
    /// Those that see everything.
    public var open: [String]
    /// The marking of an event that brings none.
    public var defaultTLP: TLP
    /// How long an event is kept after it happened, in days.
    public var retain_days: Int
    /// How long a migration-only event is kept, in days.
    public var migrationRetain_days: Int

    /// Makes a policy.
    public init(
        audiences: [String],
        open: [String],
        defaultTLP: TLP,
        retain_days: Int,
        migrationRetain_days: Int
    ) {
        self.audiences = audiences
        self.open = open
        self.defaultTLP = defaultTLP
        self.retain_days = retain_days
        self.migrationRetain_days = migrationRetain_days
    }

    /// The `audiences` and `withheld` members of `release`.
    func members(isMigrationOnly: Bool) -> [UInt8] {
        var writer = ByteWriter(capacity: 512)
        writer.append("\"audiences\":[")
        for (index, audience) in open.enumerated() {
            if index > 0 { writer.append(",") }
            writer.append(jsonString: audience)
        }
        writer.append("],\"withheld\":[")
        for (index, audience) in audiences.filter({ !open.contains($0) }).enumerated() {
            if index > 0 { writer.append(",") }
            let isEnforcement = audience.hasPrefix("enforcement.")
            writer.append("{\"audience\":")
            writer.append(jsonString: audience)
            writer.append(",\"rule\":")
            writer.append(jsonString: isMigrationOnly && isEnforcement ? "migration-only" : "no-release-rule")
            writer.append("}")
        }
        writer.append("]")
        return writer.array
    }
}

/// All that enrichment knows: border, towns, closed lists, rules. Immutable; any thread may use it.
public struct Reference: Sendable {
    /// The border.
    public var border: BorderIndex
    /// Towns by name.
    public var gazetteer: Gazetteer
    /// Categories, commodities, stations.
    public var taxonomy: Taxonomy
    /// The least quantity that is bulk, by commodity, with its unit.
    public var bulk: [(quantity: Double, unit: String)]
    /// Rules and lexicons.
    public var rules: RuleSet
    /// Who may see what.
    public var release: ReleasePolicy
    /// The name and version of rules and reference data, as events carry it.
    public var rulesetName: String

    /// Gathers it.
    public init(
        border: BorderIndex,
        gazetteer: Gazetteer,
        taxonomy: Taxonomy,
        bulk: [(quantity: Double, unit: String)],
        rules: RuleSet,
        release: ReleasePolicy,
        rulesetName: String
    ) {
        self.border = border
        self.gazetteer = gazetteer
        self.taxonomy = taxonomy
        self.bulk = bulk
        self.rules = rules
        self.release = release
        self.rulesetName = rulesetName
    }
}
