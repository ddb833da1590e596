/// Evaluates a tree once. Counts its steps, so that no expression runs for long.
struct Evaluator {
    let source: String
    let names: [String: ExpressionValue]
    var stepsLeft: Int
    /// What the variables of the macros around stand for, the innermost last.
    private var locals: [ExpressionValue] = []

    init(source: String, names: [String: ExpressionValue], stepsLeft: Int) {
        self.source = source
        self.names = names
        self.stepsLeft = stepsLeft
    }

    /// The bytes of a string that count as one step.
    static let bytesPerStep = 64

    func fail(_ reason: String, _ node: Node) -> ExpressionError {
        ExpressionError(reason, source: source, at: node.position)
    }

    mutating func step(_ count: Int, _ node: Node) throws(ExpressionError) {
        stepsLeft -= count
        guard stepsLeft >= 0 else { throw fail("takes too long over these values", node) }
    }

    mutating func value(of node: Node) throws(ExpressionError) -> ExpressionValue {
        try step(1, node)
        switch node.kind {
        case .literal(let value): return value
        case .name(let name):
            try step(name.utf8.count / Self.bytesPerStep, node)
            guard let value = names[name] else { throw missing(name, node) }
            return value
        case .local(let place): return locals[place]
        case .select(let operand, let field): return try select(field, of: try value(of: operand), node)
        case .has(let operand, let field):
            let map = try value(of: operand)
            guard case .map = map else { throw fail("\(map.kind) has no fields, so has() cannot be asked", node) }
            return .bool(try member(.string(field), of: map, node) != nil)
        case .index(let operand, let index):
            let container = try value(of: operand)
            return try element(container, try value(of: index), node)
        case .list(let nodes):
            var elements: [ExpressionValue] = []
            for node in nodes { elements.append(try value(of: node)) }
            return .list(elements)
        case .map(let nodes): return try map(nodes)
        case .call(let function, let nodes): return try call(function, nodes, node)
        case .macro(let macro, let range, let body): return try run(macro, try value(of: range), body, node)
        case .not(let operand): return .bool(!(try bool(operand, "!")))
        case .negate(let operand): return try negated(try value(of: operand), node)
        case .binary(let symbol, let left, let right): return try binary(symbol, left, right, node)
        case .all(let operands): return .bool(try decide(operands, by: false, "&&"))
        case .any(let operands): return .bool(try decide(operands, by: true, "||"))
        case .conditional(let condition, let yes, let no):
            return try value(of: try bool(condition, "?") ? yes : no)
        }
    }

    /// The pieces of a text; every other value is one.
    static func size(_ value: ExpressionValue) -> Int {
        switch value {
        case .string(let text): text.utf8.count / bytesPerStep + 1
        case .bytes(let bytes): bytes.count / bytesPerStep + 1
        default: 1
        }
    }

    private mutating func call(
        _ function: Function,
        _ nodes: [Node],
        _ node: Node
    ) throws(ExpressionError) -> ExpressionValue {
        var arguments: [ExpressionValue] = []
        for node in nodes { arguments.append(try value(of: node)) }
        try step(arguments.reduce(0) { $0 + Self.size($1) }, node)
        let result: ExpressionValue?
        do throws(FunctionFailure) { result = try function.apply(arguments) } catch { throw fail(error.reason, node) }
        guard let result else {
            let kinds = arguments.map(\.kind).joined(separator: " and ")
            throw fail("\(function.name)() does not take \(kinds)", node)
        }
        return result
    }

    // MARK: - Logic

    private mutating func bool(_ node: Node, _ symbol: String) throws(ExpressionError) -> Bool {
        let value = try value(of: node)
        guard case .bool(let result) = value else { throw fail("\(symbol) takes a bool, this is \(value.kind)", node) }
        return result
    }

    /// `&&` and `||`: one operand that decides is enough, whatever the others are; else the first error counts.
    private mutating func decide(
        _ operands: [Node],
        by deciding: Bool,
        _ symbol: String
    ) throws(ExpressionError) -> Bool {
        var first: ExpressionError?
        for operand in operands {
            do throws(ExpressionError) {
                if try bool(operand, symbol) == deciding { return deciding }
            } catch {
                try absorb(error, node: operand)
                first = first ?? error
            }
        }
        if let first { throw first }
        return !deciding
    }

    /// Goes on after an error that something else may make good. Being out of steps is the end.
    private mutating func absorb(_ error: ExpressionError, node: Node) throws(ExpressionError) {
        guard stepsLeft >= 0 else { throw error }
        // To find its place and words took as long as many operators.
        try step(64 + source.utf8.count / Self.bytesPerStep, node)
    }

    // MARK: - Macros

    private mutating func run(
        _ macro: Macro,
        _ range: ExpressionValue,
        _ body: [Node],
        _ node: Node
    ) throws(ExpressionError) -> ExpressionValue {
        let elements: [ExpressionValue]
        switch range {
        case .list(let list): elements = list
        case .map(let members):
            try step(members.count, node)
            elements = members.map(\.key)
        default: throw fail("\(macro.rawValue)() takes a list or a map, this is \(range.kind)", node)
        }
        let place = locals.count
        locals.append(.null)
        defer { locals.removeSubrange(place...) }
        switch macro {
        case .all, .exists: return .bool(try decide(elements, place, by: macro == .exists, body[0], macro))
        case .existsOne:
            return .bool(try filtered(elements, place, body[0], macro).count == 1)
        case .filter: return .list(try filtered(elements, place, body[0], macro))
        case .map:
            let chosen = body.count == 1 ? elements : try filtered(elements, place, body[0], macro)
            var results: [ExpressionValue] = []
            for element in chosen {
                locals[place] = element
                results.append(try value(of: body[body.count - 1]))
            }
            return .list(results)
        }
    }

    /// As if the condition stood there for each element, with `&&` or `||` between.
    private mutating func decide(
        _ elements: [ExpressionValue],
        _ place: Int,
        by deciding: Bool,
        _ condition: Node,
        _ macro: Macro
    ) throws(ExpressionError) -> Bool {
        var first: ExpressionError?
        for element in elements {
            locals[place] = element
            do throws(ExpressionError) {
                if try bool(condition, "\(macro.rawValue)()") == deciding { return deciding }
            } catch {
                try absorb(error, node: condition)
                first = first ?? error
            }
        }
        if let first { throw first }
        return !deciding
    }

    private mutating func filtered(
        _ elements: [ExpressionValue],
        _ place: Int,
        _ condition: Node,
        _ macro: Macro
    ) throws(ExpressionError) -> [ExpressionValue] {
        var chosen: [ExpressionValue] = []
        for element in elements {
            locals[place] = element
            if try bool(condition, "\(macro.rawValue)()") { chosen.append(element) }
        }
        return chosen
    }

    // MARK: - Fields and elements

    private func missing(_ field: String, _ node: Node) -> ExpressionError {
        let near = NearName.question(field, among: names.keys.sorted())
        return fail("no such field \"\(field)\" here\(near.isEmpty ? hint(field) : near)", node)
    }

    private func hint(_ field: String) -> String {
        names["event"] == nil ? "" : "; has(event.\(field)) tells beforehand"
    }

    mutating func member(
        _ key: ExpressionValue,
        of map: ExpressionValue,
        _ node: Node
    ) throws(ExpressionError) -> ExpressionValue? {
        // Most keys differ from the first byte on; long ones may be made not to.
        if case .map(let members) = map { try step(members.count / 8 + members.count * (Self.size(key) - 1), node) }
        return map.member(key: key)
    }

    private mutating func select(
        _ field: String,
        of operand: ExpressionValue,
        _ node: Node
    ) throws(ExpressionError) -> ExpressionValue {
        guard case .map(let members) = operand else {
            throw fail("\(operand.kind) has no field \"\(field.excerpt)\"", node)
        }
        if let value = try member(.string(field), of: operand, node) { return value }
        let fields = members.prefix(64).compactMap(\.key.text)
        let near = NearName.question(field, among: fields)
        throw fail("no such field \"\(field.excerpt)\"\(near.isEmpty ? "; has() tells beforehand" : near)", node)
    }

    private mutating func element(
        _ container: ExpressionValue,
        _ index: ExpressionValue,
        _ node: Node
    ) throws(ExpressionError) -> ExpressionValue {
        switch (container, index) {
        case (.map, .string(let key)): return try select(key, of: container, node)
        case (.map, _) where Self.isKey(index) || index.isNumber:
            if let value = try member(index, of: container, node) { return value }
            throw fail("no such key \((index.text ?? "").excerpt) in the map", node)
        case (.list(let elements), _) where index.isNumber:
            guard let place = Self.place(index), elements.indices.contains(place) else {
                throw fail("the list has \(elements.count) elements, counted from 0", node)
            }
            return elements[place]
        default: throw fail("\(container.kind) cannot be indexed by \(index.kind)", node)
        }
    }

    /// A whole number, of whatever type.
    private static func place(_ index: ExpressionValue) -> Int? {
        switch index {
        case .int(let number): Int(exactly: number)
        case .uint(let number): Int(exactly: number)
        case .double(let number): Int(exactly: number)
        default: nil
        }
    }

    /// Whether a value may be the key of a map.
    private static func isKey(_ value: ExpressionValue) -> Bool {
        switch value {
        case .bool, .int, .uint, .string: true
        default: false
        }
    }

    private mutating func map(_ nodes: [(key: Node, value: Node)]) throws(ExpressionError) -> ExpressionValue {
        var members: [ExpressionValue.Member] = []
        for (keyNode, valueNode) in nodes {
            let key = try value(of: keyNode)
            guard Self.isKey(key) else {
                throw fail("a map's key must be a string, an int, a uint or a bool; this is \(key.kind)", keyNode)
            }
            try step(members.count * Self.size(key), keyNode)
            guard !members.contains(where: { ExpressionValue.order($0.key, key) == .equal }) else {
                throw fail("the map has the key \((key.text ?? "").excerpt) twice", keyNode)
            }
            members.append(ExpressionValue.Member(key: key, value: try value(of: valueNode)))
        }
        return .map(members)
    }

    // MARK: - Operators

    private mutating func binary(
        _ symbol: Operator,
        _ leftNode: Node,
        _ rightNode: Node,
        _ node: Node
    ) throws(ExpressionError) -> ExpressionValue {
        let left = try value(of: leftNode)
        let right = try value(of: rightNode)
        switch symbol {
        case .equal: return .bool(try areEqual(left, right, node))
        case .notEqual: return .bool(!(try areEqual(left, right, node)))
        case .less, .lessOrEqual, .greater, .greaterOrEqual: return .bool(try compare(symbol, left, right, node))
        case .isIn: return .bool(try isElement(left, of: right, node))
        case .add, .subtract, .multiply, .divide, .remainder: return try calculate(symbol, left, right, node)
        }
    }
}
