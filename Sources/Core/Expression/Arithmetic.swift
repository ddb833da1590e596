// Numbers: both sides of one type, overflow is an error, as CEL has it.
extension Evaluator {
    private func fail(_ reason: String, at node: Node) -> ExpressionError {
        ExpressionError(reason, source: source, at: node.position)
    }

    func negated(_ value: ExpressionValue, _ node: Node) throws(ExpressionError) -> ExpressionValue {
        switch value {
        case .int(let number):
            guard number != .min else { throw fail("the result does not fit an int", at: node) }
            return .int(-number)
        case .double(let number): return .double(-number)
        default: throw fail("- takes an int or a double, this is \(value.kind)", at: node)
        }
    }

    mutating func calculate(
        _ symbol: Operator,
        _ left: ExpressionValue,
        _ right: ExpressionValue,
        _ node: Node
    ) throws(ExpressionError) -> ExpressionValue {
        switch (left, right) {
        case (.int(let left), .int(let right)): return .int(try whole(symbol, left, right, node))
        case (.uint(let left), .uint(let right)): return .uint(try whole(symbol, left, right, node))
        case (.double(let left), .double(let right)) where symbol != .remainder:
            switch symbol {
            case .add: return .double(left + right)
            case .subtract: return .double(left - right)
            case .multiply: return .double(left * right)
            default: return .double(left / right)
            }
        case (.string(let left), .string(let right)) where symbol == .add:
            try spend((left.utf8.count + right.utf8.count) / 64, node)
            return .string(left + right)
        case (.list(let left), .list(let right)) where symbol == .add:
            try spend(left.count + right.count, node)
            return .list(left + right)
        default:
            let hint = left.isNumber && right.isNumber ? "; both sides must be of one type, such as 1.0 + 2.0" : ""
            throw fail("\(symbol.rawValue) does not take \(left.kind) and \(right.kind)\(hint)", at: node)
        }
    }

    private mutating func spend(_ steps: Int, _ node: Node) throws(ExpressionError) {
        stepsLeft -= steps
        guard stepsLeft >= 0 else { throw fail("takes too long over these values", at: node) }
    }

    private func whole<Whole: FixedWidthInteger>(
        _ symbol: Operator,
        _ left: Whole,
        _ right: Whole,
        _ node: Node
    ) throws(ExpressionError) -> Whole {
        let (result, overflow): (Whole, Bool)
        switch symbol {
        case .add: (result, overflow) = left.addingReportingOverflow(right)
        case .subtract: (result, overflow) = left.subtractingReportingOverflow(right)
        case .multiply: (result, overflow) = left.multipliedReportingOverflow(by: right)
        case .divide, .remainder:
            guard right != 0 else { throw fail("division by zero", at: node) }
            (result, overflow) =
                symbol == .divide
                ? left.dividedReportingOverflow(by: right) : left.remainderReportingOverflow(dividingBy: right)
        default: (result, overflow) = (0, true)
        }
        guard !overflow else { throw fail("the result does not fit 64 bits", at: node) }
        return result
    }
}
