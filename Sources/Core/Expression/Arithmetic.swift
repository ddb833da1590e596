// Numbers of one type on both sides, and times; what does not fit is an error, as CEL has it.
extension Evaluator {
    func negated(_ value: ExpressionValue, _ node: Node) throws(ExpressionError) -> ExpressionValue {
        switch value {
        case .int(let number):
            guard number != .min else { throw fail("the result does not fit an int", node) }
            return .int(-number)
        case .double(let number): return .double(-number)
        default: throw fail("- takes an int or a double, this is \(value.kind)", node)
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
            try step((left.utf8.count + right.utf8.count) / Self.bytesPerStep, node)
            return .string(left + right)
        case (.list(let left), .list(let right)) where symbol == .add:
            try step(left.count + right.count, node)
            return .list(left + right)
        case (.bytes(let left), .bytes(let right)) where symbol == .add:
            try step((left.count + right.count) / Self.bytesPerStep, node)
            return .bytes(left + right)
        default:
            if let value = try time(symbol, left, right, node) { return value }
            let isNumbers = left.isNumber && right.isNumber
            let hint =
                isNumbers ? "; both sides must be of one type, such as 1.0 + 2.0" : Self.timeHint(left, right)
            throw fail("\(symbol.rawValue) does not take \(left.kind) and \(right.kind)\(hint)", node)
        }
    }

    /// Sums and differences of timestamps and durations; nil for other values.
    private func time(
        _ symbol: Operator,
        _ left: ExpressionValue,
        _ right: ExpressionValue,
        _ node: Node
    ) throws(ExpressionError) -> ExpressionValue? {
        switch (left, symbol, right) {
        case (.timestamp(let time), .add, .duration(let span)), (.duration(let span), .add, .timestamp(let time)):
            guard let sum = time.adding(span) else { throw fail(Self.timeRange, node) }
            return .timestamp(sum)
        case (.timestamp(let time), .subtract, .duration(let span)):
            guard span != .min, let difference = time.adding(-span) else { throw fail(Self.timeRange, node) }
            return .timestamp(difference)
        case (.timestamp(let left), .subtract, .timestamp(let right)):
            guard let span = left.since(right) else { throw fail(Self.spanRange, node) }
            return .duration(span)
        case (.duration(let left), .add, .duration(let right)):
            let (sum, isLong) = left.addingReportingOverflow(right)
            guard !isLong else { throw fail(Self.spanRange, node) }
            return .duration(sum)
        case (.duration(let left), .subtract, .duration(let right)):
            let (difference, isLong) = left.subtractingReportingOverflow(right)
            guard !isLong else { throw fail(Self.spanRange, node) }
            return .duration(difference)
        default: return nil
        }
    }

    private static let timeRange = "the result is out of range: a timestamp lies in the years 1 to 9999"
    private static let spanRange = "the result is out of range: a duration is at most 292 years"

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
            guard right != 0 else { throw fail("division by zero", node) }
            (result, overflow) =
                symbol == .divide
                ? left.dividedReportingOverflow(by: right) : left.remainderReportingOverflow(dividingBy: right)
        default: (result, overflow) = (0, true)
        }
        guard !overflow else { throw fail("the result does not fit 64 bits", node) }
        return result
    }
}
