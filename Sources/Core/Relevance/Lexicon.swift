import Bytes

/// Why rules or lexicons cannot be used: which entry, and what is wrong.
public struct RuleError: Error, Hashable, Sendable, CustomStringConvertible {
    /// For people.
    public var description: String

    /// Says what is wrong.
    public init(_ description: String) { self.description = description }
}

/// Which way something that a phrase tells moves across the line.
public enum Toward: UInt8, Sendable {
    /// It does not say, or nothing moves.
    case none
    /// Into the country on the left of the line.
    case left
    /// Into the country on its right.
    case right
    /// From where the incident is to the other side.
    case other
    /// From the other side to where the incident is.
    case here
    /// There and back.
    case both
}

/// A fact that words can tell, as the lexicons declare it.
public struct FactDeclaration: Hashable, Sendable {
    /// The name that rules use.
    public var name: String
    /// Whether people, goods or fire move, so that it counts for the flow.
    public var isMovement = false
    /// Whether it counts only when it names the other side than the incident's.
    public var isRelative = false
    /// Whether it is evidence of an offence, so that people on the move are not all there is.
    public var isOffence = false
    /// Whether people on the move are the subject.
    public var isMigration = false
    /// The kind of contraband it tells: drugs, weapons, cash, people, other.
    public var contraband: String?
    /// The mode it tells.
    public var mode: String?
    /// Its phrases and where they point.
    public var phrases: [Phrase] = []

    /// One phrase.
    public struct Phrase: Hashable, Sendable {
        /// Words, `@sets`, `..N` (up to N words between), `#` (a number), parted by spaces.
        public var pattern: String
        /// Where it points.
        public var toward: Toward
        /// The country that it names, `left` or `right`, if any: a relative fact counts only where that is the other side.
        public var named: Toward

        /// Makes a phrase.
        public init(pattern: String, toward: Toward, named: Toward = .none) {
            self.pattern = pattern
            self.toward = toward
            self.named = named
        }
    }

    /// Declares a fact without phrases.
    public init(name: String) { self.name = name }
}

/// One place in a text where a phrase stands.
struct PhraseMatch {
    var fact: UInt8
    var toward: Toward
    var named: Toward
    var isNegated: Bool
    var isHypothetical: Bool
    /// Bytes of the text.
    var start: Int32
    var end: Int32
}

/// Phrases in two languages, compiled to one tree that is walked from every known word. Immutable.
///
/// The walk from one word is bounded by the longest pattern and its gaps, and the whole by `stepLimit`.
final class Lexicon: Sendable {
    /// Comparisons that one text may cost; what lies behind is not read.
    static let stepLimit = 200_000
    /// Matches that one text may give.
    static let matchLimit = 256

    enum Slot: Hashable {
        case word(UInt16), set(UInt16), number, gap(Int)
    }

    /// One step to a node: what fills it, without references.
    struct Edge {
        enum Kind: UInt8 { case word, set, number, gap }
        var kind: Kind
        /// A word, a set, or the most words of a gap.
        var value: UInt16
        var target: Int32

        init(_ slot: Slot, target: Int32) {
            self.target = target
            switch slot {
            case .word(let word): (kind, value) = (.word, word)
            case .set(let set): (kind, value) = (.set, set)
            case .number: (kind, value) = (.number, 0)
            case .gap(let most): (kind, value) = (.gap, UInt16(most))
            }
        }
    }

    struct End: Hashable {
        var fact: UInt8
        var toward: Toward
        var named: Toward
    }

    /// Where a node's edges and ends are in the flat lists.
    struct Node {
        var edges: Range<Int32>
        var ends: Range<Int32>
    }

    let vocabulary: Vocabulary
    let cues: ScopeCues
    private let nodes: [Node]
    private let edges: [Edge]
    private let ends: [End]
    /// For each word, where the nodes behind a first slot that it fills are in `startNodes`.
    private let starts: [Range<Int32>]
    private let startNodes: [Int32]
    private let numberStarts: [Int32]
    private let setBits: [UInt64]
    private let wordStride: Int

    /// Compiles the phrases of `facts`, whose indices count from `firstFact`.
    init(sets: [String: [String]], facts: [FactDeclaration], firstFact: Int) throws(RuleError) {
        let vocabulary = Vocabulary()
        var setNumbers: [String: UInt16] = [:]
        var members: [[UInt16]] = []
        for (name, words) in sets.sorted(by: { $0.key < $1.key }) {
            setNumbers[name] = UInt16(members.count)
            members.append(try Self.expanded(words, sets: sets, depth: 0).map { vocabulary.number(of: $0) })
        }
        var tree = Tree()
        for (index, fact) in facts.enumerated() {
            for phrase in fact.phrases {
                let slots = try Self.slots(phrase.pattern, setNumbers, vocabulary, fact: fact.name)
                tree.add(slots, end: End(fact: UInt8(firstFact + index), toward: phrase.toward, named: phrase.named))
            }
        }
        vocabulary.seal()
        wordStride = (vocabulary.words.count + 63) / 64
        var bits = [UInt64](repeating: 0, count: max(1, members.count * wordStride))
        for (set, words) in members.enumerated() {
            for word in words { bits[set * wordStride + Int(word) / 64] |= 1 << UInt64(word % 64) }
        }
        setBits = bits
        let byName = setNumbers.mapValues { members[Int($0)] }
        cues = ScopeCues(vocabulary, sets: byName)
        var starts = [[Int32]](repeating: [], count: vocabulary.words.count)
        var numbers: [Int32] = []
        for (slot, target) in tree.nodes[0].edges {
            switch slot {
            case .word(let word): starts[Int(word)].append(target)
            case .set(let set): for word in Set(members[Int(set)]) { starts[Int(word)].append(target) }
            case .number: numbers.append(target)
            case .gap: break
            }
        }
        var flat: [Int32] = []
        self.starts = starts.map { list in
            flat += list
            return Int32(flat.count - list.count)..<Int32(flat.count)
        }
        startNodes = flat
        numberStarts = numbers
        var edges: [Edge] = []
        var ends: [End] = []
        nodes = tree.nodes.map { node in
            edges += node.edges.map { Edge($0.slot, target: $0.target) }
            ends += node.ends
            return Node(
                edges: Int32(edges.count - node.edges.count)..<Int32(edges.count),
                ends: Int32(ends.count - node.ends.count)..<Int32(ends.count)
            )
        }
        self.edges = edges
        self.ends = ends
        self.vocabulary = vocabulary
    }

    private struct Tree {
        struct Node {
            var edges: [(slot: Slot, target: Int32)] = []
            var ends: [End] = []
        }

        var nodes = [Node()]

        mutating func add(_ slots: [Slot], end: End) {
            var at = 0
            for slot in slots {
                if let edge = nodes[at].edges.first(where: { $0.slot == slot }) {
                    at = Int(edge.target)
                } else {
                    nodes.append(Node())
                    nodes[at].edges.append((slot, Int32(nodes.count - 1)))
                    at = nodes.count - 1
                }
            }
            if !nodes[at].ends.contains(end) { nodes[at].ends.append(end) }
        }
    }

    /// A set's words; `@name` in a set stands for that set's words.
    private static func expanded(
        _ words: [String],
        sets: [String: [String]],
        depth: Int
    ) throws(RuleError) -> [String] {
        guard depth < 8 else { throw RuleError("sets that contain each other: \(words.prefix(3))") }
        var result: [String] = []
        for word in words {
            if word.first == "@" {
                guard let inner = sets[String(word.dropFirst())] else { throw RuleError("no set \(word)") }
                result += try expanded(inner, sets: sets, depth: depth + 1)
            } else {
                result.append(word)
            }
        }
        return result
    }

    private static func slots(
        _ pattern: String,
        _ sets: [String: UInt16],
        _ vocabulary: Vocabulary,
        fact: String
    ) throws(RuleError) -> [Slot] {
        var result: [Slot] = []
        for part in pattern.split(separator: " ") {
            if part == "#" {
                result.append(.number)
            } else if part.hasPrefix("..") {
                guard let most = Int(part.dropFirst(2)), (1...12).contains(most), !result.isEmpty else {
                    throw RuleError("fact \(fact): \(part) in \"\(pattern)\" is not a gap such as ..3 between words")
                }
                result.append(.gap(most))
            } else if part.first == "@" {
                guard let set = sets[String(part.dropFirst())] else {
                    throw RuleError("fact \(fact): there is no set \(part), in \"\(pattern)\"")
                }
                result.append(.set(set))
            } else {
                result.append(.word(vocabulary.number(of: String(part))))
            }
        }
        guard let last = result.last else { throw RuleError("fact \(fact): an empty phrase") }
        if case .gap = last { throw RuleError("fact \(fact): \"\(pattern)\" ends in a gap") }
        return result
    }

    @inline(__always)
    private func contains(_ set: UInt16, _ word: UInt16) -> Bool {
        word != 0 && setBits[Int(set) &* wordStride &+ Int(word >> 6)] & (1 << UInt64(word & 63)) != 0
    }

    /// Finds every phrase. `matches` is emptied first.
    func find(in tokens: [Token], into matches: inout [PhraseMatch]) {
        matches.removeAll(keepingCapacity: true)
        var walk = Walk(steps: 0, from: 0)
        for index in tokens.indices {
            let token = tokens[index]
            guard token.kind == .word else { continue }
            walk.from = index
            if token.word != 0 {
                for at in starts[Int(token.word)] {
                    follow(startNodes[Int(at)], index &+ 1, tokens, &walk, &matches)
                }
            }
            if token.isNumber {
                for node in numberStarts { follow(node, index &+ 1, tokens, &walk, &matches) }
            }
            if walk.steps > Self.stepLimit || matches.count >= Self.matchLimit { return }
        }
    }

    private struct Walk {
        var steps: Int
        var from: Int
    }

    private func follow(
        _ node: Int32,
        _ at: Int,
        _ tokens: [Token],
        _ walk: inout Walk,
        _ matches: inout [PhraseMatch]
    ) {
        walk.steps &+= 1
        guard walk.steps <= Self.stepLimit else { return }
        let here = nodes[Int(node)]
        for end in here.ends where matches.count < Self.matchLimit {
            record(ends[Int(end)], walk.from, at, tokens, &matches)
        }
        for index in here.edges {
            let edge = edges[Int(index)]
            if edge.kind == .gap {
                var next = at
                while next &- at <= Int(edge.value), next < tokens.count {
                    follow(edge.target, next, tokens, &walk, &matches)
                    let skipped = tokens[next]
                    if skipped.kind != .word || (next > at && skipped.isAfterComma) { break }
                    next &+= 1
                }
            } else if at < tokens.count, fits(edge, tokens[at]) {
                follow(edge.target, at &+ 1, tokens, &walk, &matches)
            }
        }
    }

    @inline(__always)
    private func fits(_ edge: Edge, _ token: Token) -> Bool {
        guard token.kind == .word else { return false }
        switch edge.kind {
        case .word: return token.word == edge.value
        case .set: return contains(edge.value, token.word)
        case .number: return token.isNumber
        case .gap: return false
        }
    }

    private func record(
        _ end: End,
        _ from: Int,
        _ to: Int,
        _ tokens: [Token],
        _ matches: inout [PhraseMatch]
    ) {
        var isNegated = false
        var isHypothetical = false
        for token in tokens[from..<to] {
            isNegated = isNegated || token.isNegated
            isHypothetical = isHypothetical || token.isHypothetical
        }
        matches.append(
            PhraseMatch(
                fact: end.fact,
                toward: end.toward,
                named: end.named,
                isNegated: isNegated,
                isHypothetical: isHypothetical,
                start: tokens[from].start,
                end: tokens[to - 1].end
            )
        )
    }
}
