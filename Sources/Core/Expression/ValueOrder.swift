/// The order of two values; nil when there is none, as with NaN.
enum Order { case less, equal, greater }

extension ExpressionValue {
    /// Compares numbers of any types by their value.
    static func order(_ left: ExpressionValue, _ right: ExpressionValue) -> Order? {
        switch (left, right) {
        case (.int(let left), .int(let right)): order(left, right)
        case (.uint(let left), .uint(let right)): order(left, right)
        case (.double(let left), .double(let right)): orderDoubles(left, right)
        case (.int(let left), .uint(let right)): left < 0 ? .less : order(UInt64(left), right)
        case (.uint(let left), .int(let right)): right < 0 ? .greater : order(left, UInt64(right))
        case (.int(let left), .double(let right)): orderWhole(left, right)
        case (.uint(let left), .double(let right)): orderWhole(left, right)
        case (.double(let left), .int(let right)): reversed(orderWhole(right, left))
        case (.double(let left), .uint(let right)): reversed(orderWhole(right, left))
        case (.string(let left), .string(let right)): orderStrings(left, right)
        case (.bool(let left), .bool(let right)): order(left ? 1 : 0, right ? 1 : 0)
        case (.bytes(let left), .bytes(let right)): orderBytes(left, right)
        case (.timestamp(let left), .timestamp(let right)): order(left, right)
        case (.duration(let left), .duration(let right)): order(left, right)
        default: nil
        }
    }

    private static func order<Value: Comparable>(_ left: Value, _ right: Value) -> Order {
        left < right ? .less : left == right ? .equal : .greater
    }

    private static func orderDoubles(_ left: Double, _ right: Double) -> Order? {
        left.isNaN || right.isNaN ? nil : order(left, right)
    }

    /// As doubles, where a large whole number is rounded: so CEL has it, the bounds of the type apart.
    private static func orderWhole<Whole: FixedWidthInteger>(_ left: Whole, _ right: Double) -> Order? {
        if right > Double(Whole.max) { return .less }
        if right < Double(Whole.min) { return .greater }
        return orderDoubles(Double(left), right)
    }

    private static func reversed(_ order: Order?) -> Order? {
        switch order {
        case .less: .greater
        case .greater: .less
        default: order
        }
    }

    /// By code points, as CEL has it; not by what a reader takes for equal.
    private static func orderStrings(_ left: String, _ right: String) -> Order {
        orderBytes(left.utf8, right.utf8)
    }

    private static func orderBytes(_ left: some Sequence<UInt8>, _ right: some Sequence<UInt8>) -> Order {
        if left.elementsEqual(right) { return .equal }
        return left.lexicographicallyPrecedes(right) ? .less : .greater
    }
}
