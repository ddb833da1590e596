/// A node of a parsed expression.
struct Node: Sendable {
    indirect enum Kind: Sendable {
        case literal(ExpressionValue)
        case name(String)
        case select(Node, String)
        /// `has(operand.field)`.
        case has(Node, String)
        case index(Node, Node)
        case list([Node])
        case map([(key: Node, value: Node)])
        /// A function, or a method with what it is called on in front.
        case call(Function, [Node])
        case not(Node)
        case negate(Node)
        case binary(Operator, Node, Node)
        case all([Node])
        case any([Node])
        case conditional(Node, Node, Node)
    }

    var kind: Kind
    /// Scalars before it.
    var position: Int
    /// How many nodes lie below each other.
    var depth: Int
}

/// The operators with two sides, besides `&&` and `||`.
enum Operator: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case isIn = "in"
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case remainder = "%"
}

/// Reads tokens into a tree; refuses what it does not know, and what nests too deep.
struct Parser {
    private let source: String
    private let tokens: [Token]
    private let names: [String]
    private let limits: ExpressionLimits
    private var at = 0
    private var nesting = 0

    private static let reserved: Set<String> = [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
        "namespace", "return", "var", "void", "while",
    ]

    init(_ source: String, names: [String], limits: ExpressionLimits) throws(ExpressionError) {
        guard source.utf8.count <= limits.sourceBytes else {
            throw ExpressionError("longer than \(limits.sourceBytes) bytes", source: "", at: 0)
        }
        self.source = source
        self.names = names
        self.limits = limits
        tokens = try Lexer.tokens(source)
    }

    mutating func parse() throws(ExpressionError) -> Node {
        if case .end = tokens[0].kind { throw fail("there is no expression") }
        let root = try expression()
        guard case .end = token.kind else { throw fail("something is left over behind the expression") }
        return root
    }

    private var token: Token { tokens[at] }

    private func fail(_ reason: String, at position: Int? = nil) -> ExpressionError {
        ExpressionError(reason, source: source, at: position ?? token.position)
    }

    private mutating func take(_ sign: String) -> Bool {
        guard token.kind == .sign(sign) else { return false }
        at += 1
        return true
    }

    private mutating func expect(_ sign: String, _ purpose: String) throws(ExpressionError) {
        guard take(sign) else { throw fail("\"\(sign)\" is missing \(purpose)") }
    }

    private func make(_ kind: Node.Kind, _ position: Int, _ children: [Node]) throws(ExpressionError) -> Node {
        let depth = (children.map(\.depth).max() ?? 0) + 1
        guard depth <= 4 * limits.depth else { throw fail("nested too deep", at: position) }
        return Node(kind: kind, position: position, depth: depth)
    }

    // MARK: - From the weakest operator to the strongest

    private mutating func expression() throws(ExpressionError) -> Node {
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= limits.depth else { throw fail("nested deeper than \(limits.depth) levels") }
        let condition = try anyOf()
        let position = token.position
        guard take("?") else { return condition }
        let yes = try anyOf()
        try expect(":", "between the two values of ?")
        let no = try expression()
        return try make(.conditional(condition, yes, no), position, [condition, yes, no])
    }

    private mutating func anyOf() throws(ExpressionError) -> Node {
        let first = try allOf()
        var operands = [first]
        let position = token.position
        while take("||") { operands.append(try allOf()) }
        return operands.count == 1 ? first : try make(.any(operands), position, operands)
    }

    private mutating func allOf() throws(ExpressionError) -> Node {
        let first = try relation()
        var operands = [first]
        let position = token.position
        while take("&&") { operands.append(try relation()) }
        return operands.count == 1 ? first : try make(.all(operands), position, operands)
    }

    private mutating func relation() throws(ExpressionError) -> Node {
        var left = try addition()
        while let (symbol, position) = takeOperator(["==", "!=", "<", "<=", ">", ">=", "in"]) {
            let right = try addition()
            left = try make(.binary(symbol, left, right), position, [left, right])
        }
        return left
    }

    private mutating func addition() throws(ExpressionError) -> Node {
        var left = try multiplication()
        while let (symbol, position) = takeOperator(["+", "-"]) {
            let right = try multiplication()
            left = try make(.binary(symbol, left, right), position, [left, right])
        }
        return left
    }

    private mutating func multiplication() throws(ExpressionError) -> Node {
        var left = try unary()
        while let (symbol, position) = takeOperator(["*", "/", "%"]) {
            let right = try unary()
            left = try make(.binary(symbol, left, right), position, [left, right])
        }
        return left
    }

    private mutating func takeOperator(_ symbols: [String]) -> (Operator, Int)? {
        let text: String
        switch token.kind {
        case .sign(let sign): text = sign
        case .name("in"): text = "in"
        default: return nil
        }
        guard symbols.contains(text), let symbol = Operator(rawValue: text) else { return nil }
        defer { at += 1 }
        return (symbol, token.position)
    }

    private mutating func unary() throws(ExpressionError) -> Node {
        let position = token.position
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= limits.depth else { throw fail("nested deeper than \(limits.depth) levels") }
        if take("!") {
            let operand = try unary()
            return try make(.not(operand), position, [operand])
        }
        guard take("-") else { return try member() }
        // The lowest int can only be written with its sign.
        if case .int(let value) = token.kind, value <= UInt64(Int64.max) + 1 {
            at += 1
            let lowest = value > UInt64(Int64.max) ? Int64.min : -Int64(value)
            return try suffixes(try make(.literal(.int(lowest)), position, []))
        }
        let operand = try unary()
        return try make(.negate(operand), position, [operand])
    }

    // MARK: - Members and values

    private mutating func member() throws(ExpressionError) -> Node { try suffixes(try primary()) }

    private mutating func suffixes(_ first: Node) throws(ExpressionError) -> Node {
        var node = first
        while true {
            let position = token.position
            if take(".") {
                let place = token.position
                let field = try fieldName()
                if take("(") {
                    let arguments = [node] + (try list(until: ")"))
                    node = try call(field, arguments, isMethod: true, place)
                } else {
                    node = try make(.select(node, field), place, [node])
                }
            } else if take("[") {
                let index = try expression()
                try expect("]", "behind the index")
                node = try make(.index(node, index), position, [node, index])
            } else {
                return node
            }
        }
    }

    private mutating func fieldName() throws(ExpressionError) -> String {
        guard case .name(let name) = token.kind else { throw fail("a field's name is missing behind the dot") }
        at += 1
        return name
    }

    private mutating func primary() throws(ExpressionError) -> Node {
        let (kind, position) = (token.kind, token.position)
        at += 1
        switch kind {
        case .int(let value):
            guard let number = Int64(exactly: value) else {
                throw fail("larger than an int can be; write \(value)u", at: position)
            }
            return try make(.literal(.int(number)), position, [])
        case .uint(let value): return try make(.literal(.uint(value)), position, [])
        case .double(let value): return try make(.literal(.double(value)), position, [])
        case .string(let value): return try make(.literal(.string(value)), position, [])
        case .name(let name): return try named(name, position)
        case .sign("("):
            let inner = try expression()
            try expect(")", "behind the expression in parentheses")
            return inner
        case .sign("["):
            let elements = try list(until: "]")
            return try make(.list(elements), position, elements)
        case .sign("{"): return try map(position)
        case .sign(let sign): throw fail("\"\(sign)\" stands where a value is expected", at: position)
        case .end:
            at -= 1
            throw fail("the expression ends where a value is expected")
        }
    }

    private mutating func named(_ name: String, _ position: Int) throws(ExpressionError) -> Node {
        switch name {
        case "true": return try make(.literal(.bool(true)), position, [])
        case "false": return try make(.literal(.bool(false)), position, [])
        case "null": return try make(.literal(.null), position, [])
        case "in": throw fail("\"in\" stands where a value is expected", at: position)
        default: break
        }
        guard !Self.reserved.contains(name) else { throw fail("\"\(name)\" is a reserved word", at: position) }
        if take("(") {
            let arguments = try list(until: ")")
            return try call(name, arguments, isMethod: false, position)
        }
        guard names.contains(name) else {
            throw fail("there is no \"\(name)\" here; known are \(names.joined(separator: ", "))", at: position)
        }
        return try make(.name(name), position, [])
    }

    private mutating func list(until end: String) throws(ExpressionError) -> [Node] {
        var elements: [Node] = []
        while !take(end) {
            elements.append(try expression())
            if take(",") { continue }
            try expect(end, "at the end of the list")
            break
        }
        return elements
    }

    private mutating func map(_ position: Int) throws(ExpressionError) -> Node {
        var members: [(key: Node, value: Node)] = []
        while !take("}") {
            let key = try expression()
            try expect(":", "between key and value")
            members.append((key, try expression()))
            if take(",") { continue }
            try expect("}", "at the end of the map")
            break
        }
        return try make(.map(members), position, members.flatMap { [$0.key, $0.value] })
    }

    private func call(
        _ name: String,
        _ arguments: [Node],
        isMethod: Bool,
        _ position: Int
    ) throws(ExpressionError) -> Node {
        if name == "has", !isMethod {
            guard arguments.count == 1, case .select(let operand, let field) = arguments[0].kind else {
                throw fail("has() takes one field, such as has(event.location)", at: position)
            }
            return try make(.has(operand, field), position, [operand])
        }
        guard let function = Function.all.first(where: { $0.name == name && $0.allows(isMethod: isMethod) }) else {
            let known = Function.all.filter { $0.allows(isMethod: isMethod) }.map(\.name).joined(separator: ", ")
            let what = isMethod ? "method" : "function"
            throw fail("there is no \(what) \(name)(); known are \(known)\(isMethod ? "" : ", has")", at: position)
        }
        guard arguments.count == function.arguments else {
            let wanted = function.arguments - (isMethod ? 1 : 0)
            throw fail("\(name)() takes \(wanted) \(wanted == 1 ? "value" : "values")", at: position)
        }
        return try make(.call(function, arguments), position, arguments)
    }
}
