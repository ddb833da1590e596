import Bytes
import Foundation
import Simulation
import Testing
import Wire

@testable import Outbox

/// What an outbox does when the disk does not keep what it took: it is opened and everything is right, or it says
/// that it is damaged. It never hands out other bytes and never ends the process.
@Suite(.serialized)
struct OutboxCorruptionTests {
    /// What was put into an outbox.
    private struct Contents: Sendable {
        /// Holds the directory as long as this is used; none for what copies are made of.
        var scratch: Scratch? = Scratch(isInMemory: true)
        /// The bytes of data.mdb.
        var bytes = Data()
        var path: String { (scratch?.path ?? "") + "/outbox" }
        var file: String { path + "/data.mdb" }
        var producer = Identifier128.zero
        var epochs: [EpochStart] = []
        var batches: [SimulatedBatch] = []
        var answers: [UInt64: [UInt8]] = [:]
        var rejects: [RejectRecord] = []
    }

    private func open(_ path: String, cap: Int = 64 * 1_048_576) throws(OutboxError) -> Outbox {
        try Outbox.open(
            directory: path,
            station: StationName("nogales")!,
            name: "main",
            capBytes: cap,
            reservePercent: 0,
            now: Timestamp(microseconds: 0),
            newIdentifier: { Identifier128(high: 0xABCD_EF01_2345_6789, low: 3) },
            newEpoch: { 0x7A7A_1B1B_5C5C_0D0D },
            crc: .portable
        )
    }

    private func append(_ outbox: Outbox, _ payload: [UInt8], _ count: Int) throws(OutboxError) -> UInt64 {
        try outbox.write { (write: inout OutboxWrite) throws(OutboxError) in
            try payload.withOutbox { (raw) throws(OutboxError) in
                let checksum = CRC32C.portable.checksum(of: raw)
                let now = Timestamp(microseconds: 5)
                return try write.append(payload: raw, count: count, receivedAt: now, checksum: checksum)
            }
        }
    }

    /// Made once: every batch costs syncs.
    private static let prepared = Result { try OutboxCorruptionTests().make() }

    /// A copy of an outbox with long and short batches, answers, refused events and free pages, closed.
    private func fill() throws -> Contents {
        var contents = try Self.prepared.get()
        contents.scratch = Scratch(isInMemory: true)
        try FileManager.default.createDirectory(atPath: contents.path, withIntermediateDirectories: false)
        try contents.bytes.write(to: URL(fileURLWithPath: contents.file))
        return contents
    }

    private func make() throws -> Contents {
        var contents = try made()
        contents.bytes = try Data(contentsOf: URL(fileURLWithPath: contents.file))
        contents.scratch = nil
        return contents
    }

    private func made(batches: Int = 60) throws -> Contents {
        var contents = Contents()
        let outbox = try open(contents.path)
        for number in 0..<batches {
            let line = "{\"marker-\(number)-\":\"\(String(repeating: "x", count: number % 3 == 0 ? 6_000 : 40))\"}\n"
            let payload = Array((line + line).utf8)
            let first = try append(outbox, payload, 2)
            let checksum = payload.withUnsafeBytes { CRC32C.portable.checksum(of: $0) }
            let header = BatchHeader(
                flags: [],
                station: outbox.station,
                producer: outbox.producer,
                epoch: outbox.epoch,
                firstSequence: first,
                count: 2,
                payloadBytes: UInt32(payload.count),
                receivedAt: Timestamp(microseconds: 5),
                payloadChecksum: checksum
            )
            contents.batches.append(SimulatedBatch(header: header, payload: payload, crc: .portable))
            try outbox.write { (write: inout OutboxWrite) throws(OutboxError) in
                let answer = Array("answer to \(number)".utf8)
                try answer.withOutbox { (raw) throws(OutboxError) in
                    try write.storeAnswer(gateway: "g", request: UInt64(number + 1), lowest: 1, answer: raw)
                }
                let record = Array("{\"reason\":\"\(number)\"}".utf8)
                let now = Timestamp(microseconds: 7)
                let reject = try record.withOutbox { (raw) throws(OutboxError) in
                    try write.appendReject(raw, receivedAt: now)
                }
                contents.answers[UInt64(number + 1)] = answer
                contents.rejects.append(RejectRecord(number: reject, receivedAt: now, bytes: record))
            }
        }
        try outbox.write { (write: inout OutboxWrite) throws(OutboxError) in
            _ = try write.trim(through: 20)
            try write.setCommitted(20, archive: Identifier128(high: 9, low: 9), generation: 4)
        }
        contents.batches.removeFirst(10)
        (contents.producer, contents.epochs) = (outbox.producer, outbox.epochs)
        return contents
    }

    /// Opens it, reads everything and goes on writing. Returns what it said was damaged, or nothing when all is right.
    @discardableResult
    private func use(_ contents: Contents, _ comment: Comment) -> String? {
        do throws(OutboxError) {
            let outbox = try open(contents.path)
            #expect(outbox.producer == contents.producer, comment)
            #expect(outbox.epochs.first == contents.epochs.first, comment)
            let next = (contents.batches.last?.header.lastSequence ?? 0) + 1
            #expect(outbox.nextSequence == next && outbox.committed.sequence == 20, comment)
            var said: String?
            for batch in contents.batches {
                var writer = ByteWriter()
                do throws(OutboxError) {
                    let header = try outbox.nextBatch(from: batch.header.firstSequence, into: &writer)
                    #expect(header == batch.header, comment)
                    #expect(writer.array.suffix(batch.payload.count).elementsEqual(batch.payload), comment)
                } catch {
                    guard case .damaged = error else { throw error }
                    #expect(writer.count == 0, comment)
                    said = error.description
                }
            }
            let state = try outbox.gatewayState("g")
            for number in state?.answered ?? [] {
                #expect(try outbox.answer("g", request: number) == contents.answers[number], comment)
            }
            #expect(try outbox.rejects(after: 0, limit: .max) == contents.rejects, comment)
            #expect(try append(outbox, Array("{}\n".utf8), 1) == next, comment)
            try outbox.write { (write: inout OutboxWrite) throws(OutboxError) in
                try write.deleteRejects(through: .max)
                _ = try write.trim(through: next - 1)
            }
            var writer = ByteWriter()
            #expect(try outbox.nextBatch(from: 1, into: &writer)?.firstSequence == next, comment)
            return said
        } catch {
            guard case .damaged = error else {
                Issue.record("\(error), \(comment)")
                return "\(error)"
            }
            #expect(error.description.contains(contents.path) && error.description.contains("keep a copy"), comment)
            return error.description
        }
    }

    private func edit(_ contents: Contents, _ change: (inout Data) throws -> Void) throws {
        var data = try Data(contentsOf: URL(fileURLWithPath: contents.file))
        try change(&data)
        try data.write(to: URL(fileURLWithPath: contents.file))
    }

    @Test func `without damage everything is there`() throws {
        #expect(use(try fill(), "nothing changed") == nil)
    }

    @Test(arguments: UInt64(1)...100) func `a page of zeros is named, or nobody needs it`(_ seed: UInt64) throws {
        var dice = Dice(seed: seed)
        let contents = try fill()
        try edit(contents) { data in
            let page = dice.roll(data.count / 4_096) * 4_096
            data.replaceSubrange(page..<page + 4_096, with: Data(count: 4_096))
        }
        use(contents, "seed \(seed)")
    }

    @Test(arguments: UInt64(1)...200) func `a flipped bit is named, or nobody needs it`(_ seed: UInt64) throws {
        var dice = Dice(seed: seed)
        let contents = try fill()
        try edit(contents) { data in
            // The beginnings of pages say most, so they are hit most.
            let page = dice.roll(data.count / 4_096) * 4_096
            let byte = page + dice.roll(dice.chance(perMille: 500) ? 160 : 4_096)
            data[byte] ^= UInt8(1) << UInt8(dice.roll(8))
        }
        use(contents, "seed \(seed)")
    }

    @Test(arguments: ["payload", "header", "identity", "state", "epochs"])
    func `a flipped bit is named by what it hit`(_ part: String) throws {
        let contents = try fill()
        try edit(contents) { data in
            func flip(_ pattern: [UInt8], by distance: Int = 0) throws {
                // Pages that are free hold older copies: all of them are hit.
                var from = data.startIndex
                var count = 0
                while let found = data.range(of: Data(pattern), in: from..<data.endIndex) {
                    data[found.lowerBound + distance] ^= 0x10
                    from = found.upperBound
                    count += 1
                }
                try #require(count > 0)
            }
            switch part {
            case "payload": try flip(Array("marker-33-".utf8), by: 8)
            case "header":
                var writer = ByteWriter()
                contents.batches[30].header.encode(into: &writer, checksum: .portable)
                try flip(writer.array, by: 50)
            case "identity": try flip(Array("nogales".utf8) + [4] + Array("main".utf8), by: 1)
            case "state": try flip(Array("state".utf8), by: 9)
            default: try flip(Array("epochs".utf8), by: 8)
            }
        }
        let said = try #require(use(contents, "\(part)"))
        switch part {
        case "payload": #expect(said.contains("the batch at sequence 67"))
        case "header": #expect(said.contains("sequence 81") || said.contains("oldest batch"))
        case "identity": #expect(said.contains("identity"))
        case "state": #expect(said.contains("state"))
        default: #expect(said.contains("epochs"))
        }
    }

    @Test func `a file that was cut off is named at every length`() throws {
        let whole = try fill()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: whole.file))
        for size in stride(from: 1, to: bytes.count, by: 4_096 * 5 - 511) {
            let contents = whole
            try edit(contents) { $0 = bytes.prefix(size) }
            // Only free pages may lie behind the end.
            use(contents, "\(size) of \(bytes.count) bytes")
            if size < 9_000 { #expect(use(contents, "again")?.contains("data.mdb") == true) }
        }
    }

    @Test func `a missing lock file costs nothing`() throws {
        let contents = try fill()
        do { _ = try open(contents.path) }
        try FileManager.default.removeItem(atPath: contents.path + "/lock.mdb")
        #expect(use(contents, "lock.mdb") == nil)
    }

    @Test func `a foreign file is refused and left as it is`() throws {
        for text in ["x", String(repeating: "not an outbox\n", count: 2_000)] {
            let contents = try fill()
            try edit(contents) { $0 = Data(text.utf8) }
            #expect(use(contents, "foreign")?.contains("data.mdb") == true)
            #expect(try Data(contentsOf: URL(fileURLWithPath: contents.file)) == Data(text.utf8))
        }
        let contents = try fill()
        try FileManager.default.removeItem(atPath: contents.file)
        try FileManager.default.createDirectory(atPath: contents.file, withIntermediateDirectories: false)
        #expect(use(contents, "directory")?.contains("data.mdb") == true)
    }
}
