/// A value that an expression works on.
public indirect enum ExpressionValue: Sendable {
    /// A member of a map.
    public struct Member: Sendable {
        /// The key.
        public var name: String
        /// What it holds.
        public var value: ExpressionValue

        /// Joins the two.
        public init(_ name: String, _ value: ExpressionValue) {
            self.name = name
            self.value = value
        }
    }

    /// Nothing.
    case null
    /// True or false.
    case bool(Bool)
    /// A whole number.
    case int(Int64)
    /// A whole number that is not negative.
    case uint(UInt64)
    /// A floating number.
    case double(Double)
    /// A text.
    case string(String)
    /// Elements.
    case list([ExpressionValue])
    /// Members; of several with one name the first counts.
    case map([Member])

    /// The type's name, for messages.
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a bool"
        case .int: "an int"
        case .uint: "a uint"
        case .double: "a double"
        case .string: "a string"
        case .list: "a list"
        case .map: "a map"
        }
    }

    /// A number as it is written in JSON: whole when it has neither a fraction nor an exponent and fits.
    public static func number(_ text: String) -> ExpressionValue? {
        if let whole = Int64(text) { return .int(whole) }
        if let whole = UInt64(text) { return .uint(whole) }
        return Double(text).map { .double($0) }
    }

    /// A map's member.
    public func member(_ name: String) -> ExpressionValue? {
        guard case .map(let members) = self else { return nil }
        return members.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    /// Whether it is a number.
    var isNumber: Bool {
        switch self {
        case .int, .uint, .double: true
        default: false
        }
    }
}

/// The order of two values; nil when there is none, as with NaN.
enum Order { case less, equal, greater }

extension ExpressionValue {
    /// Compares numbers of any types by their mathematical value.
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
        default: nil
        }
    }

    private static func order<Value: Comparable>(_ left: Value, _ right: Value) -> Order {
        left < right ? .less : left == right ? .equal : .greater
    }

    private static func orderDoubles(_ left: Double, _ right: Double) -> Order? {
        left.isNaN || right.isNaN ? nil : order(left, right)
    }

    /// Without a detour over Double, which would round large numbers.
    private static func orderWhole<Whole: FixedWidthInteger>(_ left: Whole, _ right: Double) -> Order? {
        guard !right.isNaN else { return nil }
        if right >= 18_446_744_073_709_551_616.0 { return .less }
        if right < -9_223_372_036_854_775_808.0 { return .greater }
        let floor = right.rounded(.down)
        guard let whole = Whole(exactly: floor) else { return floor < 0 ? .greater : .less }
        if left != whole { return order(left, whole) }
        return right > floor ? .less : .equal
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
        if left.utf8.elementsEqual(right.utf8) { return .equal }
        return left.utf8.lexicographicallyPrecedes(right.utf8) ? .less : .greater
    }
}
