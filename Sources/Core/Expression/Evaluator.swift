/// Evaluates a tree once. Counts its steps, so that no expression runs for long.
struct Evaluator {
    let source: String
    let names: [String: ExpressionValue]
    var stepsLeft: Int

    /// The bytes of a string that count as one step.
    private static let bytesPerStep = 64

    private func fail(_ reason: String, _ node: Node) -> ExpressionError {
        ExpressionError(reason, source: source, at: node.position)
    }

    private mutating func step(_ count: Int, _ node: Node) throws(ExpressionError) {
        stepsLeft -= count
        guard stepsLeft >= 0 else { throw fail("takes too long over these values", node) }
    }

    mutating func value(of node: Node) throws(ExpressionError) -> ExpressionValue {
        try step(1, node)
        switch node.kind {
        case .literal(let value): return value
        case .name(let name):
            guard let value = names[name] else { throw fail("\"\(name)\" has no value here", node) }
            return value
        case .select(let operand, let field): return try select(field, of: try value(of: operand), node)
        case .has(let operand, let field):
            let map = try value(of: operand)
            guard case .map = map else { throw fail("\(map.kind) has no fields, so has() cannot be asked", node) }
            return .bool(map.member(field) != nil)
        case .index(let operand, let index):
            let container = try value(of: operand)
            return try element(container, try value(of: index), node)
        case .list(let nodes):
            var elements: [ExpressionValue] = []
            for node in nodes { elements.append(try value(of: node)) }
            return .list(elements)
        case .map(let nodes): return try map(nodes)
        case .call(let function, let nodes):
            var arguments: [ExpressionValue] = []
            for node in nodes { arguments.append(try value(of: node)) }
            try step(arguments.reduce(0) { $0 + Self.size($1) }, node)
            guard let result = function.apply(arguments) else {
                let kinds = arguments.map(\.kind).joined(separator: " and ")
                throw fail("\(function.name)() does not take \(kinds)", node)
            }
            return result
        case .not(let operand): return .bool(!(try bool(operand, "!")))
        case .negate(let operand): return try negated(try value(of: operand), node)
        case .binary(let symbol, let left, let right): return try binary(symbol, left, right, node)
        case .all(let operands): return .bool(try decide(operands, by: false, "&&"))
        case .any(let operands): return .bool(try decide(operands, by: true, "||"))
        case .conditional(let condition, let yes, let no):
            return try value(of: try bool(condition, "?") ? yes : no)
        }
    }

    private static func size(_ value: ExpressionValue) -> Int {
        guard case .string(let text) = value else { return 1 }
        return text.utf8.count / bytesPerStep + 1
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
                // Out of steps is the end, not something that another operand makes good.
                guard stepsLeft >= 0 else { throw error }
                first = first ?? error
            }
        }
        if let first { throw first }
        return !deciding
    }

    // MARK: - Fields and elements

    private func select(
        _ field: String,
        of operand: ExpressionValue,
        _ node: Node
    ) throws(ExpressionError) -> ExpressionValue {
        guard case .map = operand else { throw fail("\(operand.kind) has no field \"\(field)\"", node) }
        guard let value = operand.member(field) else {
            throw fail("there is no field \"\(field)\"; has() tells beforehand", node)
        }
        return value
    }

    private func element(
        _ container: ExpressionValue,
        _ index: ExpressionValue,
        _ node: Node
    ) throws(ExpressionError) -> ExpressionValue {
        switch (container, index) {
        case (.map, .string(let key)): return try select(key, of: container, node)
        case (.list(let elements), _) where index.isNumber:
            for (number, element) in elements.enumerated()
            where ExpressionValue.order(.int(Int64(number)), index) == .equal { return element }
            throw fail("the list has \(elements.count) elements, counted from 0", node)
        default: throw fail("\(container.kind) cannot be indexed by \(index.kind)", node)
        }
    }

    private mutating func map(_ nodes: [(key: Node, value: Node)]) throws(ExpressionError) -> ExpressionValue {
        var members: [ExpressionValue.Member] = []
        for (keyNode, valueNode) in nodes {
            let key = try value(of: keyNode)
            guard case .string(let name) = key else { throw fail("a map's key must be a string", keyNode) }
            guard !members.contains(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
                throw fail("the map has the key \"\(name)\" twice", keyNode)
            }
            try step(members.count, keyNode)
            members.append(ExpressionValue.Member(name, try value(of: valueNode)))
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

    /// Values of different types are not equal, but numbers are by their value.
    private mutating func areEqual(
        _ left: ExpressionValue,
        _ right: ExpressionValue,
        _ node: Node
    ) throws(ExpressionError) -> Bool {
        try step(Self.size(left), node)
        switch (left, right) {
        case (.null, .null): return true
        case (.list(let left), .list(let right)):
            guard left.count == right.count else { return false }
            for (mine, theirs) in zip(left, right) where !(try areEqual(mine, theirs, node)) { return false }
            return true
        case (.map(let left), .map(let right)):
            guard left.count == right.count else { return false }
            for member in left {
                try step(right.count, node)
                guard let other = ExpressionValue.map(right).member(member.name),
                    try areEqual(member.value, other, node)
                else { return false }
            }
            return true
        default: return ExpressionValue.order(left, right) == .equal
        }
    }

    private mutating func compare(
        _ symbol: Operator,
        _ left: ExpressionValue,
        _ right: ExpressionValue,
        _ node: Node
    ) throws(ExpressionError) -> Bool {
        try step(Self.size(left), node)
        let isComparable: Bool
        switch (left, right) {
        case (.string, .string), (.bool, .bool): isComparable = true
        default: isComparable = left.isNumber && right.isNumber
        }
        guard isComparable else { throw fail("\(left.kind) and \(right.kind) have no order", node) }
        switch (ExpressionValue.order(left, right), symbol) {
        case (.less, .less), (.less, .lessOrEqual), (.equal, .lessOrEqual), (.equal, .greaterOrEqual),
            (.greater, .greater), (.greater, .greaterOrEqual):
            return true
        default: return false
        }
    }

    private mutating func isElement(
        _ value: ExpressionValue,
        of container: ExpressionValue,
        _ node: Node
    ) throws(ExpressionError) -> Bool {
        switch container {
        case .list(let elements):
            for element in elements where try areEqual(value, element, node) { return true }
            return false
        case .map(let members):
            guard case .string(let name) = value else { return false }
            try step(members.count, node)
            return container.member(name) != nil
        default: throw fail("\"in\" takes a list or a map, this is \(container.kind)", node)
        }
    }
}
