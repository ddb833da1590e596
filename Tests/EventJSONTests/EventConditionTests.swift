import EventJSON
import Expression
import Testing

@Suite struct EventConditionTests {
    private static let lines = [
        #"{"station":"nogales","category":"assault.armed","cross_border":{"border":{"distance_m":12},"level":"high"}}"#,
        #"{ "category" : "assault" , "station":"a\"}{,b" , "cross_border" : { "border" : null , "x" : [ "}" , { } ] } }"#,
        #"{"category":"nothing \\","station":"doúglas","severity":null,"persons":{"injured":2}}"#,
        #"{"cat\u0065gory":"assault","station":"nogales"}"#, #"{"station":"ci\u00fadad","category":7}"#, "{}", "[1]",
        "",
        "null",
    ]
    private static let conditions = [
        #"cross_border.border.distance_m < 5000.0 && category.startsWith("assault")"#,
        #"category.startsWith("assault")"#, #"has(event.severity) || station == "nogales""#, "severity == null",
        #"station == "ciúdad""#, #"station == "a\"}{,b""#, #"category == "nothing \\""#, "persons.injured > 1 || true",
        "has(cross_border.border) && cross_border.border == null", #"size(cross_border.x) == 2"#, "true", "event == {}",
        #"event.category == "assault" && category == "assault""#,
        #"[1].all(category, category == 1) && station != "x""#,
    ]

    @Test(arguments: conditions)
    func `reading only the fields that are asked for decides as reading all does`(_ source: String) throws {
        let condition = try EventCondition(source)
        let expression = try Expression(source, names: EventCondition.names)
        for line in Self.lines {
            var bytes = Array(line.utf8)
            let (found, whole) = bytes.withUnsafeMutableBytes { buffer in
                let line = UnsafeRawBufferPointer(buffer)
                let values = EventCondition.values((try? JSONValue.parse(line)) ?? .null)
                return (try? condition.holds(line), try? expression.holds(values))
            }
            #expect(found == whole, "\(source) of \(line)")
        }
    }

    @Test func `what an event lacks is told with the way to ask first`() throws {
        let condition = try EventCondition("severity == 'severe'")
        let line = Array(#"{"station":"nogales"}"#.utf8)
        let error = try #require(throws: ExpressionError.self) {
            try line.withUnsafeBytes { try condition.holds($0) }
        }
        #expect(error.reason == "no such field \"severity\" here; has(event.severity) tells beforehand")
    }
}
