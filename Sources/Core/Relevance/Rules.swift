import Incident

/// One line of the decision table: which facts grant which level.
public struct RuleDeclaration: Hashable, Sendable {
    /// The name that evidence carries.
    public var id: String
    /// The level it grants.
    public var level: Level
    /// What it rests on.
    public var basis: Basis
    /// Facts that must all be there.
    public var all: [String]
    /// Facts of which one must be there, when any are named.
    public var any: [String]
    /// Facts of which none may be there.
    public var none: [String]
    /// Why, for people.
    public var note: String

    /// Declares a rule.
    public init(
        id: String,
        level: Level,
        basis: Basis,
        all: [String],
        any: [String],
        none: [String],
        note: String
    ) {
        self.id = id
        self.level = level
        self.basis = basis
        self.all = all
        self.any = any
        self.none = none
        self.note = note
    }
}

/// Rules and lexicons as they are read from data, before they are compiled.
public struct RuleSource: Sendable {
    /// Sets of words by name.
    public var sets: [String: [String]] = [:]
    /// What words can tell.
    public var facts: [FactDeclaration] = []
    /// The decision table.
    public var rules: [RuleDeclaration] = []
    /// What rules call the side of each country, `side_us` for one named `us`: left and right of the line.
    public var sideNames: (left: String, right: String)

    /// Nothing yet, for two countries.
    public init(sideNames: (left: String, right: String)) { self.sideNames = sideNames }
}

/// The decision table and the lexicon, compiled. Immutable; any thread may use it.
public final class RuleSet: Sendable {
    struct Rule: Sendable {
        var all: FactSet
        var any: FactSet
        var none: FactSet
        var level: Level
        var basis: Basis
    }

    /// What a fact that words tell counts for.
    struct WordFact: Sendable {
        var isMovement: Bool
        var isRelative: Bool
        var isOffence: Bool
        var isMigration: Bool
        var contraband: UInt8
        var mode: Mode?
    }

    /// The kinds of contraband, in the order in which an event lists them.
    public static let contrabandKinds = ["drugs", "weapons", "cash", "people", "other"]

    /// The rules as declared, by index.
    public let declarations: [RuleDeclaration]
    let rules: [Rule]
    let lexicon: Lexicon
    let wordFacts: [WordFact]
    /// The index of the first fact that words tell; before it field facts, then traits of categories.
    let firstWordFact: Int
    /// For each category the facts that its traits are.
    let categoryFacts: [FactSet]
    /// Names by index.
    let factNames: [String]

    /// Compiles; throws what is wrong with which entry.
    public init(_ source: RuleSource, taxonomy: Taxonomy) throws(RuleError) {
        var names = FieldFact.allCases.map { fact in
            switch fact {
            case .sideLeft: "side_\(source.sideNames.left)"
            case .sideRight: "side_\(source.sideNames.right)"
            default: fact.rawValue
            }
        }
        let traits = Set(taxonomy.categories.flatMap(\.traits)).sorted()
        names += traits.map { "trait.\($0)" }
        firstWordFact = names.count
        names += source.facts.map(\.name)
        guard names.count <= 128 else { throw RuleError("\(names.count) facts, at most 128") }
        var indices: [String: Int] = [:]
        for (index, name) in names.enumerated() {
            guard indices.updateValue(index, forKey: name) == nil else { throw RuleError("two facts named \(name)") }
        }
        factNames = names
        categoryFacts = taxonomy.categories.map { category in
            var set = FactSet()
            for trait in category.traits { if let index = indices["trait.\(trait)"] { set.insert(index) } }
            return set
        }
        wordFacts = try source.facts.map { fact throws(RuleError) in try Self.wordFact(fact) }
        var compiled: [Rule] = []
        var seen: Set<String> = []
        for rule in source.rules {
            guard seen.insert(rule.id).inserted else { throw RuleError("two rules named \(rule.id)") }
            guard !rule.all.isEmpty || !rule.any.isEmpty else {
                throw RuleError("rule \(rule.id): names no fact in all or any")
            }
            compiled.append(
                Rule(
                    all: try Self.set(rule.all, indices, rule.id),
                    any: try Self.set(rule.any, indices, rule.id),
                    none: try Self.set(rule.none, indices, rule.id),
                    level: rule.level,
                    basis: rule.basis
                )
            )
        }
        rules = compiled
        declarations = source.rules
        lexicon = try Lexicon(sets: source.sets, facts: source.facts, firstFact: firstWordFact)
    }

    private static func wordFact(_ fact: FactDeclaration) throws(RuleError) -> WordFact {
        var kind: UInt8 = 0
        if let contraband = fact.contraband {
            guard let index = contrabandKinds.firstIndex(of: contraband) else {
                throw RuleError("fact \(fact.name): no kind of contraband named \(contraband)")
            }
            kind = 1 << UInt8(index)
        }
        var mode: Mode?
        if let name = fact.mode {
            guard let known = Mode(rawValue: name) else { throw RuleError("fact \(fact.name): no mode \(name)") }
            mode = known
        }
        return WordFact(
            isMovement: fact.isMovement,
            isRelative: fact.isRelative,
            isOffence: fact.isOffence,
            isMigration: fact.isMigration,
            contraband: kind,
            mode: mode
        )
    }

    private static func set(
        _ names: [String],
        _ indices: [String: Int],
        _ rule: String
    ) throws(RuleError) -> FactSet {
        var set = FactSet()
        for name in names {
            guard let index = indices[name] else {
                throw RuleError("rule \(rule): there is no fact \(name); facts are declared in the lexicons")
            }
            set.insert(index)
        }
        return set
    }
}
