import Relevance
import Yams

/// Reads rules and lexicons.
enum RuleFiles {
    static func source(
        rules: YAMLDocument,
        lexicons: [YAMLDocument]
    ) throws(ReferenceError) -> RuleSource {
        var source = RuleSource()
        for lexicon in lexicons {
            if let sets = lexicon.root["sets"]?.mapping {
                for (key, _) in sets {
                    guard let name = key.scalar?.string, let node = lexicon.root["sets"] else { continue }
                    source.sets[name, default: []] += try lexicon.strings(name, in: node)
                }
            }
            if lexicon.root["facts"] != nil {
                for node in try lexicon.list("facts") { source.facts.append(try fact(node, lexicon)) }
            }
        }
        for node in try rules.list("rules") { source.rules.append(try rule(node, rules)) }
        return source
    }

    private static func fact(_ node: Node, _ file: YAMLDocument) throws(ReferenceError) -> FactDeclaration {
        var fact = FactDeclaration(name: try file.string("name", in: node))
        fact.isMovement = file.isSet("movement", in: node)
        fact.isRelative = file.isSet("relative", in: node)
        fact.isOffence = file.isSet("offence", in: node)
        fact.isMigration = file.isSet("migration", in: node)
        fact.contraband = node["contraband"]?.scalar?.string
        fact.mode = node["mode"]?.scalar?.string
        let known = [
            "name", "movement", "relative", "offence", "migration", "contraband", "mode", "each", "from_each", "us",
            "mx", "other", "here", "both", "plain",
        ]
        for (key, _) in node.mapping ?? [:] where !known.contains(key.scalar?.string ?? "") {
            throw ReferenceError(
                file.path,
                line: file.line(key),
                "\(key.scalar?.string ?? "?") is not a field of a fact"
            )
        }
        for pattern in try file.optionalStrings("each", in: node) {
            fact.phrases.append(.init(pattern: pattern.replacing("@*", with: "@us"), toward: .us, named: .us))
            fact.phrases.append(.init(pattern: pattern.replacing("@*", with: "@mx"), toward: .mx, named: .mx))
        }
        for pattern in try file.optionalStrings("from_each", in: node) {
            fact.phrases.append(.init(pattern: pattern.replacing("@*", with: "@us"), toward: .mx, named: .us))
            fact.phrases.append(.init(pattern: pattern.replacing("@*", with: "@mx"), toward: .us, named: .mx))
        }
        let directions: [(String, Toward)] = [
            ("us", .us), ("mx", .mx), ("other", .other), ("here", .here), ("both", .both), ("plain", .none),
        ]
        for (key, toward) in directions {
            for pattern in try file.optionalStrings(key, in: node) {
                fact.phrases.append(.init(pattern: pattern, toward: toward))
            }
        }
        guard !fact.phrases.isEmpty else {
            throw ReferenceError(file.path, line: file.line(node), "the fact \(fact.name) has no phrase")
        }
        return fact
    }

    private static func rule(_ node: Node, _ file: YAMLDocument) throws(ReferenceError) -> RuleDeclaration {
        let id = try file.string("id", in: node)
        let levelName = try file.string("level", in: node)
        let basisName = try file.string("basis", in: node)
        guard let level = Level.allCases.first(where: { "\($0.label)" == levelName }) else {
            throw ReferenceError(file.path, line: file.line(node), "rule \(id): there is no level \(levelName)")
        }
        guard let basis = Basis.allCases.first(where: { "\($0.label)" == basisName }) else {
            throw ReferenceError(file.path, line: file.line(node), "rule \(id): there is no basis \(basisName)")
        }
        return RuleDeclaration(
            id: id,
            level: level,
            basis: basis,
            all: try file.optionalStrings("all", in: node),
            any: try file.optionalStrings("any", in: node),
            none: try file.optionalStrings("none", in: node),
            note: try file.string("note", in: node)
        )
    }
}
