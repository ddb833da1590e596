import Relevance
import Yams

/// Reads rules and lexicons.
enum RuleFiles {
    static func source(
        rules: YAMLDocument,
        lexicons: [YAMLDocument],
        sides: (left: String, right: String)
    ) throws(ReferenceError) -> RuleSource {
        var source = RuleSource(sideNames: sides)
        for lexicon in lexicons {
            if let sets = lexicon.root["sets"]?.mapping {
                for (key, _) in sets {
                    guard let name = key.scalar?.string, let node = lexicon.root["sets"] else { continue }
                    source.sets[name, default: []] += try lexicon.strings(name, in: node)
                }
            }
            if lexicon.root["facts"] != nil {
                for node in try lexicon.list("facts") { source.facts.append(try fact(node, lexicon, sides)) }
            }
        }
        for node in try rules.list("rules") { source.rules.append(try rule(node, rules)) }
        return source
    }

    /// Reads the words that stand beside names of places.
    static func placeWords(
        _ file: YAMLDocument,
        sides: (left: String, right: String)
    ) throws(ReferenceError) -> PlaceWords {
        var words = PlaceWords()
        guard let sets = file.root["sets"] else { throw ReferenceError(file.path, "sets is missing") }
        for (key, _) in sets.mapping ?? [:] {
            guard let name = key.scalar?.string else { continue }
            let list = try file.strings(name, in: sets)
            switch name {
            case "agency_\(sides.left)": words.addAgencies(list, isLeft: true)
            case "agency_\(sides.right)": words.addAgencies(list, isLeft: false)
            // Of a border that is not this one.
            case _ where name.hasPrefix("agency_"): continue
            default:
                guard words.add(list, set: name) else {
                    let known = PlaceWords.names.joined(separator: ", ")
                    throw ReferenceError(file.path, line: file.line(key), "\(name) is not one of \(known)")
                }
            }
        }
        return words
    }

    private static func fact(
        _ node: Node,
        _ file: YAMLDocument,
        _ sides: (left: String, right: String)
    ) throws(ReferenceError) -> FactDeclaration {
        var fact = FactDeclaration(name: try file.string("name", in: node))
        fact.isMovement = file.isSet("movement", in: node)
        fact.isRelative = file.isSet("relative", in: node)
        fact.isOffence = file.isSet("offence", in: node)
        fact.isMigration = file.isSet("migration", in: node)
        fact.contraband = node["contraband"]?.scalar?.string
        fact.mode = node["mode"]?.scalar?.string
        let known = [
            "name", "movement", "relative", "offence", "migration", "contraband", "mode", "each", "from_each",
            sides.left, sides.right, "other", "here", "both", "plain",
        ]
        for (key, _) in node.mapping ?? [:] where !known.contains(key.scalar?.string ?? "") {
            throw ReferenceError(
                file.path,
                line: file.line(key),
                "\(key.scalar?.string ?? "?") is not a field of a fact"
            )
        }
        for pattern in try file.optionalStrings("each", in: node) {
            let (left, right) = (named(pattern, sides.left), named(pattern, sides.right))
            fact.phrases.append(.init(pattern: left, toward: .left, named: .left))
            fact.phrases.append(.init(pattern: right, toward: .right, named: .right))
        }
        for pattern in try file.optionalStrings("from_each", in: node) {
            let (left, right) = (named(pattern, sides.left), named(pattern, sides.right))
            fact.phrases.append(.init(pattern: left, toward: .right, named: .left))
            fact.phrases.append(.init(pattern: right, toward: .left, named: .right))
        }
        let directions: [(String, Toward)] = [
            (sides.left, .left), (sides.right, .right), ("other", .other), ("here", .here), ("both", .both),
            ("plain", .none),
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

    /// `@*` in a pattern stands for the set of words that name a country.
    private static func named(_ pattern: String, _ country: String) -> String {
        pattern.replacing("@*", with: "@\(country)")
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
