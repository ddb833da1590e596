import Bytes
import Foundation
import Simulation
import Testing
import Wire

@testable import Outbox

/// The real outbox, over LMDB, beside the value that the simulator uses in its place.
@Suite(.serialized)
struct OutboxModelTests {
    private static let identifier = Identifier128(high: 5, low: 7)

    private func open(_ directory: String, _ epoch: UInt64) throws -> Outbox {
        try Outbox.open(
            directory: directory,
            station: try #require(StationName("nogales")),
            name: "main",
            reservePercent: 0,
            now: Timestamp(microseconds: 0),
            newIdentifier: { Self.identifier },
            newEpoch: { epoch },
            crc: .portable
        )
    }

    private func compare(_ outbox: Outbox, _ model: OutboxModel, _ dice: inout Dice) throws {
        #expect(outbox.producer == model.producer)
        #expect(outbox.epochs == model.epochs)
        #expect(outbox.nextSequence == model.nextSequence)
        #expect(outbox.oldest == model.oldest)
        #expect(outbox.committed.sequence == model.committed.sequence)
        #expect(outbox.committed.archive == model.committed.archive)
        #expect(outbox.backlog.events == Int(model.waiting))
        #expect(outbox.gatewayCount == model.gateways.count)
        let from = UInt64(dice.pick(1...Int(model.nextSequence)))
        var writer = ByteWriter()
        let header = try outbox.nextBatch(from: from, into: &writer)
        #expect(header == model.nextBatch(from: from)?.header)
        if let batch = model.nextBatch(from: from) {
            #expect(writer.array.suffix(batch.payload.count).elementsEqual(batch.payload))
        }
        for index in 0..<4 {
            let (state, known) = (try outbox.gatewayState("g\(index)"), model.gateways["g\(index)"])
            #expect(state?.answered == known?.answered && state?.lowest == known?.lowest)
            for number in known?.answered ?? [] {
                #expect(try outbox.answer("g\(index)", request: number) == known?.answers[number])
            }
        }
    }

    /// One change of both; true when the transaction is given up, and nothing of it may have happened.
    private func change(_ outbox: Outbox, _ model: inout OutboxModel, _ dice: inout Dice) throws {
        struct GivenUp: Error {}
        var (next, rolls) = (model, dice)
        let isGivenUp = dice.chance(perMille: 100)
        func body(_ write: inout OutboxWrite) throws(OutboxError) {
            for _ in 0..<rolls.pick(1...4) {
                let gateway = "g\(rolls.roll(4))"
                switch rolls.roll(6) {
                case 0, 1:
                    let count = rolls.pick(1...20)
                    let payload = (0..<count).flatMap { Array("{\"n\":\($0)}\n".utf8) }
                    let now = Timestamp(microseconds: Int64(rolls.roll(1_000)))
                    let checksum = payload.withUnsafeBytes { CRC32C.portable.checksum(of: $0) }
                    let first = try unsafeBytes(payload) { (bytes) throws(OutboxError) in
                        try write.append(payload: bytes, count: count, receivedAt: now, checksum: checksum)
                    }
                    #expect(first == next.append(payload, count: count, receivedAt: now, crc: .portable))
                case 2:
                    let request = UInt64(rolls.pick(1...90))
                    let lowest = UInt64(rolls.pick(1...Int(request)))
                    let answer = Array("answer \(rolls.bits())".utf8)
                    try unsafeBytes(answer) { (bytes) throws(OutboxError) in
                        try write.storeAnswer(gateway: gateway, request: request, lowest: lowest, answer: bytes)
                    }
                    next.storeAnswer(gateway, request: request, lowest: lowest, answer: answer)
                case 3: #expect(try write.forget(gateway: gateway) == next.forget(gateway))
                case 4:
                    let sequence = UInt64(rolls.roll(Int(next.nextSequence)))
                    #expect(try write.trim(through: sequence) == next.trim(through: sequence))
                default:
                    let sequence = UInt64(rolls.roll(Int(next.nextSequence)))
                    try write.setCommitted(sequence, archive: Self.identifier, generation: 1)
                    next.setCommitted(sequence, archive: Self.identifier, generation: 1)
                }
            }
            if isGivenUp { throw .invalid("given up") }
        }
        do throws(OutboxError) {
            try outbox.write { (write: inout OutboxWrite) throws(OutboxError) in try body(&write) }
            model = next
        } catch { #expect(isGivenUp && error == .invalid("given up")) }
        dice = rolls
    }

    @Test(arguments: 1...40) func `the outbox is what its model is, whatever happens`(_ seed: UInt64) throws {
        let directory = NSTemporaryDirectory() + "enlace-model-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var dice = Dice(seed: seed)
        var model = OutboxModel(producer: Self.identifier, station: try #require(StationName("nogales")))
        model.open(newEpoch: 1)
        var outbox: Outbox? = try open(directory, 1)
        for step in 2..<UInt64(90) {
            try change(try #require(outbox), &model, &dice)
            if dice.chance(perMille: 120) {
                // What the files are now is what a kill would leave: open a copy of them.
                let copy = directory + "-copy"
                defer { try? FileManager.default.removeItem(atPath: copy) }
                try FileManager.default.copyItem(atPath: directory, toPath: copy)
                var killed = model
                killed.open(newEpoch: step)
                try compare(try open(copy, step), killed, &dice)
            }
            if dice.chance(perMille: 80) {
                outbox = nil
                model.open(newEpoch: step)
                outbox = try open(directory, step)
            }
            try compare(try #require(outbox), model, &dice)
        }
    }
}

/// `withUnsafeBytes` that keeps the type of what the body throws.
private func unsafeBytes<Value>(
    _ array: [UInt8],
    _ body: (UnsafeRawBufferPointer) throws(OutboxError) -> Value
) throws(OutboxError) -> Value {
    try array.withUnsafeBytes { bytes in
        Result { () throws(OutboxError) in try body(bytes) }
    }.get()
}
