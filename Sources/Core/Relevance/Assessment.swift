import Border
import Incident

/// One piece of evidence: which rule granted which level, and for which words.
public struct Evidence: Hashable, Sendable {
    /// Index into `RuleSet.declarations`.
    public var rule: Int
    /// The level it grants; a hypothesis grants at most moderate.
    public var level: Level
    /// What it rests on.
    public var basis: Basis
    /// The words, in Unicode scalars of the narrative; nil when it rests on fields or geometry alone.
    public var span: Range<Int>?
}

/// What enrichment found out about one incident. A value without references: nothing is allocated for it.
public struct Assessment: Sendable {
    /// The most pieces of evidence that are kept, in the order of the rules.
    public static let evidenceLimit = 12

    /// The level: the highest that any one piece of evidence grants.
    public var level = Level.none
    /// Ranks within the level: none 0–9, low 10–39, moderate 40–69, high 70–100.
    public var score = 0
    /// Where it happened.
    public var side = Side.other
    /// Whether the country on the left of the line is involved.
    public var involvesLeft = false
    /// Whether the country on its right is.
    public var involvesRight = false
    /// The position that was used.
    public var position: Position?
    /// How that position lies to the line.
    public var fix: BorderFix?
    /// Where the position comes from.
    public var positionBasis = PositionBasis.none
    /// The place that words name, when the position comes from it.
    public var place: NamedPlace?
    /// Whether the stated position lies on another side than the stated country.
    public var contradictsCountry = false
    /// Whether the stated position lies elsewhere than the place that is typed beside it.
    public var contradictsPlace = false
    /// Whether the narrative has been cut into words already.
    var hasReadNarrative = false
    /// Movement across the line.
    public var flow = Flow.none
    /// How people or goods moved, when it is told.
    public var mode: Mode?
    /// Kinds of contraband, one bit each in the order of `RuleSet.contrabandKinds`.
    public var contraband: UInt8 = 0
    /// Whether people on the move are all there is.
    public var isMigrationOnly = false
    /// Stations concerned: indices into the taxonomy's stations, the reporting one first.
    public var stations: (Int?, Int?) = (nil, nil)
    /// How many pieces of evidence there are.
    public private(set) var evidenceCount = 0
    private var pieces = [12 of Evidence](
        repeating: Evidence(rule: 0, level: .none, basis: .stated, span: nil)
    )

    /// Nothing found.
    public init() {}

    /// A piece of evidence, `index` below `evidenceCount`.
    public func evidence(_ index: Int) -> Evidence { pieces[index] }

    mutating func add(_ evidence: Evidence) {
        guard evidenceCount < Self.evidenceLimit else { return }
        pieces[evidenceCount] = evidence
        evidenceCount += 1
    }
}

/// What words said, for people who ask why: a fact, where it stands, and what became of it.
public struct WordFinding: Hashable, Sendable {
    /// The fact's name in the lexicon.
    public var fact: String
    /// Unicode scalars of the narrative.
    public var span: Range<Int>
    /// What became of it.
    public var fate: Fate

    /// Why a finding counted or not.
    public enum Fate: String, Sendable { case counted, supposed, negated, sameSide = "same side" }
}
