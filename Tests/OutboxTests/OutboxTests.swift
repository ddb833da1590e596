import Bytes
import Foundation
import Outbox
import Testing
import Wire

/// A directory of its own for one test.
final class Scratch: Sendable {
    let path: String
    /// In memory where it can be, for tests that sync thousands of times and ask nothing of the disk.
    init(isInMemory: Bool = false) {
        let root =
            isInMemory && FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
        path = root + "/enlace-outbox-" + UUID().uuidString
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
}

struct OutboxTests {
    let scratch = Scratch()
    let station = StationName("nogales")!

    func open(
        cap: Int = 64 * 1_048_576,
        station: String = "nogales",
        reserve: Int = 0
    ) throws(OutboxError) -> Outbox {
        try Outbox.open(
            directory: scratch.path + "/outbox",
            station: StationName(station)!,
            name: "main",
            capBytes: cap,
            reservePercent: reserve,
            now: Timestamp(microseconds: 0),
            newIdentifier: { Identifier128(high: .random(in: 1 ... .max), low: .random(in: 0 ... .max)) },
            newEpoch: { .random(in: 1 ... .max) },
            crc: .portable
        )
    }

    func append(_ outbox: Outbox, _ lines: [String]) throws -> UInt64 {
        let bytes = Array(lines.map { $0 + "\n" }.joined().utf8)
        return try outbox.write { (write: inout OutboxWrite) throws(OutboxError) in
            try bytes.withOutbox { (raw) throws(OutboxError) in
                try write.append(
                    payload: raw,
                    count: lines.count,
                    receivedAt: Timestamp(microseconds: 5),
                    checksum: CRC32C.portable.checksum(of: raw)
                )
            }
        }
    }

    func read(_ outbox: Outbox, from sequence: UInt64) throws -> (BatchHeader, String)? {
        var writer = ByteWriter()
        guard let header = try outbox.nextBatch(from: sequence, into: &writer) else { return nil }
        return (header, String(decoding: writer.bytes.dropFirst(96), as: UTF8.self))
    }

    @Test func `a file that was half made when the power went is made anew`() throws {
        let directory = scratch.path + "/outbox"
        try FileManager.default.createDirectory(atPath: directory + "/making", withIntermediateDirectories: true)
        // What the disk had of it: the length and nothing else, or a part.
        for bytes in [Data(count: 8192), Data(count: 4096), Data("half".utf8)] {
            try bytes.write(to: URL(fileURLWithPath: directory + "/making/data.mdb"))
            try bytes.write(to: URL(fileURLWithPath: directory + "/making/lock.mdb"))
            _ = try open()
            #expect(!FileManager.default.fileExists(atPath: directory + "/making"))
            try FileManager.default.removeItem(atPath: directory + "/data.mdb")
            try FileManager.default.createDirectory(atPath: directory + "/making", withIntermediateDirectories: true)
        }
    }

    @Test func `an outbox is given to another archive, and keeps what it holds and what was committed`() throws {
        let (old, new) = (Identifier128(high: 1, low: 1), Identifier128(high: 2, low: 2))
        let directory = scratch.path + "/outbox"
        func adopt() throws(OutboxError) -> OutboxAdoption? {
            try Outbox.adopt(archive: new, directory: directory, crc: .portable)
        }
        do {
            let outbox = try open()
            #expect(throws: OutboxError.taken(path: directory)) { try adopt() }
            _ = try append(outbox, ["{}", "{}"])
            _ = try append(outbox, ["{}"])
        }
        // It belongs to none yet.
        #expect(try adopt() == nil)
        do {
            let outbox = try open()
            try outbox.write { (write: inout OutboxWrite) throws(OutboxError) in
                _ = try write.trim(through: 2)
                try write.setCommitted(2, archive: old, generation: 3)
            }
        }
        let before = OutboxCommitted(sequence: 2, archive: old, generation: 3)
        let adopted = try adopt()
        #expect(adopted?.before == before)
        #expect(adopted?.oldest == 3)
        #expect(try adopt() == nil)
        let outbox = try open()
        #expect(outbox.committed == OutboxCommitted(sequence: 2, archive: new, generation: 3))
        #expect(try read(outbox, from: 3)?.0.firstSequence == 3)
        #expect(outbox.nextSequence == 4)
    }

    @Test func `what was written is there after the next opening, under the same producer and another epoch`() throws {
        var outbox: Outbox? = try open()
        let producer = outbox!.producer
        let epoch = outbox!.epoch
        #expect(try append(outbox!, ["{\"a\":1}", "{\"a\":2}"]) == 1)
        #expect(try append(outbox!, ["{\"a\":3}"]) == 3)
        outbox = nil
        let again = try open()
        #expect(again.producer == producer)
        #expect(again.epoch != epoch)
        #expect(again.nextSequence == 4)
        #expect(again.oldest == 1)
        #expect(again.epochs.map(\.firstSequence) == [1, 4])
        #expect(again.backlog.events == 3)
        let first = try #require(try read(again, from: 1))
        #expect(first.0.epoch == epoch)
        #expect(first.1 == "{\"a\":1}\n{\"a\":2}\n")
    }

    @Test func `a sequence inside a batch finds the batch, one behind the last finds nothing`() throws {
        let outbox = try open()
        _ = try append(outbox, ["{}", "{}", "{}"])
        _ = try append(outbox, ["{}"])
        #expect(try read(outbox, from: 2)?.0.firstSequence == 1)
        #expect(try read(outbox, from: 4)?.0.firstSequence == 4)
        #expect(try read(outbox, from: 5) == nil)
    }

    @Test func `trimming removes whole batches only and moves the oldest`() throws {
        let outbox = try open()
        _ = try append(outbox, ["{}", "{}"])
        _ = try append(outbox, ["{}", "{}"])
        let archive = Identifier128(high: 1, low: 2)
        let removed = try outbox.write { (write: inout OutboxWrite) throws(OutboxError) in
            try write.setCommitted(3, archive: archive, generation: 7)
            return try write.trim(through: 3)
        }
        #expect(removed == 1)
        #expect(outbox.oldest == 3)
        #expect(outbox.backlog.events == 2)
        #expect(outbox.committed == OutboxCommitted(sequence: 3, archive: archive, generation: 7))
        #expect(try read(outbox, from: 1)?.0.firstSequence == 3)
    }

    @Test func `beyond the cap it refuses, and takes again after a trim`() throws {
        let outbox = try open(cap: 64 * 1024)
        let line = String(repeating: "x", count: 15_000)
        for _ in 0..<3 { _ = try append(outbox, [line]) }
        #expect(throws: OutboxError.full(capBytes: 64 * 1024)) { try append(outbox, [line, line]) }
        #expect(outbox.nextSequence == 4)
        _ = try outbox.write { (write: inout OutboxWrite) throws(OutboxError) in try write.trim(through: 3) }
        #expect(try append(outbox, [line, line]) == 4)
    }

    @Test func `a commit that throws leaves nothing behind`() throws {
        let outbox = try open()
        let bytes = Array("{}\n".utf8)
        #expect(throws: OutboxError.invalid("no")) {
            try outbox.write { (write: inout OutboxWrite) throws(OutboxError) in
                _ = try bytes.withOutbox { (raw) throws(OutboxError) in
                    try write.append(payload: raw, count: 1, receivedAt: Timestamp(microseconds: 0), checksum: 0)
                }
                throw .invalid("no")
            }
        }
        #expect(outbox.nextSequence == 1)
        #expect(try read(outbox, from: 1) == nil)
    }

    @Test func `a second process finds it taken, another station finds it is not its own`() throws {
        let outbox = try open()
        #expect(throws: OutboxError.taken(path: scratch.path + "/outbox")) { try open() }
        withExtendedLifetime(outbox) {}
    }

    @Test func `another station finds that it is not its own`() throws {
        do { _ = try open() }
        #expect(
            throws: OutboxError.otherStation(
                path: scratch.path + "/outbox",
                found: "nogales.main",
                wanted: "douglas.main"
            )
        ) { try open(station: "douglas") }
    }

    @Test func `below the reserve of the filesystem it refuses events but not commits`() throws {
        let outbox = try open(reserve: 100)
        #expect(throws: OutboxError.self) { try append(outbox, ["{}"]) }
        try outbox.write { (write: inout OutboxWrite) throws(OutboxError) in
            try write.setCommitted(0, archive: Identifier128(high: 1, low: 1), generation: 1)
        }
        #expect(outbox.committed.generation == 1)
    }

    @Test func `the last 64 answers of a gateway are kept, and none below its lowest`() throws {
        let outbox = try open()
        for number in UInt64(1)...70 {
            try outbox.write { (write: inout OutboxWrite) throws(OutboxError) in
                try Array("answer \(number)".utf8).withOutbox { (raw) throws(OutboxError) in
                    try write.storeAnswer(gateway: "g-1", request: number, lowest: 1, answer: raw)
                }
            }
        }
        #expect(try outbox.gatewayState("g-1")?.answered == Array(7...70))
        #expect(try outbox.answer("g-1", request: 70) == Array("answer 70".utf8))
        #expect(try outbox.answer("g-1", request: 6) == nil)
        try outbox.write { (write: inout OutboxWrite) throws(OutboxError) in
            try Array("x".utf8).withOutbox { (raw) throws(OutboxError) in
                try write.storeAnswer(gateway: "g-1", request: 71, lowest: 70, answer: raw)
            }
        }
        let state = try outbox.gatewayState("g-1")
        #expect(state?.answered == [70, 71])
        #expect(state?.lowest == 70)
        #expect(outbox.gatewayCount == 1)
        #expect(try outbox.gatewayState("g-") == nil)
        let known = try outbox.write { (write: inout OutboxWrite) throws(OutboxError) in
            try write.forget(gateway: "g-1")
        }
        #expect(known)
        #expect(outbox.gatewayCount == 0)
        #expect(try outbox.answer("g-1", request: 71) == nil)
    }

    @Test func `refused events reach their file once, even when the outbox did not hear that they did`() throws {
        let outbox = try open()
        func refuse(_ text: String) throws {
            _ = try outbox.write { (write: inout OutboxWrite) throws(OutboxError) in
                try Array(text.utf8).withOutbox { (raw) throws(OutboxError) in
                    try write.appendReject(raw, receivedAt: Timestamp(microseconds: 1_790_000_000_000_000))
                }
            }
        }
        try refuse("{\"reason\":\"one\"}")
        try refuse("{\"reason\":\"two\"}")
        let drain = RejectsDrain(outbox: outbox, directory: scratch.path + "/rejects")
        #expect(try drain.drain() == 2)
        #expect(outbox.pendingRejects == 0)
        let file = scratch.path + "/rejects/station=nogales/2026-09-21.jsonl"
        let first = try String(contentsOfFile: file, encoding: .utf8)
        #expect(first.hasPrefix("{\"producer\":\"\(outbox.producer)\",\"number\":1,\"reason\":\"one\"}\n"))
        // As after a crash: number 3 stands in the file, torn 4 behind it, and the outbox still has both.
        try refuse("{\"reason\":\"three\"}")
        try refuse("{\"reason\":\"four\"}")
        let crashed =
            first + "{\"producer\":\"\(outbox.producer)\",\"number\":3,\"reason\":\"three\"}\n"
            + "{\"producer\":\"\(outbox.producer)\",\"num"
        try crashed.write(toFile: file, atomically: false, encoding: .utf8)
        #expect(try RejectsDrain(outbox: outbox, directory: scratch.path + "/rejects").drain() == 2)
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines.last == "{\"producer\":\"\(outbox.producer)\",\"number\":4,\"reason\":\"four\"}")
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func `random operations with reopening do what a simple model does`() throws {
        var generator = SystemRandomNumberGenerator()
        var outbox: Outbox? = try open()
        var model: [(first: UInt64, lines: [String])] = []
        var next: UInt64 = 1
        for _ in 0..<400 {
            switch Int.random(in: 0..<10, using: &generator) {
            case 0:
                outbox = nil
                outbox = try open()
            case 1...5:
                let lines = (0..<Int.random(in: 1...20)).map {
                    "{\"n\":\($0),\"x\":\"\(String(repeating: "y", count: .random(in: 0...900)))\"}"
                }
                #expect(try append(outbox!, lines) == next)
                model.append((next, lines))
                next += UInt64(lines.count)
            case 6...7:
                let through = UInt64.random(in: 0..<next)
                _ = try outbox!.write { (write: inout OutboxWrite) throws(OutboxError) in
                    try write.trim(through: through)
                }
                model.removeAll { $0.first + UInt64($0.lines.count) - 1 <= through }
            default:
                let sequence = UInt64.random(in: 1...next)
                let expected = model.first { $0.first + UInt64($0.lines.count) > sequence }
                let found = try read(outbox!, from: sequence)
                #expect(found?.0.firstSequence == expected?.first)
                #expect(found?.1 == expected.map { $0.lines.map { $0 + "\n" }.joined() })
            }
            #expect(outbox!.nextSequence == next)
            #expect(outbox!.oldest == model.first?.first ?? next)
        }
    }

    @Test(arguments: 1_910...1_940) func `a value of any length goes again, in its own transaction as well`(
        _ bytes: Int
    ) throws {
        let outbox = try open()
        let line = String(repeating: "x", count: bytes)
        _ = try append(outbox, [line])
        let payload = Array("\(line)\n".utf8)
        let removed = try outbox.write { (write: inout OutboxWrite) throws(OutboxError) in
            _ = try payload.withOutbox { (raw) throws(OutboxError) in
                let checksum = CRC32C.portable.checksum(of: raw)
                let now = Timestamp(microseconds: 5)
                return try write.append(payload: raw, count: 1, receivedAt: now, checksum: checksum)
            }
            return try write.trim(through: 2)
        }
        #expect(removed == 2 && outbox.backlog.events == 0)
    }

    @Test func `a flipped bit in a batch is named as damage`() throws {
        var outbox: Outbox? = try open()
        let line = "{\"marker\":\"\(String(repeating: "findme", count: 1500))\"}"
        _ = try append(outbox!, [line])
        outbox = nil
        let file = scratch.path + "/outbox/data.mdb"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        let found = try #require(bytes.range(of: Data("findmefindme".utf8)))
        bytes[found.lowerBound] ^= 1
        try bytes.write(to: URL(fileURLWithPath: file))
        let again = try open()
        #expect(throws: OutboxError.self) { try read(again, from: 1) }
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` that keeps the type of what the body throws.
    func withOutbox<Value>(
        _ body: (UnsafeRawBufferPointer) throws(OutboxError) -> Value
    ) throws(OutboxError) -> Value {
        let result = withUnsafeBytes { raw -> Result<Value, OutboxError> in
            do throws(OutboxError) { return .success(try body(raw)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
