import EventJSON
import Foundation
import Testing

@Suite struct OracleTests {
    /// Python's own reader decides what is JSON and what its strings decode to.
    @Test func `texts are taken, decoded and refused as python3 does`() throws {
        let texts = [
            #"{"a":"\u00e9\n\/\"\\","b":[1,2.5,-0,1e5]}"#, #"["\ud83d\ude00","é","日本"]"#, "01", "[1,]", "{\"a\":}",
            "{}", "[]", "\"\\x\"", "\"a", "-", "-1", "1.", ".5", "1e", "nul", "null", "[true,false]", "{'a':1}",
            "{\"a\" 1}", " [ ] ", "[1 2]", "\"\t\"", "+1", "{\"a\":1,\"a\":2}", "[\"\\u12\"]",
        ]
        let script = """
            import json, sys
            for line in sys.stdin:
                try: print(json.dumps(json.loads(json.loads(line)), ensure_ascii=True))
                except ValueError: print("refused")
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script]
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let lines = texts.map { JSONValue.string($0).text + "\n" }.joined()
        input.fileHandleForWriting.write(Data(lines.utf8))
        try input.fileHandleForWriting.close()
        let answers = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            .split(separator: "\n").map(String.init)
        process.waitUntilExit()
        try #require(answers.count == texts.count)
        for (text, answer) in zip(texts, answers) {
            let ours = try? JSONValue.parse(text)
            #expect((ours == nil) == (answer == "refused"), "\(text)")
            if let ours, !text.contains("\"a\":1,\"a\""), !text.contains("e5"), !text.contains("-0") {
                #expect(ours == (try JSONValue.parse(answer)), "\(text)")
            }
        }
    }
}
