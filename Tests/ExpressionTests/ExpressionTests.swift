import Expression
import Testing

private typealias Value = ExpressionValue

private let names: [String: ExpressionValue] = [
    "n": .int(3), "u": .uint(3), "d": .double(3), "s": .string("héllo"), "yes": .bool(true), "nothing": .null,
    "list": .list([.int(1), .string("a"), .null]),
    "event": .map([
        .init("location", .map([.init("lat", .double(31.3)), .init("place", .null)])),
        .init("station", .string("nogales")),
    ]),
]

private func value(_ source: String) throws(ExpressionError) -> ExpressionValue {
    try Expression(source, names: names.keys.sorted()).evaluate(names)
}

private func failure(_ source: String) -> ExpressionError? {
    do throws(ExpressionError) {
        _ = try value(source)
        return nil
    } catch { return error }
}

struct ExpressionTests {
    @Test(arguments: [
        ("null", "null"), ("true", "true"), ("7", "7"), ("-7", "-7"), ("0x1F", "31"), ("7u", "7u"), ("0xffu", "255u"),
        ("1.5e2", "150.0"), (".5", "0.5"), ("-9223372036854775808", "-9223372036854775808"),
        ("'a\\n\\u00e9\\x41\\101'", "'a\néAA'"), ("r'a\\n'", "'a\\n'"), ("\"it's\"", "'it's'"),
        ("'''two\nlines'''", "'two\nlines'"), ("[1, 'a', [],]", "[1,'a',[]]"), ("{'a': 1, 'b': [2]}", "{a:1,b:[2]}"),
        ("1 // one", "1"),
    ])
    func `literals`(_ source: String, _ wanted: String) throws { #expect(show(try value(source)) == wanted) }

    @Test(arguments: [
        ("1 + 2 * 3 - 4 / 2", "5"), ("(1 + 2) * 3", "9"), ("7 % 4", "3"), ("-7 / 2", "-3"), ("-n + 1", "-2"),
        ("1.5 + 2.0", "3.5"), ("'a' + 'b'", "'ab'"), ("[1] + [2]", "[1,2]"), ("2u - 1u", "1u"), ("- - 3", "3"),
        ("1.0 / 0.0", "inf"), ("10 - 3 - 2", "5"), ("yes ? 1 : 2", "1"), ("!yes ? 1 : yes ? 2 : 3", "2"),
    ])
    func `arithmetic`(_ source: String, _ wanted: String) throws { #expect(show(try value(source)) == wanted) }

    @Test(arguments: [
        "1 == 1", "1 == 1.0", "1u == 1", "n == u && u == d", "1 != 2", "'a' != 1", "null == null", "nothing == null",
        "[1, 2.0] == [1u, 2]", "{'a': 1, 'b': 2} == {'b': 2, 'a': 1.0}", "1 < 2.5", "2.5 > 2u", "-1 < 0u", "'a' < 'b'",
        "'Z' < 'a'", "false < true", "3 <= 3", "3 >= 3.0", "1 in [1, 2]", "!('x' in ['y'])", "'lat' in event.location",
        "!(1 in event)", "9007199254740994 > 9007199254740992.0", "18446744073709551615u < 1e30",
        "-9223372036854775808 > -1e30", "!(0.0/0.0 == 0.0/0.0)", "0.0/0.0 != 1", "!(0.0/0.0 < 1)",
        "'\\u00e9' != 'e\\u0301'", "!!yes",
    ])
    func `comparisons that hold`(_ source: String) throws {
        #expect(try Expression(source, names: names.keys.sorted()).holds(names), "\(source)")
    }

    @Test(arguments: [
        ("event.location.lat", "31.3"), ("event['station']", "'nogales'"), ("list[1]", "'a'"), ("list[2u]", "null"),
        ("has(event.location)", "true"), ("has(event.location.place)", "true"), ("has(event.location.lon)", "false"),
        ("size(s)", "5"), ("s.size()", "5"), ("size(list) + size(event)", "5"), ("s.contains('ll')", "true"),
        ("s.contains('')", "true"), ("s.contains('lo!')", "false"), ("s.startsWith('hé')", "true"),
        ("s.endsWith('llo')", "true"), ("''.endsWith('a')", "false"), ("'aab'.contains('ab')", "true"),
    ])
    func `fields, elements and functions`(_ source: String, _ wanted: String) throws {
        #expect(show(try value(source)) == wanted)
    }

    @Test(arguments: [
        ("event.x == 1 || true", true), ("true || event.x == 1", true), ("event.x == 1 && false", false),
        ("false && event.x == 1", false), ("event.x || event.y || true", true), ("1/0 > 0 && 1/0 > 0 && false", false),
        ("true ? true : 1/0 > 0", true), ("!has(event.x) || event.x > 2", true), ("1 || true", true),
    ])
    func `an operand that decides absorbs the error of another`(_ source: String, _ wanted: Bool) throws {
        #expect(try Expression(source, names: names.keys.sorted()).holds(names) == wanted)
    }

    @Test(arguments: [
        ("event.lon", "1:7: no such field \"lon\"", 7),
        ("event.x == 1 || false", "no such field \"x\"", 7),
        ("true && event.x", "no such field \"x\"", 15),
        ("1 + 1.0", "both sides must be of one type", 3), ("1 + 'a'", "+ does not take an int and a string", 3),
        ("9223372036854775807 + 1", "does not fit", 21), ("-(-9223372036854775808)", "does not fit an int", 1),
        ("1 / 0", "division by zero", 3), ("1 % 0", "division by zero", 3), ("1u - 2u", "does not fit", 4),
        ("1 < 'a'", "have no order", 3), ("null < null", "have no order", 6), ("!1", "! takes a bool", 2),
        ("1 ? 2 : 3", "? takes a bool", 1), ("list[3]", "has 3 elements", 5), ("list[-1]", "has 3 elements", 5),
        ("list['a']", "cannot be indexed by a string", 5), ("s.x", "a string has no field", 3),
        ("1 in 2", "\"in\" takes", 3),
        ("size(1)", "size() does not take an int", 1), ("has(s.x)", "has no fields", 1),
        ("{1.5: 2}", "key must be a string", 2),
        ("{'a': 1, 'a': 2}", "twice", 10),
    ])
    func `errors say what and where`(_ source: String, _ words: String, _ column: Int) throws {
        let error = try #require(failure(source), "\(source)")
        #expect(error.description.contains(words), "\(error)")
        #expect(error.column == column, "\(error)")
    }

    @Test(arguments: [
        ("", "no expression"), ("1 +", "ends where a value"), ("1 2", "left over"), ("(1", "\")\" is missing"),
        ("a = 1", "equality is =="), ("n & 1", "write it twice"), ("'abc", "does not end"), ("'\\q'", "no such escape"),
        ("foo == 1", "there is no \"foo\" here"), ("bar(1)", "no function bar()"),
        ("s.matches('x')", "no method matches()"),
        ("has(s)", "takes one field"), ("size()", "takes 1 value"), ("s.contains()", "takes 1 value"),
        ("contains('a', 'b')", "no function"),
        ("99999999999999999999", "more than 64 bits"), ("9223372036854775808", "write 9223372036854775808u"),
        ("0xg", "hexadecimal"), ("1e", "exponent"), ("if == 1", "reserved"), ("n.", "field's name"), ("[1 2]", "\"]\""),
        ("{'a' 1}", "\":\""), ("n ? 1", "\":\""), ("§", "means nothing"), ("* 2", "where a value"),
        ("'\\ud800'", "scalar"), ("in", "where a value"),
    ])
    func `what is no expression is refused before it runs`(_ source: String, _ words: String) throws {
        let error = try #require(failure(source), "\(source)")
        #expect(error.description.contains(words), "\(error)")
    }

    @Test func `an error shows its line with a caret below the place`() throws {
        let error = try #require(failure("yes &&\n\tevent.x == 1"))
        #expect(
            error.description == """
                2:8: no such field "x"; has() tells beforehand
                   event.x == 1
                         ^
                """
        )
    }

    @Test func `what an event holds is told without what moves a terminal's cursor`() throws {
        let hostile = "\u{1B}[31m\u{7}\u{202E}\u{2028}a" + String(repeating: "e\u{301}", count: 9000)
        for source in [
            "timestamp(t)", "t.x", "{'a': 1}[t]", "{t: 1, t: 2}", "int(t)", "timestamp(0).getHours(t)", "m.abb",
        ] {
            let values: [String: ExpressionValue] = ["t": .string(hostile), "m": .map([.init("ab\u{1B}", .int(1))])]
            let expression = try Expression(source, names: ["m", "t"])
            let error = try #require(throws: ExpressionError.self) { try expression.evaluate(values) }
            #expect(error.reason.unicodeScalars.count < 200, "\(source)")
            #expect(
                !error.reason.unicodeScalars.contains { $0.value < 0x20 || [0x202E, 0x2028].contains($0.value) },
                "\(source)"
            )
        }
        let shown = try #require(failure("'\u{1B}\u{202E}' + 1")).description
        #expect(shown.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && $0.value != 0x202E })
    }

    @Test func `depth, length and steps are bounded`() throws {
        for deep in [
            String(repeating: "(", count: 500) + "1" + String(repeating: ")", count: 500),
            String(repeating: "!", count: 500) + "yes", String(repeating: "[", count: 9000),
            "1" + String(repeating: "+1", count: 500), "yes" + String(repeating: "?yes:yes", count: 500),
            "n" + String(repeating: ".a", count: 500),
        ] {
            #expect(try #require(failure(deep)).reason.contains("nested"), "\(deep.prefix(20))")
        }
        #expect(try #require(failure("'" + String(repeating: "x", count: 20_000) + "'")).reason.contains("longer"))
        // Many alternatives side by side are not deep.
        let wide = Array(repeating: "n == 4", count: 1000).joined(separator: " || ")
        #expect(show(try value(wide)) == "false")
        let large: [String: ExpressionValue] = ["list": .list(Array(repeating: .int(1), count: 1000))]
        let slow = try Expression(
            Array(repeating: "(2 in list)", count: 200).joined(separator: " || ") + " || true",
            names: ["list"]
        )
        #expect(throws: ExpressionError.self) { try slow.evaluate(large) }
    }

    @Test func `no bytes make it crash`() {
        var random = SystemRandomNumberGenerator()
        let pieces = [
            "event", ".", "(", ")", "[", "]", "'", "\"", "\\", "1", "0x", "e", "+", "-", "!", "&&", "||", "==", "<",
            "in", "?", "b'", "br'", ".all(x,", ".map(x,", "[1]", "x", "timestamp(", "duration(", "'1h'", "int(",
            ".getHours(",
            "'2026-11-25T00:00:00Z'", "google.protobuf.", "Timestamp", "\\xff", "type(",
            ":", ",", "has", "size", "{", "}", "r'", "\u{0}", "é", "\n", "9223372036854775808", "u", ".5", "/", "//",
            " ",
        ]
        for _ in 0..<20_000 {
            let source = (0..<Int.random(in: 1..<14, using: &random)).map { _ in pieces.randomElement(using: &random)! }
                .joined()
            if let error = failure(source) { #expect(error.column >= 1 && error.line >= 1 && !error.reason.isEmpty) }
        }
    }

    @Test func `numbers of JSON are whole where they are written so`() {
        #expect(ExpressionValue.number("12").map(show) == "12")
        #expect(ExpressionValue.number("18446744073709551615").map(show) == "18446744073709551615u")
        #expect(ExpressionValue.number("1e3").map(show) == "1000.0")
        #expect(ExpressionValue.number("x").map(show) == nil)
    }
}
