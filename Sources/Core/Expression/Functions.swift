/// Why a function has no value for values of the right types.
struct FunctionFailure: Error {
    var reason: String
    init(_ reason: String) { self.reason = reason }
}

/// A function that expressions may call. What is added here is there for all of them.
struct Function: Sendable {
    /// How it may be called.
    enum Style: Sendable { case function, method, both }

    /// The result; nil when it does not take values of these types.
    typealias Body = @Sendable ([ExpressionValue]) throws(FunctionFailure) -> ExpressionValue?

    var name: String
    var style: Style
    /// How many values it takes, with the one that a method is called on.
    var arguments: ClosedRange<Int>
    var apply: Body

    func allows(isMethod: Bool) -> Bool { style == .both || (style == .method) == isMethod }

    static let all = texts + conversions + times

    static func named(_ name: String, isMethod: Bool) -> Function? {
        all.first { $0.name == name && $0.allows(isMethod: isMethod) }
    }

    private static let texts: [Function] = [
        Function(name: "size", style: .both, arguments: 1...1) { (values) throws(FunctionFailure) in
            switch values[0] {
            case .string(let text): .int(Int64(text.unicodeScalars.count))
            case .bytes(let bytes): .int(Int64(bytes.count))
            case .list(let elements): .int(Int64(elements.count))
            case .map(let members): .int(Int64(members.count))
            default: nil
            }
        },
        Function(name: "contains", style: .method, arguments: 2...2) { (values) throws(FunctionFailure) in
            strings(values) { contains($0, $1) }
        },
        Function(name: "startsWith", style: .method, arguments: 2...2) { (values) throws(FunctionFailure) in
            strings(values) { $0.utf8.starts(with: $1.utf8) }
        },
        Function(name: "endsWith", style: .method, arguments: 2...2) { (values) throws(FunctionFailure) in
            strings(values) { $0.utf8.count >= $1.utf8.count && $0.utf8.suffix($1.utf8.count).elementsEqual($1.utf8) }
        },
    ]

    private static func strings(_ values: [ExpressionValue], _ test: (String, String) -> Bool) -> ExpressionValue? {
        guard case .string(let text) = values[0], case .string(let part) = values[1] else { return nil }
        return .bool(test(text, part))
    }

    /// In time proportional to both lengths whatever they hold (Knuth, Morris and Pratt).
    private static func contains(_ text: String, _ part: String) -> Bool {
        let wanted = Array(part.utf8)
        guard !wanted.isEmpty else { return true }
        var fallback = [Int](repeating: 0, count: wanted.count)
        var matched = 0
        for index in wanted.indices.dropFirst() {
            while matched > 0, wanted[index] != wanted[matched] { matched = fallback[matched - 1] }
            if wanted[index] == wanted[matched] { matched += 1 }
            fallback[index] = matched
        }
        matched = 0
        for byte in text.utf8 {
            while matched > 0, byte != wanted[matched] { matched = fallback[matched - 1] }
            if byte == wanted[matched] { matched += 1 }
            if matched == wanted.count { return true }
        }
        return false
    }
}
