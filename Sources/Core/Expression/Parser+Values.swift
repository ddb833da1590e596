// Members, and what they are members of: names, literals, calls, macros.
extension Parser {
    mutating func member() throws(ExpressionError) -> Node { try suffixes(try primary()) }

    mutating func suffixes(_ first: Node) throws(ExpressionError) -> Node {
        var node = first
        while true {
            let position = token.position
            if take(".") {
                let place = token.position
                if case .quotedName(let field) = token.kind {
                    at += 1
                    node = try make(.select(node, field), place, [node])
                    continue
                }
                let field = try fieldName()
                if let macro = Macro(name: field), take("(") {
                    node = try self.macro(macro, field, node, place)
                } else if take("(") {
                    try checkFunction(field, isMethod: true, place)
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
        guard !Self.keywords.contains(name) else { throw fail("\(name) is no field's name; write [\"\(name)\"]") }
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
        case .bytes(let value): return try make(.literal(.bytes(value)), position, [])
        case .name(let name): return try named(name, position)
        case .sign("."):
            // A name at the top, whatever the macros around call their variables.
            guard case .name(let name) = token.kind, !Self.keywords.contains(name) else {
                throw fail("a name is missing behind the dot")
            }
            at += 1
            return try named(name, position, isAbsolute: true)
        case .sign("("):
            let inner = try expression()
            try expect(")", "behind the expression in parentheses")
            return inner
        case .sign("["):
            let elements = try list(until: "]")
            return try make(.list(elements), position, elements)
        case .sign("{"): return try map(position)
        case .quotedName:
            throw fail("a name in backquotes is a field's, behind a dot; a text is written in quotes", at: position)
        case .sign(let sign): throw fail("\"\(sign)\" stands where a value is expected", at: position)
        case .end:
            at -= 1
            throw fail("the expression ends where a value is expected")
        }
    }

    private mutating func named(
        _ name: String,
        _ position: Int,
        isAbsolute: Bool = false
    ) throws(ExpressionError) -> Node {
        switch name {
        case "true": return try make(.literal(.bool(true)), position, [])
        case "false": return try make(.literal(.bool(false)), position, [])
        case "null": return try make(.literal(.null), position, [])
        case "in": throw fail("\"in\" stands where a value is expected", at: position)
        default: break
        }
        guard !Self.reserved.contains(name) else { throw fail("\"\(name)\" is a reserved word", at: position) }
        if take("(") {
            try checkFunction(name, isMethod: false, position)
            let arguments = try list(until: ")")
            return try call(name, arguments, isMethod: false, position)
        }
        if !isAbsolute, let place = locals.lastIndex(of: name) { return try make(.local(place), position, []) }
        if names.contains(name) {
            namesUsed.insert(name)
            return try make(.name(name), position, [])
        }
        if ExpressionValue.typeNames.contains(name) { return try make(.literal(.type(name)), position, []) }
        if name == "google" { return try protobufType(position) }
        throw unknown(name, at: position)
    }

    private func unknown(_ name: String, at position: Int) -> ExpressionError {
        let known = locals + names
        let near = NearName.question(name, among: known)
        if near.isEmpty, Function.named(name, isMethod: false) != nil {
            return fail("\(name) is a function; write \(name)(…)", at: position)
        }
        let list = known.isEmpty ? "no names are known" : "known are \(known.joined(separator: ", "))"
        return fail("there is no \"\(name)\" here\(near.isEmpty ? "; " + list : near)", at: position)
    }

    private mutating func protobufType(_ position: Int) throws(ExpressionError) -> Node {
        var name = "google"
        while name.utf8.count < "google.protobuf.Timestamp".utf8.count, take(".") { name += "." + (try fieldName()) }
        guard name == "google.protobuf.Timestamp" || name == "google.protobuf.Duration" else {
            throw fail("of google's types there are google.protobuf.Timestamp and .Duration", at: position)
        }
        return try make(.literal(.type(name)), position, [])
    }

    /// Expressions with commas between; the elements of a list, not what a function is given, may end with one.
    private mutating func list(until end: String) throws(ExpressionError) -> [Node] {
        var elements: [Node] = []
        while !take(end) {
            elements.append(try expression())
            if take(",") {
                guard end == ")", token.kind == .sign(end) else { continue }
                throw fail("a value is missing behind the comma")
            }
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
        guard let function = Function.named(name, isMethod: isMethod) else {
            throw unknownFunction(name, isMethod: isMethod, position)
        }
        guard function.arguments.contains(arguments.count) else {
            let hidden = isMethod && function.style != .function ? 1 : 0
            let (least, most) = (function.arguments.lowerBound - hidden, function.arguments.upperBound - hidden)
            let wanted = least == most ? "\(least) \(least == 1 ? "value" : "values")" : "\(least) to \(most) values"
            throw fail("\(name)() takes \(wanted)", at: position)
        }
        return try make(.call(function, arguments), position, arguments)
    }

    /// Before its arguments, in which a misspelt macro's variable would be the mistake.
    private func checkFunction(_ name: String, isMethod: Bool, _ position: Int) throws(ExpressionError) {
        guard Function.named(name, isMethod: isMethod) == nil, isMethod || name != "has" else { return }
        throw unknownFunction(name, isMethod: isMethod, position)
    }

    private func unknownFunction(_ name: String, isMethod: Bool, _ position: Int) -> ExpressionError {
        let what = isMethod ? "method" : "function"
        if name == "matches" {
            let instead = "use contains, startsWith or endsWith"
            return fail("there is no \(what) matches(): regular expressions are left out; \(instead)", at: position)
        }
        let macros = Macro.allCases.map(\.rawValue)
        let other = Function.all.filter { !$0.allows(isMethod: isMethod) }.map(\.name) + (isMethod ? ["has"] : macros)
        if other.contains(name) {
            let instead = isMethod ? "\(name)(value)" : "value.\(name)(…)"
            return fail("there is no \(what) \(name)(); write \(instead)", at: position)
        }
        let known = Function.all.filter { $0.allows(isMethod: isMethod) }.map(\.name) + (isMethod ? macros : ["has"])
        let near = NearName.question(name, among: known)
        let hint = near.isEmpty ? "; known are \(known.joined(separator: ", "))" : near
        return fail("there is no \(what) \(name)()\(hint)", at: position)
    }

    /// The rest of a macro, from behind its opening parenthesis.
    private mutating func macro(
        _ macro: Macro,
        _ name: String,
        _ range: Node,
        _ position: Int
    ) throws(ExpressionError) -> Node {
        guard case .name(let variable) = token.kind, case .sign(",") = tokens[min(at + 1, tokens.count - 1)].kind,
            !Self.reserved.contains(variable), !Self.keywords.contains(variable)
        else {
            let what = macro == .map ? "a value" : "a condition"
            throw fail(
                "\(name)() takes the name of a variable and \(what), such as list.\(name)(x, x > 0)",
                at: position
            )
        }
        at += 2
        if macro != .map, case .name(let second) = token.kind, !Self.keywords.contains(second),
            tokens[min(at + 1, tokens.count - 1)].kind == .sign(",")
        {
            throw fail("\(name)() takes one variable; macros over index and value, or key and value, are left out")
        }
        locals.append(variable)
        defer { locals.removeLast() }
        let body = try list(until: ")")
        guard body.count == 1 || macro == .map && body.count == 2 else {
            throw fail(
                "\(name)() takes a variable and \(macro == .map ? "one value or two" : "one condition")",
                at: position
            )
        }
        return try make(.macro(macro, range, body), position, [range] + body)
    }
}
