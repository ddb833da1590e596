/// A node of a parsed expression.
struct Node: Sendable {
    indirect enum Kind: Sendable {
        case literal(ExpressionValue)
        case name(String)
        /// The variable of a macro, by its place among those around it.
        case local(Int)
        case select(Node, String)
        /// `has(operand.field)`.
        case has(Node, String)
        case index(Node, Node)
        case list([Node])
        case map([(key: Node, value: Node)])
        /// A function, or a method with what it is called on in front.
        case call(Function, [Node])
        /// `range.all(variable, …)` and its like.
        case macro(Macro, Node, [Node])
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

/// What goes through the elements of a list, or the keys of a map.
enum Macro: String, Sendable, CaseIterable {
    case all, exists, filter, map
    case existsOne = "exists_one"

    /// Another spelling of newer versions of CEL counts as well.
    init?(name: String) { self.init(rawValue: name == "existsOne" ? "exists_one" : name) }
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
    let tokens: [Token]
    let names: [String]
    private let limits: ExpressionLimits
    var at = 0
    private var nesting = 0
    /// The variables of the macros around, the innermost last.
    var locals: [String] = []
    /// The names of the top level that the expression asks for.
    var namesUsed: Set<String> = []

    /// Words that are never names.
    static let keywords: Set<String> = ["false", "in", "null", "true"]
    /// Words that are fields' names at most.
    static let reserved: Set<String> = [
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

    var token: Token { tokens[at] }

    func fail(_ reason: String, at position: Int? = nil) -> ExpressionError {
        ExpressionError(reason, source: source, at: position ?? token.position)
    }

    mutating func take(_ sign: String) -> Bool {
        guard token.kind == .sign(sign) else { return false }
        at += 1
        return true
    }

    mutating func expect(_ sign: String, _ purpose: String) throws(ExpressionError) {
        guard take(sign) else { throw fail("\"\(sign)\" is missing \(purpose)") }
    }

    func make(_ kind: Node.Kind, _ position: Int, _ children: [Node]) throws(ExpressionError) -> Node {
        let depth = (children.map(\.depth).max() ?? 0) + 1
        guard depth <= 4 * limits.depth else { throw fail("nested too deep", at: position) }
        return Node(kind: kind, position: position, depth: depth)
    }

    // MARK: - From the weakest operator to the strongest

    mutating func expression() throws(ExpressionError) -> Node {
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
        let isNot = take("!")
        guard isNot || take("-") else { return try member() }
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= limits.depth else { throw fail("nested deeper than \(limits.depth) levels") }
        if isNot {
            let operand = try unary()
            return try make(.not(operand), position, [operand])
        }
        // The lowest int can only be written with its sign.
        if case .int(let value) = token.kind, value <= UInt64(Int64.max) + 1 {
            at += 1
            let lowest = value > UInt64(Int64.max) ? Int64.min : -Int64(value)
            return try suffixes(try make(.literal(.int(lowest)), position, []))
        }
        let operand = try unary()
        return try make(.negate(operand), position, [operand])
    }
}
