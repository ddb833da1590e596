// Equality, order, and whether something is among others.
extension Evaluator {
    /// Values of different types are not equal, but numbers are by their value.
    mutating func areEqual(
        _ left: ExpressionValue,
        _ right: ExpressionValue,
        _ node: Node
    ) throws(ExpressionError) -> Bool {
        try step(Self.size(left), node)
        switch (left, right) {
        case (.null, .null): return true
        case (.type(let left), .type(let right)): return left == right
        case (.list(let left), .list(let right)):
            guard left.count == right.count else { return false }
            for (mine, theirs) in zip(left, right) where !(try areEqual(mine, theirs, node)) { return false }
            return true
        case (.map(let left), .map(let right)):
            guard left.count == right.count else { return false }
            for member in left {
                try step(right.count, node)
                guard let other = try self.member(member.key, of: .map(right), node),
                    try areEqual(member.value, other, node)
                else { return false }
            }
            return true
        default: return ExpressionValue.order(left, right) == .equal
        }
    }

    mutating func compare(
        _ symbol: Operator,
        _ left: ExpressionValue,
        _ right: ExpressionValue,
        _ node: Node
    ) throws(ExpressionError) -> Bool {
        try step(Self.size(left), node)
        let isComparable: Bool
        switch (left, right) {
        case (.string, .string), (.bool, .bool), (.bytes, .bytes), (.timestamp, .timestamp), (.duration, .duration):
            isComparable = true
        default: isComparable = left.isNumber && right.isNumber
        }
        guard isComparable else {
            throw fail("\(left.kind) and \(right.kind) have no order\(Self.timeHint(left, right))", node)
        }
        switch (ExpressionValue.order(left, right), symbol) {
        case (.less, .less), (.less, .lessOrEqual), (.equal, .lessOrEqual), (.equal, .greaterOrEqual),
            (.greater, .greater), (.greater, .greaterOrEqual):
            return true
        default: return false
        }
    }

    mutating func isElement(
        _ value: ExpressionValue,
        of container: ExpressionValue,
        _ node: Node
    ) throws(ExpressionError) -> Bool {
        switch container {
        case .list(let elements):
            for element in elements where try areEqual(value, element, node) { return true }
            return false
        case .map: return try member(value, of: container, node) != nil
        default: throw fail("\"in\" takes a list or a map, this is \(container.kind)", node)
        }
    }

    /// The times of an event are strings until they are converted.
    static func timeHint(_ left: ExpressionValue, _ right: ExpressionValue) -> String {
        switch (left, right) {
        case (.timestamp, .string), (.string, .timestamp): "; timestamp(…) makes a timestamp of a string"
        case (.duration, .string), (.string, .duration): "; duration(…) makes a duration of a string"
        default: ""
        }
    }
}
