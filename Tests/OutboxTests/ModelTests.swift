import Bytes
import Foundation
import Simulation
import Testing
import Wire

@testable import Outbox

/// The simulator's outbox, and what the simulator has no use for.
private struct Model {
    var outbox: OutboxModel
    var inputs: [[UInt8]: [UInt8]] = [:]
    var rejects: [RejectRecord] = []
    var nextReject: UInt64 = 1
    let capBytes: Int

    /// What a batch takes of the cap: whole pages.
    private func charge(_ payload: Int) -> Int { (BatchHeader.encodedBytes + payload + 16 + 4095) / 4096 * 4096 + 64 }

    func isFull(for payload: Int) -> Bool {
        outbox.batches.reduce(charge(payload)) { $0 + charge($1.payload.count) } > capBytes
    }
}

/// The real outbox, over LMDB, beside the value that the simulator uses in its place.
@Suite(.serialized)
struct OutboxModelTests {
    private static let identifier = Identifier128(high: 5, low: 7)

    private func open(_ directory: String, _ epoch: UInt64, cap: Int) throws -> Outbox {
        try Outbox.open(
            directory: directory,
            station: try #require(StationName("nogales")),
            name: "main",
            capBytes: cap,
            reservePercent: 0,
            now: Timestamp(microseconds: 0),
            newIdentifier: { Self.identifier },
            newEpoch: { epoch },
            crc: .portable
        )
    }

    private func compare(_ outbox: Outbox, _ whole: Model, _ dice: inout Dice) throws {
        let model = whole.outbox
        #expect(outbox.producer == model.producer)
        #expect(outbox.epochs == model.epochs)
        #expect(outbox.nextSequence == model.nextSequence)
        #expect(outbox.oldest == model.oldest)
        #expect(outbox.committed.sequence == model.committed.sequence)
        #expect(outbox.committed.archive == model.committed.archive)
        #expect(outbox.committed.generation == model.committed.generation)
        #expect(outbox.backlog.events == Int(model.waiting))
        #expect(outbox.gatewayCount == model.gateways.count)
        #expect(outbox.pendingRejects == whole.rejects.count)
        #expect(try outbox.rejects(after: 0, limit: .max) == whole.rejects)
        let from = UInt64(dice.pick(0...Int(model.nextSequence) + 1))
        var writer = ByteWriter()
        let header = try outbox.nextBatch(from: from, into: &writer)
        #expect(header == model.nextBatch(from: from)?.header)
        if let batch = model.nextBatch(from: from) {
            #expect(writer.count == BatchHeader.encodedBytes + batch.payload.count)
            #expect(writer.array.suffix(batch.payload.count).elementsEqual(batch.payload))
        }
        for index in 0..<4 {
            let (state, known) = (try outbox.gatewayState("g\(index)"), model.gateways["g\(index)"])
            #expect(state?.answered == known?.answered && state?.lowest == known?.lowest)
            for number in known?.answered ?? [] {
                #expect(try outbox.answer("g\(index)", request: number) == known?.answers[number])
            }
            #expect(try outbox.input([UInt8(index)]) == whole.inputs[[UInt8(index)]])
        }
    }

    /// One change of both; when the transaction is given up or finds no room, nothing of it may have happened.
    private func change(_ outbox: Outbox, _ model: inout Model, _ dice: inout Dice) throws {
        var (next, rolls) = (model, dice)
        let isGivenUp = dice.chance(perMille: 100)
        func body(_ write: inout OutboxWrite) throws(OutboxError) {
            for _ in 0..<rolls.pick(1...4) { try operation(&write, &next, &rolls) }
            if isGivenUp { throw .invalid("given up") }
        }
        do throws(OutboxError) {
            try outbox.write { (write: inout OutboxWrite) throws(OutboxError) in try body(&write) }
            model = next
        } catch {
            let isMeant = isGivenUp && error == .invalid("given up") || error == .full(capBytes: model.capBytes)
            #expect(isMeant, "\(error)")
        }
        dice = rolls
    }

    private func operation(_ write: inout OutboxWrite, _ next: inout Model, _ rolls: inout Dice) throws(OutboxError) {
        let gateway = "g\(rolls.roll(4))"
        switch rolls.roll(9) {
        case 0, 1, 2: try append(&write, &next, &rolls)
        case 3:
            let request = UInt64(rolls.pick(1...90))
            let lowest = UInt64(rolls.pick(1...Int(request)))
            let answer = Array("answer \(rolls.bits())".utf8)
            try answer.withOutbox { (bytes) throws(OutboxError) in
                try write.storeAnswer(gateway: gateway, request: request, lowest: lowest, answer: bytes)
            }
            next.outbox.storeAnswer(gateway, request: request, lowest: lowest, answer: answer)
        case 4: #expect(try write.forget(gateway: gateway) == next.outbox.forget(gateway))
        case 5:
            let sequence = UInt64(rolls.roll(Int(next.outbox.nextSequence)))
            #expect(try write.trim(through: sequence) == next.outbox.trim(through: sequence))
        case 6:
            let (source, value) = ([UInt8(rolls.roll(4))], Array("read to \(rolls.bits())".utf8))
            try write.setInput(source, value)
            next.inputs[source] = value
        case 7:
            let record = RejectRecord(
                number: next.nextReject,
                receivedAt: Timestamp(microseconds: Int64(rolls.roll(1_000_000))),
                bytes: [UInt8](repeating: 0x61, count: rolls.pick(2...5_000))
            )
            let number = try record.bytes.withOutbox { (bytes) throws(OutboxError) in
                try write.appendReject(bytes, receivedAt: record.receivedAt)
            }
            #expect(number == record.number)
            next.rejects.append(record)
            next.nextReject += 1
            if rolls.chance(perMille: 300) {
                let through = UInt64(rolls.pick(0...Int(number)))
                try write.deleteRejects(through: through)
                next.rejects.removeAll { $0.number <= through }
            }
        default:
            let sequence = UInt64(rolls.roll(Int(next.outbox.nextSequence)))
            let generation = UInt32(rolls.pick(1...3))
            try write.setCommitted(sequence, archive: Self.identifier, generation: generation)
            next.outbox.setCommitted(sequence, archive: Self.identifier, generation: generation)
        }
    }

    private func append(_ write: inout OutboxWrite, _ next: inout Model, _ rolls: inout Dice) throws(OutboxError) {
        let count = rolls.pick(1...20)
        let padding = String(repeating: "x", count: rolls.chance(perMille: 300) ? rolls.roll(2_000) : 0)
        let payload = (0..<count).flatMap { Array("{\"n\":\($0),\"x\":\"\(padding)\"}\n".utf8) }
        let now = Timestamp(microseconds: Int64(rolls.roll(1_000)))
        let checksum = payload.withUnsafeBytes { CRC32C.portable.checksum(of: $0) }
        let isFull = next.isFull(for: payload.count)
        do throws(OutboxError) {
            let first = try payload.withOutbox { (bytes) throws(OutboxError) in
                try write.append(payload: bytes, count: count, receivedAt: now, checksum: checksum)
            }
            #expect(!isFull)
            #expect(first == next.outbox.append(payload, count: count, receivedAt: now, crc: .portable))
        } catch {
            #expect(isFull)
            throw error
        }
    }

    @Test(arguments: 1...60) func `the outbox is what its model is, whatever happens`(_ seed: UInt64) throws {
        // What a sync does to a disk is not the question here, and thousands of them would take minutes.
        let scratch = Scratch(isInMemory: true)
        let directory = scratch.path + "/outbox"
        var dice = Dice(seed: seed)
        let cap = dice.chance(perMille: 500) ? 64 * 1_048_576 : 120_000
        let station = try #require(StationName("nogales"))
        var model = Model(outbox: OutboxModel(producer: Self.identifier, station: station), capBytes: cap)
        model.outbox.open(newEpoch: 1)
        var outbox: Outbox? = try open(directory, 1, cap: cap)
        for step in 2..<UInt64(150) {
            try change(try #require(outbox), &model, &dice)
            if dice.chance(perMille: 80) {
                // What the files are now is what a kill would leave: open a copy of them.
                let copy = directory + "-copy"
                defer { try? FileManager.default.removeItem(atPath: copy) }
                try FileManager.default.copyItem(atPath: directory, toPath: copy)
                var killed = model
                killed.outbox.open(newEpoch: step)
                try compare(try open(copy, step, cap: cap), killed, &dice)
            }
            if dice.chance(perMille: 80) {
                outbox = nil
                model.outbox.open(newEpoch: step)
                outbox = try open(directory, step, cap: cap)
            }
            try compare(try #require(outbox), model, &dice)
        }
    }
}
