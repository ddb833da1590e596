import Bytes
import EventJSON
import Testing

@Suite struct JSONValueTests {
    @Test func `a value is written as it was read`() throws {
        let text = #"{"a":[1,-2.5e3,"x\"\\\n",true,false,null],"b":{}}"#
        let value = try JSONValue.parse(text)
        #expect(value.text == text)
        #expect(value["a"]?.array?.first?.integer == 1)
        #expect(try JSONValue.parse(#""\ud83d\ude00""#).string == "😀")
    }

    @Test(arguments: ["", "{", "[1,]", "{\"a\"}", "01", "1.", "\"\\ud800\"", "tru", "1 2", "\"\u{1}\"", "{\"a\":1,}"])
    func `what is not JSON is refused`(_ text: String) {
        #expect(throws: JSONSyntaxError.self) { try JSONValue.parse(text) }
    }

    @Test func `a bomb of brackets is refused`() {
        let bomb = String(repeating: "[", count: 100_000)
        #expect(throws: JSONSyntaxError.self) { try JSONValue.parse(bomb) }
    }

    @Test func `members of an enriched line are found`() {
        let line = Array(
            #"{"id":"a\"b", "x":{"level":"no"}, "category":"rescue","cross_border":{"level":"high"}}"#.utf8
        )
        line.withUnsafeBytes { bytes in
            #expect(TopLevelReader.string(of: "category", in: bytes)?.string == "rescue")
            #expect(TopLevelReader.string(of: "level", inside: "cross_border", in: bytes)?.string == "high")
            #expect(TopLevelReader.string(of: "id", in: bytes) == nil)
            #expect(TopLevelReader.value(of: "level", in: bytes) == nil)
        }
    }
}
