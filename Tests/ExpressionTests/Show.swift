import Expression

/// A value as the tables of these tests write it.
func show(_ value: ExpressionValue) -> String {
    switch value {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .int(let value): "\(value)"
    case .uint(let value): "\(value)u"
    case .double(let value): "\(value)"
    case .string(let value): "'\(value)'"
    case .bytes(let value): "b" + value.map { String($0 + 0, radix: 16) }.joined(separator: ".")
    case .timestamp(let time): "T(\(time))"
    case .duration(let nanoseconds): "D(\(nanoseconds))"
    case .type(let name): "<\(name)>"
    case .list(let values): "[" + values.map(show).joined(separator: ",") + "]"
    case .map(let members): "{" + members.map { "\(key($0.key)):\(show($0.value))" }.joined(separator: ",") + "}"
    }
}

private func key(_ value: ExpressionValue) -> String {
    guard case .string(let name) = value else { return show(value) }
    return name
}
