import Archive
import Audit
import AuditStage
import Bytes
import Foundation
import Outbox
import Platform
import Testing
import Wire

@Suite(.serialized) struct AuditorTests {
    @Test func `the same auditor follows outbox and archive from step to step`() throws {
        let state = try State()
        let auditor = state.auditor()
        #expect(try auditor.run().producers.isEmpty)
        var outbox: Outbox? = try state.outbox()
        try accept(outbox!, (0..<5).map { event($0) })
        outbox = nil
        var report = try auditor.run()
        #expect((report.total.accepted, report.total.inFlight, report.archive) == (5, 5, nil))
        // Small segments: the cursor goes over their borders.
        let writer = try state.archive(segmentBytes: 100)
        var next: UInt64 = 1
        for round in 1...8 {
            outbox = try state.outbox()
            try accept(outbox!, (0..<3).map { event($0) })
            next = try archive(outbox!, writer, from: next, batches: 1, dead: round == 3)
            outbox = nil
            report = try auditor.run()
            let fresh = try state.auditor().run()
            #expect(report.producers.map(\.audit) == fresh.producers.map(\.audit), "round \(round)")
            #expect(report.total.accepted == UInt64(5 + 3 * round))
            #expect(report.total.isSound && report.problems.isEmpty)
        }
        #expect(report.total.deadLettered == 3)
        #expect(report.total.archived + 3 + report.total.inFlight == report.total.accepted)
        #expect(report.json.contains("\"dead_lettered\":3"))
        try writer.close()
    }

    @Test func `what was trimmed and never archived is unexplained, twice looked at`() throws {
        let state = try State()
        var outbox: Outbox? = try state.outbox()
        for _ in 0..<3 { try accept(outbox!, [event(1), event(2)]) }
        let writer = try state.archive()
        _ = try archive(outbox!, writer, from: 1, batches: 1)
        try outbox!.write { (write: inout OutboxWrite) throws(OutboxError) in
            _ = try write.trim(through: 4)
        }
        outbox = nil
        let report = try state.auditor().run()
        #expect((report.total.archived, report.total.inFlight, report.total.unexplained) == (2, 2, 2))
        #expect(report.producers[0].audit.unexplained == [3...4])
        #expect(report.text.contains("2 accepted events are nowhere: sequences 3–4"))
        #expect(report.counters.contains { $0.name == "unexplained_events" && $0.value == 2 })
        try writer.close()
    }

    @Test func `lines that are not there are not archived whatever the index says`() throws {
        let state = try State()
        var outbox: Outbox? = try state.outbox()
        try accept(outbox!, [event(1)])
        try accept(outbox!, [event(2)])
        let writer = try state.archive()
        _ = try archive(outbox!, writer, from: 1, batches: 2)
        outbox = nil
        try writer.close()
        let data = try #require(
            FileManager.default.enumerator(atPath: state.archivePath)?.compactMap { $0 as? String }
                .first { $0.hasSuffix(".jsonl") }
        )
        #expect(truncate(state.archivePath + "/" + data, 30) == 0)
        #expect(try state.auditor().run().total.unexplained == 1)
    }

    @Test func `a damaged outbox is a problem, and the others are still counted`() throws {
        let state = try State()
        var outbox: Outbox? = try state.outbox()
        try accept(outbox!, [event(1)])
        outbox = nil
        outbox = try state.outbox("second")
        outbox = nil
        let broken = state.path + "/outbox/nogales.second/data.mdb"
        try Data(repeating: 0x5A, count: 16_384).write(to: URL(fileURLWithPath: broken))
        let report = try state.auditor().run()
        #expect(report.total.inFlight == 1)
        #expect(report.problems.count == 1)
        #expect(report.problems.first?.contains("nogales.second") == true)
        let tracer = Tracer(
            stateDirectory: state.path,
            archiveDirectory: state.archivePath,
            run: RunDirectory(path: state.path + "/run"),
            crc: crc
        )
        let producer = report.producers[0].audit.producer
        #expect(try tracer.find(.identifier("nobody")).isEmpty)
        #expect(tracer.problems.count == 1)
        #expect(try tracer.find(.sequence(producer, 1)).count == 1)
    }

    @Test func `looking leaves nothing behind`() throws {
        let state = try State()
        var outbox: Outbox? = try state.outbox()
        try accept(outbox!, [event(1)])
        outbox = nil
        try FileManager.default.removeItem(atPath: state.path + "/outbox/nogales.main/lock.mdb")
        let files = { try FileManager.default.subpathsOfDirectory(atPath: state.path).sorted() }
        let before = try files()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: state.path + "/outbox/nogales.main/data.mdb"))
        #expect(try state.auditor().run().total.inFlight == 1)
        #expect(try files() == before)
        #expect(try Data(contentsOf: URL(fileURLWithPath: state.path + "/outbox/nogales.main/data.mdb")) == bytes)
    }
}

@Suite(.serialized) struct TracerTests {
    func tracer(_ state: State) -> Tracer {
        Tracer(
            stateDirectory: state.path,
            archiveDirectory: state.archivePath,
            run: RunDirectory(path: state.path + "/run"),
            crc: crc
        )
    }

    func query(_ text: String) throws -> TraceQuery { try #require(TraceQuery(text)) }

    @Test func `ids are found across chunks and segments, and only where they are the id`() throws {
        let state = try State()
        var outbox: Outbox? = try state.outbox()
        let filler = String(repeating: "x", count: 9000)
        let count = 1200
        for number in 0..<count {
            let line =
                event(number, id: "e-\(number)").dropLast(2)
                + ",\"related\":[\"e-\(number + 1)\"],\"t\":\"\(filler)\"}\n"
            try accept(outbox!, [String(line), event(number)])
        }
        let writer = try state.archive(segmentBytes: 9 << 20)
        let next = try archive(outbox!, writer, from: 1, batches: count - 1)
        #expect(next == UInt64(2 * count - 1))
        let producer = outbox!.producer
        outbox = nil
        let tracer = tracer(state)
        for number in stride(from: 0, to: count - 1, by: 37) {
            let found = try tracer.find(try query("e-\(number)"))
            guard found.count == 1, case .archived(let place) = found[0] else {
                Issue.record("e-\(number): \(found)")
                continue
            }
            #expect(place.finding.offset == UInt64(2 * number))
            #expect(place.identifier == "e-\(number)")
            let again = try tracer.find(try query("\(producer):\(2 * number + 1)"))
            guard case .archived(let same)? = again.first else {
                Issue.record("sequence \(2 * number + 1)")
                continue
            }
            #expect(same.finding.line == place.finding.line)
        }
        guard case .waiting(let last)? = try tracer.find(try query("e-\(count - 1)")).first else {
            Issue.record("the last one waits")
            return
        }
        #expect(last.sequence == UInt64(2 * count - 1))
        #expect(last.waitsFor.contains("start enlace-producer --station nogales"))
        #expect(try tracer.find(try query("e-\(count)")).isEmpty)
        try writer.close()
    }

    @Test(arguments: [
        ("nogales@12", true), ("ev-1.a:b_c", true), ("0123456789abcdef0123456789abcdef:4", true), ("", false),
        ("a b", false), ("é", false), (String(repeating: "a", count: 65), false),
    ])
    func `what can be traced`(_ text: String, _ isOne: Bool) { #expect((TraceQuery(text) != nil) == isOne) }
}
