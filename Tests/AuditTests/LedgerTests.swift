import Audit
import Bytes
import Testing
import Wire

let alpha = Identifier128(high: 0xA, low: 1)
let beta = Identifier128(high: 0xB, low: 2)

func record(
    _ kind: AuditRecord.Kind,
    _ first: UInt64,
    _ last: UInt64,
    epoch: UInt64 = 1,
    producer: Identifier128 = alpha,
    line: UInt8 = 0,
    dead: Bool = false
) -> AuditRecord {
    AuditRecord(
        kind: kind,
        isDeadLetter: dead,
        line: line,
        producer: producer,
        epoch: epoch,
        firstSequence: first,
        lastSequence: last
    )
}

func record(
    _ first: UInt64,
    _ last: UInt64,
    epoch: UInt64 = 1,
    producer: Identifier128 = alpha,
    line: UInt8 = 0,
    dead: Bool = false
) -> AuditRecord { record(.batch, first, last, epoch: epoch, producer: producer, line: line, dead: dead) }

func outbox(
    next: UInt64,
    waiting: ClosedRange<UInt64>?,
    epochs: [(UInt64, UInt64)] = [(1, 1)],
    committed: UInt64 = 0,
    other: Bool = false
) -> AuditOutbox {
    AuditOutbox(
        producer: alpha,
        name: "main",
        epochs: epochs.map { EpochStart(epoch: $0.0, firstSequence: $0.1) },
        nextSequence: next,
        committed: committed,
        isOfOtherArchive: other,
        waiting: waiting.map { SequenceSet($0) } ?? SequenceSet()
    )
}

func ledger(_ records: [AuditRecord]) -> AuditLedger {
    var ledger = AuditLedger()
    for record in records { ledger.apply(record) }
    return ledger
}

/// Everything but `forked` and `doubled` adds up to what was accepted.
func addsUp(_ balance: AuditBalance) -> Bool {
    balance.accepted == balance.named.dropFirst().prefix(8).reduce(0) { $0 + $1.value }
}

struct LedgerTests {
    func balance(_ records: [AuditRecord], _ outboxes: [AuditOutbox]) throws -> AuditBalance {
        let audits = ledger(records).audits(outboxes: outboxes)
        #expect(audits.count == 1)
        let balance = try #require(audits.first).balance
        #expect(addsUp(balance))
        return balance
    }

    @Test func `what lies in a batch partly below the watermark counts once`() throws {
        let balance = try balance([record(1, 6)], [outbox(next: 13, waiting: 5...12)])
        #expect((balance.accepted, balance.archived, balance.inFlight, balance.unexplained) == (12, 6, 6, 0))
    }

    @Test func `an outbox that nobody archived yet is in flight`() throws {
        let audits = AuditLedger().audits(outboxes: [outbox(next: 4, waiting: 1...3)])
        #expect(audits[0].balance.inFlight == 3)
        #expect(audits[0].balance.isSound)
    }

    @Test func `what the archive gained since the outbox was read is accepted too`() throws {
        let balance = try balance([record(1, 6), record(7, 20, epoch: 2)], [outbox(next: 9, waiting: 5...8)])
        #expect((balance.accepted, balance.archived, balance.inFlight) == (20, 20, 0))
    }

    @Test func `a sequence that is neither here nor there is unexplained and named`() throws {
        let audits = ledger([record(1, 4), record(7, 9)]).audits(outboxes: [outbox(next: 15, waiting: 12...14)])
        #expect(audits[0].balance.unexplained == 4)
        #expect(audits[0].unexplained == [5...6, 10...11])
        #expect(addsUp(audits[0].balance))
    }

    @Test func `gaps, damage and dead letters explain what they stand for`() throws {
        let records = [
            record(1, 3), record(4, 4, dead: true), record(.gap, 5, 6), record(7, 8), record(.damaged, 9, 10),
            record(11, 12),
        ]
        let balance = try balance(records, [outbox(next: 13, waiting: nil)])
        #expect((balance.archived, balance.deadLettered, balance.missing, balance.damaged) == (7, 1, 2, 2))
        #expect(balance.isSound)
    }

    @Test func `damage that came again from the outbox is archived after all`() throws {
        let balance = try balance(
            [record(1, 3), record(.damaged, 4, 6), record(4, 8)],
            [outbox(next: 9, waiting: nil)]
        )
        #expect((balance.archived, balance.damaged, balance.doubled) == (8, 0, 0))
    }

    @Test func `an event that is archived twice is told`() throws {
        let balance = try balance([record(1, 6), record(5, 8)], [outbox(next: 9, waiting: nil)])
        #expect((balance.accepted, balance.doubled) == (8, 2))
        #expect(!balance.isSound)
    }

    @Test func `a fork shares what came before it`() throws {
        // Rolled back to 5 after the archive had 9; epoch 3 went on at 6.
        let records = [record(1, 7), record(8, 9, epoch: 2), record(6, 8, epoch: 3, line: 1)]
        let balance = try balance(records, [outbox(next: 11, waiting: 9...10, epochs: [(1, 1), (3, 6)])])
        #expect((balance.accepted, balance.archived, balance.forked, balance.inFlight) == (14, 12, 3, 2))
        #expect(balance.isSound)
    }

    @Test func `a rolled back outbox whose fork is not archived yet is in flight behind the branch`() throws {
        let records = [record(1, 7), record(8, 9, epoch: 2)]
        let balance = try balance(records, [outbox(next: 9, waiting: 6...8, epochs: [(1, 1), (3, 6)])])
        #expect((balance.accepted, balance.archived, balance.inFlight) == (12, 9, 3))
        #expect(balance.isSound)
    }

    @Test func `a lost event of a fork is unexplained although the main line has its number`() throws {
        let records = [record(1, 9), record(6, 6, epoch: 3, line: 1), record(8, 8, epoch: 3, line: 1)]
        let balance = try balance(records, [outbox(next: 9, waiting: nil, epochs: [(1, 1), (3, 6)])])
        #expect(balance.unexplained == 1)
    }

    @Test func `a fork of a fork shares what came before it on both`() throws {
        let records = [record(1, 9), record(6, 12, epoch: 2, line: 1), record(9, 10, epoch: 3, line: 2)]
        let balance = try balance(records, [outbox(next: 14, waiting: 11...13, epochs: [(1, 1), (2, 6), (3, 9)])])
        #expect((balance.accepted, balance.archived, balance.forked, balance.inFlight) == (21, 18, 9, 3))
        #expect(balance.isSound)
    }

    @Test func `a gap stands on the line that its record names, although a fork has its epoch too`() throws {
        // A copy of the outbox took the main line over at 6; the rest of epoch 1 became a fork.
        let records = [
            record(1, 5), record(6, 9, epoch: 3), record(6, 7, line: 1), record(8, 8, epoch: 2, line: 1),
            record(.gap, 10, 12, epoch: 1), record(13, 14, epoch: 4),
        ]
        let balance = try balance(records, [outbox(next: 9, waiting: nil, epochs: [(1, 1), (2, 8)])])
        #expect((balance.accepted, balance.archived, balance.forked, balance.missing) == (17, 14, 3, 3))
        #expect(balance.isSound)
    }

    @Test func `a gap on a fork explains nothing on the main line`() throws {
        let records = [
            record(1, 9), record(6, 6, epoch: 3, line: 1), record(.gap, 7, 11, epoch: 3, line: 1),
            record(12, 12, epoch: 2),
        ]
        let balance = try balance(records, [outbox(next: 12, waiting: nil, epochs: [(1, 1), (3, 6)])])
        #expect((balance.missing, balance.unexplained) == (5, 2))
    }

    @Test func `damage on a fork excuses nothing on the main line`() throws {
        let records = [
            record(1, 6), record(9, 9), record(6, 6, epoch: 3, line: 1), record(.damaged, 7, 8, epoch: 3, line: 1),
            record(9, 10, epoch: 3, line: 1),
        ]
        let balance = try balance(records, [outbox(next: 11, waiting: nil, epochs: [(1, 1), (3, 6)])])
        #expect((balance.damaged, balance.unexplained) == (2, 2))
    }

    @Test func `a fork whose first events are damaged still begins with them`() throws {
        let records = [record(1, 9), record(.damaged, 6, 8, epoch: 3, line: 1)]
        let outboxes = [outbox(next: 10, waiting: 9...9, epochs: [(1, 1), (3, 6)])]
        let early = try balance(records, outboxes)
        #expect((early.accepted, early.archived, early.damaged, early.inFlight) == (13, 9, 3, 1))
        let late = try balance(records + [record(9, 9, epoch: 3, line: 1)], outboxes)
        #expect((late.accepted, late.archived, late.damaged, late.inFlight) == (13, 10, 3, 0))
        #expect(early.isSound && late.isSound)
    }

    @Test func `without its outbox only the archive's own holes can be seen`() throws {
        let audits = ledger([record(1, 4), record(6, 9)]).audits(outboxes: [])
        #expect(audits[0].name == nil)
        #expect((audits[0].balance.accepted, audits[0].balance.unexplained) == (9, 1))
    }

    @Test func `what another archive has is elsewhere`() throws {
        let audits = AuditLedger().audits(outboxes: [outbox(next: 9, waiting: 6...8, committed: 5, other: true)])
        #expect((audits[0].balance.elsewhere, audits[0].balance.inFlight) == (5, 3))
        #expect(audits[0].balance.isSound)
    }

    @Test func `damage of unknown owners excuses holes around it, each event once`() throws {
        var ledger = AuditLedger()
        ledger.apply(record(1, 2))
        ledger.apply(record(1, 1, producer: beta))
        ledger.noteUnknownDamage(3)
        ledger.apply(record(5, 6))
        ledger.apply(record(4, 4, producer: beta))
        let audits = ledger.audits(outboxes: [])
        #expect(audits.map(\.balance.damaged) == [2, 1])
        #expect(audits.map(\.balance.unexplained) == [0, 1])
    }

    @Test func `damage before a producer's last record excuses nothing behind it`() throws {
        var ledger = AuditLedger()
        ledger.apply(record(1, 2))
        ledger.noteUnknownDamage(5)
        ledger.apply(record(3, 4))
        ledger.apply(record(6, 6))
        #expect(ledger.audits(outboxes: [])[0].balance.unexplained == 1)
    }

    @Test func `removed segments explain a late beginning, and no more than they held`() throws {
        var ledger = AuditLedger()
        ledger.noteRemoved(3)
        ledger.apply(record(5, 9))
        let balance = ledger.audits(outboxes: [outbox(next: 10, waiting: nil)])[0].balance
        #expect((balance.removed, balance.unexplained) == (3, 1))
        #expect(addsUp(balance))
    }

    @Test func `an older archive was restored and the gap recorded`() throws {
        let records = [record(1, 4), record(.gap, 5, 7, epoch: 2), record(8, 9, epoch: 2)]
        let balance = try balance(records, [outbox(next: 12, waiting: 10...11, epochs: [(2, 6)])])
        #expect((balance.missing, balance.archived, balance.inFlight, balance.unexplained) == (3, 6, 2, 0))
    }
}
