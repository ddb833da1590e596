import Expression
import Testing

private let names: [String: ExpressionValue] = [
    "x": .map([.init("name", .int(1024))]), "a": .list([.int(0)]), "b": .int(2),
]

/// The lines of a table.
private func rows(_ table: String) -> [(source: String, wanted: String)] {
    table.split(separator: "\n").compactMap { line -> (source: String, wanted: String)? in
        let parts = line.split(separator: " => ", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
    }
}

/// What an expression gives, as the tables write it.
private func outcome(_ source: String) -> String {
    do throws(ExpressionError) {
        return show(try Expression(source, names: names.keys.sorted()).evaluate(names))
    } catch { return "! " + error.reason }
}

struct TableTests {
    @Test(arguments: [
        ("basic", CoreTables.basic, 38), ("comparisons", CoreTables.comparisons, 120),
        ("arithmetic", CoreTables.arithmetic, 70), ("logic", CoreTables.logic, 29), ("fields", CoreTables.fields, 70),
        ("conversions", MoreTables.conversions, 115), ("macros", MoreTables.macros, 65),
        ("parsing", MoreTables.parsing, 60), ("times", TimeTables.times, 120),
    ])
    func `every fact of a table holds`(_ name: String, _ table: String, _ atLeast: Int) {
        let rows = rows(table)
        #expect(rows.count >= atLeast, "\(name)")
        #expect(rows.count == table.split(separator: "\n").count, "\(name) has a line without an arrow")
        for (source, wanted) in rows {
            let found = outcome(source)
            if wanted.hasPrefix("! ") {
                #expect(found.hasPrefix("! ") && found.contains(wanted.dropFirst(2)), "\(name): \(source): \(found)")
            } else {
                #expect(found == wanted, "\(name): \(source)")
            }
        }
    }

    @Test func `lines within long strings are kept as they are`() {
        for (source, wanted) in [
            ("'''a\nb'''", "a\nb"), ("\"\"\"a\r\nb\"\"\"", "a\r\nb"), ("'''\r'''", "\r"), ("'a\tb'", "a\tb"),
            ("' \u{01}\u{1F}\u{7F} '", " \u{01}\u{1F}\u{7F} "),
        ] { #expect(outcome(source).utf8.elementsEqual("'\(wanted)'".utf8), "\(source)") }
        #expect(outcome("'a\nb'").contains("does not end"))
        #expect(outcome("1 +\n\n  2") == "3")
    }

    @Test func `long chains that every implementation must take`() {
        let chain = { (piece: String, count: Int) in String(repeating: piece, count: count) }
        #expect(outcome(chain("false || ", 32) + "true") == "true")
        #expect(outcome(chain("true && ", 32) + "false") == "false")
        #expect(outcome(chain("true ? true : ", 24) + "false") == "true")
        #expect(outcome("3" + chain(" - 3 + 3", 12)) == "3")
        #expect(outcome("4" + chain(" * 4 / 4", 12)) == "4")
        #expect(outcome("[" + (0..<32).map(String.init).joined(separator: ", ") + "][17]") == "17")
        #expect(outcome("{" + (0..<32).map { "\($0): 'v\($0)'" }.joined(separator: ", ") + "}[17]") == "'v17'")
    }

    @Test func `every day from the year 1 to 9999 has its parts`() throws {
        let parts = try Expression(
            "[t.getFullYear(), t.getMonth() + 1, t.getDate(), t.getDayOfYear(), t.getDayOfWeek()]"
                + " == [y, m, d, yd, wd] && timestamp(string(t)) == t && timestamp(int(t)) == t",
            names: ["t", "y", "m", "d", "yd", "wd"]
        )
        // Counted from the first day on, a Monday, by the rules of the calendar alone.
        var (day, weekday): (Int64, Int64) = (-719_162, 1)
        for year in Int64(1)...9999 {
            let isLeap = year % 4 == 0 && year % 100 != 0 || year % 400 == 0
            var dayOfYear: Int64 = 0
            for (index, length) in [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].enumerated() {
                // The first and the last day of each month, of some years all.
                let dates = year % 400 == 0 ? Array(1...Int64(length)) : [1, Int64(length)]
                for date in dates where year % 7 == 0 || year % 100 == 0 || year == 1 || year == 9999 {
                    let time = try Expression("timestamp(s)", names: ["s"]).evaluate([
                        "s": .int((day + date - 1) * 86_400)
                    ])
                    let values: [String: ExpressionValue] = [
                        "t": time, "y": .int(year), "m": .int(Int64(index) + 1), "d": .int(date),
                        "yd": .int(dayOfYear + date - 1), "wd": .int((weekday + date - 1) % 7),
                    ]
                    let holds = try parts.holds(values)
                    if !holds { Issue.record("\(year)-\(index + 1)-\(date): \(show(time))") }
                }
                day += Int64(length)
                dayOfYear += Int64(length)
                weekday = (weekday + Int64(length)) % 7
            }
        }
        #expect(day == 2_932_897)
    }

    @Test func `a top-level field that an event does not have is an error with a hint`() throws {
        let expression = try Expression("severity == 'severe'", names: ["severity", "station", "event"])
        let values: [String: ExpressionValue] = ["station": .string("nogales"), "event": .map([])]
        let error = #expect(throws: ExpressionError.self) { try expression.evaluate(values) }
        #expect(error?.reason == "no such field \"severity\" here; has(event.severity) tells beforehand")
        #expect(error?.column == 1)
        let absorbed = try Expression("severity == 'severe' || true", names: ["severity"])
        #expect(try absorbed.holds([:]))
    }
}

/// Whatever an expression is, and whatever it works on, it ends.
struct BoundTests {
    private func fails(_ source: String, _ values: [String: ExpressionValue] = [:]) throws -> String {
        let expression = try Expression(source, names: values.keys.sorted())
        return try #require(throws: ExpressionError.self) { try expression.evaluate(values) }.reason
    }

    private let large: [String: ExpressionValue] = [
        "l": .list((0..<1000).map { .int($0) }),
        "m": .map((0..<5000).map { .init("field\($0)", .int($0)) }),
        "t": .string(String(repeating: "ab", count: 500_000)),
    ]

    @Test(arguments: [
        "l.all(a, l.all(b, l.all(c, a + b + c >= 0)))", "l.map(a, l.map(b, l.map(c, 1)))",
        "l.exists(a, l.exists(b, a / 0 > b))", "l.filter(a, l.exists_one(b, a == b)) == l",
        "l.all(a, m.field4999 == 4999)", "l.all(a, has(m.none) || 'none' in m || m == m)",
        "l.map(a, m)[0] == m && l.all(a, m == m)",
        "l.all(a, t.contains('aa') || t != t + 'x')", "l.map(a, t + t)", "l.map(a, bytes(t))", "l.map(a, size(t))",
        "l.map(a, l + l)", "l.exists(a, m.none == 1)", "l.exists(a, l.exists(b, nothing))",
        "l.exists(a, {t: 1, t: 2} == null)", "l.all(a, {t: 1}[t] == 1)", "l.exists(a, {t: 1} != {t: 1})",
        "l.exists(a, t in {t + 'x': 1})", "l.exists(a, timestamp(t) == timestamp(0))",
    ])
    func `steps end what takes long`(_ source: String) throws {
        var values = large
        values["nothing"] = .null
        #expect(try fails(source, values).contains("takes too long"), "\(source)")
    }

    @Test func `values that are shared many times over are compared within bounds`() throws {
        let doubling = "[1]" + String(repeating: ".map(a, [a, a])", count: 60)
        #expect(try fails("\(doubling) == \(doubling)").contains("takes too long"))
        // To make it takes few steps, to look at its front as well.
        let front = doubling + String(repeating: "[0]", count: 61)
        #expect(show(try Expression(front, names: []).evaluate([:])) == "1")
    }

    @Test func `macros nest as deep as anything else`() throws {
        let deep = String(repeating: "[1].all(x, ", count: 100) + "true" + String(repeating: ")", count: 100)
        #expect(throws: ExpressionError.self) { try Expression(deep, names: []) }
        let fair = String(repeating: "[1].all(x, ", count: 60) + "x == 1" + String(repeating: ")", count: 60)
        #expect(try Expression(fair, names: []).holds([:]))
    }
}
