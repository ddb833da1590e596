import AuditStage
import EventJSON
import Expression
import Foundation
import Testing

struct RejectEditTests {
    func edit(_ event: String, set: [String] = [], unset: [String] = []) throws -> String {
        let edits =
            try unset.map { try #require(RejectEdit(removal: $0)) }
            + set.map { try #require(RejectEdit(assignment: $0)) }
        return try RejectEdit.apply(edits, to: event)
    }

    @Test(arguments: [
        ("{\"a\":1}", ["a=2"], "{\"a\":2}"), ("{\"a\":1}", ["b=x"], "{\"a\":1,\"b\":\"x\"}"),
        ("{\"a\":1}", ["b=\"2\""], "{\"a\":1,\"b\":\"2\"}"), ("{}", ["l.lat=31.340"], "{\"l\":{\"lat\":31.340}}"),
        ("{\"a\":1,\"b\":2,\"a\":3}", ["a=4"], "{\"a\":4,\"b\":2}"),
        ("{\"x\":[1,{\"q\":2}]}", ["x.1.q=null"], "{\"x\":[1,{\"q\":null}]}"),
        ("{\"a\":1}", ["a=b=c"], "{\"a\":\"b=c\"}"), ("{\"a\":1}", ["a="], "{\"a\":\"\"}"),
        ("{\"specversion\":\"1.0\",\"data\":{\"a\":1}}", ["a=2"], "{\"specversion\":\"1.0\",\"data\":{\"a\":2}}"),
        ("{\"n\":12345678901234567890.10}", ["a=1"], "{\"n\":12345678901234567890.10,\"a\":1}"),
    ])
    func `fields are set`(_ event: String, _ set: [String], _ wanted: String) throws {
        #expect(try edit(event, set: set) == wanted)
    }

    @Test func `fields are taken away, all that have the name`() throws {
        #expect(
            try edit("{\"a\":1,\"b\":{\"c\":1,\"d\":2},\"a\":3}", unset: ["a", "b.c", "no.such"]) == "{\"b\":{\"d\":2}}"
        )
        #expect(try edit("{\"x\":[1,2,3]}", unset: ["x.1"]) == "{\"x\":[1,3]}")
    }

    @Test func `without a change every byte stays`() throws {
        #expect(try edit("{ \"a\" : 1 } nonsense") == "{ \"a\" : 1 } nonsense")
    }

    @Test(arguments: [
        ("nonsense", "a=1"), ("[1]", "a=1"), ("{\"a\":1}", "a.b=1"), ("{\"a\":[1]}", "a.1=1"), ("{\"a\":[1]}", "a.x=1"),
    ])
    func `what cannot be set says so`(_ event: String, _ set: String) {
        #expect(throws: RejectEdit.Failure.self) { try edit(event, set: [set]) }
    }

    @Test func `what is no assignment is none`() {
        #expect(RejectEdit(assignment: "a") == nil)
        #expect(RejectEdit(assignment: "=1") == nil)
        #expect(RejectEdit(assignment: "a..b=1") == nil)
        #expect(RejectEdit(removal: "") == nil)
    }
}

struct RejectFilesTests {
    func record(_ text: String) throws -> StoredReject {
        StoredReject(file: "f", fileLine: 1, value: try JSONValue.parse(text), text: text)
    }

    @Test func `conditions see the record and the event`() throws {
        let reject = try record(
            #"{"producer":"p","number":4,"at":"t","station":"nogales","source":"gateway:x","line":2,"field":null,"#
                + #""reason":"is bad","bytes":20,"event":"{\"n\":3,\"big\":1e2}"}"#
        )
        for (condition, wanted) in [
            ("number == 4 && line == 2 && bytes > 19", true), ("field == null", true), ("event.n + 1 == 4", true),
            ("event.big == 100", true), ("source.startsWith('gateway:')", true), ("put_back", false),
            ("!put_back", true),
            ("station in ['douglas']", false), ("has(event.x)", false),
        ] {
            #expect(try RejectCondition(condition).holds(reject, isPutBack: false) == wanted, "\(condition)")
        }
        #expect(throws: ExpressionError.self) { try RejectCondition("event.x == 1").holds(reject, isPutBack: false) }
        #expect(throws: ExpressionError.self) { try RejectCondition("number").holds(reject, isPutBack: false) }
        #expect(throws: ExpressionError.self) { try RejectCondition("narrative == ''") }
    }

    @Test func `what was not kept whole says why it cannot be put back`() throws {
        #expect(try record(#"{"event":"{}"}"#).hindrance == nil)
        #expect(try record(#"{"event":"{","is_cut":true}"#).hindrance?.contains("cut") == true)
        #expect(try record(#"{"fields":["name"]}"#).hindrance?.contains("person") == true)
        #expect(try record(#"{"event_hex":"ff"}"#).hindrance?.contains("UTF-8") == true)
    }

    @Test func `records are read in order, unfinished lines and foreign files are not`() throws {
        let state = try State()
        let folder = state.path + "/rejects/station=nogales"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(
            atPath: state.path + "/rejects/_put-back",
            withIntermediateDirectories: true
        )
        try Data("{\"number\":1}\nnonsense\n{\"number\":2}\n{\"num".utf8).write(
            to: URL(fileURLWithPath: folder + "/2026-01-02.jsonl")
        )
        try Data("{\"number\":9}\n".utf8).write(to: URL(fileURLWithPath: folder + "/2026-01-01.jsonl"))
        try Data("{\"number\":5}\n".utf8).write(to: URL(fileURLWithPath: folder + "/.lock"))
        var found: [UInt64] = []
        try RejectFiles.read(state.path) {
            found.append($0.number)
            return true
        }
        #expect(found == [9, 1, 2])
        found = []
        try RejectFiles.read(state.path, holding: Array("2".utf8)) {
            found.append($0.number)
            return true
        }
        #expect(found == [2])
    }
}
