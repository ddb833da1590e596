/// A condition over JSON-like values, in a subset of CEL (Common Expression Language).
///
/// Literals, field selection, indexing, `has()`, comparison, `&&`, `||`, `!`, `in`, arithmetic, `a ? b : c`, the macros
/// `all`, `exists`, `exists_one`, `filter` and `map`, conversions, functions of strings, timestamps and durations; no
/// messages and no regular expressions. Errors behave as in CEL: a missing field is one, and `&&` and `||` absorb one
/// when the other side decides. Whatever the text and the values are, parsing and evaluation end within fixed bounds.
public struct Expression: Sendable {
    /// The text it was made of.
    public let source: String
    /// Those of the names that it asks for: the others need no value.
    public let namesUsed: Set<String>
    private let root: Node
    private let limits: ExpressionLimits

    /// Parses a text.
    ///
    /// - Parameter names: What may be named at the top level; others are refused at once.
    public init(
        _ source: String,
        names: [String],
        limits: ExpressionLimits = ExpressionLimits()
    ) throws(ExpressionError) {
        self.source = source
        self.limits = limits
        var parser = try Parser(source, names: names, limits: limits)
        root = try parser.parse()
        namesUsed = parser.namesUsed
    }

    /// The value for the given names.
    public func evaluate(_ names: [String: ExpressionValue]) throws(ExpressionError) -> ExpressionValue {
        var evaluator = Evaluator(source: source, names: names, stepsLeft: limits.steps)
        return try evaluator.value(of: root)
    }

    /// Whether the condition holds; throws when its value is neither true nor false.
    public func holds(_ names: [String: ExpressionValue]) throws(ExpressionError) -> Bool {
        let value = try evaluate(names)
        guard case .bool(let result) = value else {
            throw ExpressionError(
                "a condition must be true or false, this is \(value.kind)",
                source: source,
                at: root.position
            )
        }
        return result
    }
}

/// The bounds of an expression.
public struct ExpressionLimits: Hashable, Sendable {
    /// The longest text, in bytes.
    public var sourceBytes = 16 * 1024
    /// How deep parentheses, lists and operators may nest.
    public var depth = 64
    /// The most steps of an evaluation: operators, elements compared, pieces of long strings.
    public var steps = 100_000

    /// The defaults.
    public init() {}
}
