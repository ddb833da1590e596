import Bytes
import Delivery
import Testing
import Wire

@Suite struct SinkOrderingHelloTests: SinkFixture {
    @Test func `a producer is noted once and answered each time`() {
        var machine = self.machine()
        #expect(machine.heard(hello([(5, 1)])) == [.note(.producerJoined(p, station)), welcome(0)])
        #expect(machine.heard(hello([(5, 1)])) == [welcome(0)])
        #expect(machine.producerCount == 1)
        #expect(machine.heard(hello([(5, 1)], of: q)).last == welcome(0, of: q))
        #expect(machine.producerCount == 2)
    }

    @Test func `a hello without epochs is not answered`() {
        var machine = self.machine()
        #expect(machine.heard(hello([])).isEmpty)
        #expect(machine.producerCount == 0)
    }

    @Test func `a producer of another archive is refused and not learned`() {
        var machine = self.machine()
        let words =
            "its outbox belongs to archive \(sink), this is \(archive); put that archive back, "
            + "or see enlace archive adopt"
        let actions = machine.heard(hello([(5, 1)], archive: sink, committed: 10))
        #expect(actions == [.note(.otherArchive(producer: p, expects: sink)), welcome(0, refusal: words)])
        #expect(machine.producerCount == 0)
    }

    @Test func `producers that only ever said hello make room for new ones, those with events stay`() {
        var machine = greeted()
        _ = machine.received(batch(1), slot: 1, bytes: 100)
        _ = machine.committed(through: 1)
        for number in 1...UInt64(Limits.producersPerSink) {
            _ = machine.heard(hello([(number, 1)], of: Identifier128(high: 77, low: number)))
        }
        #expect(machine.producerCount <= Limits.producersPerSink)
        let late = Identifier128(high: 78, low: 1)
        #expect(!machine.heard(hello([(9, 1)], of: late)).isEmpty)
        #expect(machine.line(of: p, epoch: 5)?.committed == 10)
        // Who was forgotten says hello again and is served.
        let again = machine.heard(hello([(1, 1)], of: Identifier128(high: 77, low: 1)))
        guard case .send(.welcome(let welcome), _, _)? = again.last else {
            Issue.record("no welcome: \(again)")
            return
        }
        #expect(welcome.refusal.isEmpty)
    }

    @Test func `a producer that changes its station is refused, and so are its batches`() {
        var machine = greeted()
        let other = StationName("coccau")!
        let words = "this producer's events so far are of station tarvisio"
        #expect(machine.heard(hello([(5, 1)], station: other)) == [welcome(0, refusal: words)])
        #expect(machine.received(batch(1, station: other), slot: 1, bytes: 100) == [.release(slot: 1, .refused)])
    }

    @Test func `one producer too many is refused, a known one is not`() {
        let full = (0..<UInt64(Limits.producersPerSink)).map {
            (id: Identifier128(high: 7, low: $0), station: station, lines: [line([(5, 1)], committed: 3)])
        }
        var machine = SinkOrdering(archive: archive, generation: 1, sink: sink, holdBytes: 1000, producers: full)
        let words = "this sink already serves \(Limits.producersPerSink) producers"
        #expect(machine.heard(hello([(5, 1)])) == [welcome(0, refusal: words)])
        let known = Identifier128(high: 7, low: 0)
        #expect(machine.heard(hello([(5, 1)], of: known)).contains(welcome(3, of: known)))
        #expect(machine.producerCount == Limits.producersPerSink)
    }

    @Test func `the window is a producer's share of the hold budget, within its bounds`() {
        let (growth, window) = (Limits.enrichedGrowth, Limits.producerWindowBytes)
        var machine = self.machine(hold: growth * window * 2)
        #expect(machine.heard(hello([(5, 1)])).last == welcome(0, window: window))
        #expect(machine.heard(hello([(5, 1)], of: q)).last == welcome(0, of: q, window: window))
        _ = machine.heard(hello([(5, 1)], of: Identifier128(high: 1, low: 3)))
        _ = machine.heard(hello([(5, 1)], of: Identifier128(high: 1, low: 4)))
        #expect(machine.heard(hello([(5, 1)])).last == welcome(0, window: window / 2))
    }

    @Test func `what the archive holds is the watermark`() {
        var machine = self.machine(lines: [line([(5, 1), (6, 21)], committed: 40)])
        #expect(machine.heard(hello([(6, 21)])).last == welcome(40, epoch: 6))
        #expect(machine.received(batch(31, epoch: 6), slot: 1, bytes: 100) == [.release(slot: 1, .duplicate)])
        #expect(machine.received(batch(41, epoch: 6), slot: 2, bytes: 100) == [append(2, 1)])
        #expect(machine.line(of: p, epoch: 5)?.tip == 6)
        #expect(machine.line(of: p, epoch: 7) == nil)
        #expect(machine.line(of: q, epoch: 5) == nil)
    }

    @Test func `an older archive records the gap before it takes anything, then goes on behind it`() throws {
        var machine = self.machine(lines: [line([(5, 1)], committed: 40)])
        let late = hello([(5, 1)], oldest: 61, archive: archive, committed: 60, generation: 7)
        let refused = welcome(0, refusal: "recording that \(p) has events this archive lost")
        let actions = machine.heard(late)
        let gap = try #require(recordedGap(in: actions))
        #expect(gap.producer == p && gap.station == station && gap.heardGeneration == 7)
        #expect(gap.parts == [.init(epoch: 5, from: 41, through: 60)])
        #expect(
            actions == [
                .note(.producerJoined(p, station)), .note(.olderArchive(producer: p, watermark: 40, committed: 60)),
                .recordGap(gap), refused,
            ]
        )
        #expect(machine.heard(late) == [refused])
        #expect(machine.received(batch(61), slot: 1, bytes: 100) == [.release(slot: 1, .refused)])
        machine.gapRecorded(producer: p, generation: 2)
        #expect(machine.generation == 2)
        #expect(machine.heard(late) == [welcome(60, generation: 2)])
        #expect(machine.received(batch(61), slot: 2, bytes: 100) == [append(2, 1)])
    }

    @Test func `a producer that still has what the archive lost fills the gap itself`() throws {
        var machine = self.machine(lines: [line([(4, 1)], committed: 40)])
        let whole = machine.heard(hello([(5, 41)], oldest: 41, archive: archive, committed: 60))
        let gap = try #require(recordedGap(in: whole))
        #expect(gap.parts == [.init(epoch: 5, from: 41, through: 40)])
        machine.gapRecorded(producer: p, generation: 2)
        #expect(machine.line(of: p, epoch: 5) == line([(4, 1), (5, 41)], committed: 40))
        // It hears of the new generation before it has forgotten what it believed: no second gap for the same loss.
        let again = machine.heard(hello([(5, 41)], oldest: 41, archive: archive, committed: 60))
        #expect(again == [welcome(40, generation: 2)])
        #expect(machine.received(batch(41), slot: 1, bytes: 100) == [append(1, 1)])
    }

    @Test func `a gap that nobody waits for changes only the generation`() {
        var machine = self.machine(lines: [line([(5, 1)], committed: 40)])
        machine.gapRecorded(producer: p, generation: 3)
        machine.gapRecorded(producer: q, generation: 4)
        #expect(machine.generation == 4)
        #expect(machine.line(of: p, epoch: 5) == line([(5, 1)], committed: 40))
    }

    @Test func `a batch that waited behind a gap is appended once the gap is recorded`() {
        var machine = self.machine(lines: [line([(5, 1)], committed: 40)])
        #expect(machine.received(batch(61), slot: 1, bytes: 100).isEmpty)
        let late = hello([(5, 1)], oldest: 61, archive: archive, committed: 60)
        _ = machine.heard(late)
        #expect(machine.gapRecorded(producer: p, generation: 2) == [append(1, 1)])
        #expect(machine.received(batch(61), slot: 2, bytes: 100) == [.release(slot: 2, .duplicate)])
        #expect(machine.waitingBatches == 0)
    }
}

@Suite struct SinkOrderingForkTests: SinkFixture {
    /// Epoch 5 has twenty events on disk; then the outbox is rolled back to ten and goes on as epoch 6.
    private func forked() -> SinkOrdering {
        var machine = self.machine(lines: [line([(5, 1)], committed: 20)])
        _ = machine.heard(hello([(5, 1), (6, 11)]))
        return machine
    }

    @Test func `a new epoch that begins where the line has been is a fork`() {
        var machine = self.machine(lines: [line([(5, 1)], committed: 20)])
        let actions = machine.heard(hello([(5, 1), (6, 11)]))
        let notes: [Action] = [
            .note(.producerJoined(p, station)), .note(.forked(producer: p, epoch: 6, at: 11)),
        ]
        #expect(actions == notes + [welcome(10, epoch: 6)])
        #expect(machine.heard(hello([(5, 1), (6, 11)])) == [welcome(10, epoch: 6)])
        #expect(machine.received(batch(11, epoch: 6), slot: 1, bytes: 100) == [append(1, 1, line: 1)])
        #expect(machine.received(batch(21), slot: 2, bytes: 100) == [append(2, 2)])
        #expect(machine.committed(through: 2) == [commit(20, epoch: 6), commit(30)])
        #expect(machine.line(of: p, epoch: 6) == line([(6, 11)], committed: 20, number: 1, inherited: [(5, 1)]))
        #expect(machine.line(of: p, epoch: 5) == line([(5, 1)], committed: 30))
    }

    @Test func `what an epoch sends after another took over is a fork`() {
        var machine = self.machine(lines: [line([(5, 1), (6, 21)], committed: 30)])
        _ = machine.heard(hello([(5, 1), (6, 21)]))
        #expect(machine.received(batch(11), slot: 1, bytes: 100) == [.release(slot: 1, .duplicate)])
        let note = Action.note(.forked(producer: p, epoch: 5, at: 21))
        #expect(machine.received(batch(21), slot: 2, bytes: 100) == [note, append(2, 1, line: 1)])
        #expect(machine.received(batch(31), slot: 3, bytes: 100) == [append(3, 2, line: 1)])
        #expect(machine.line(of: p, epoch: 6)?.appended == 30)
    }

    @Test func `an announced epoch that every line has gone past is a fork`() {
        var machine = self.machine(lines: [line([(5, 1)], committed: 20)])
        let told = machine.heard(hello([(6, 11), (7, 31)]))
        #expect(told.contains(.note(.forked(producer: p, epoch: 6, at: 11))))
        // Not 20: what the main line has from 11 on is not this outbox's.
        #expect(told.last == welcome(10, epoch: 7))
        #expect(machine.received(batch(11, epoch: 6), slot: 1, bytes: 100) == [append(1, 1, line: 1)])
    }

    @Test func `the epoch after a fork goes on on the fork, though the main line is shorter`() {
        var machine = forked()
        _ = machine.received(batch(11, epoch: 6), slot: 1, bytes: 100)
        _ = machine.received(batch(21, epoch: 6), slot: 2, bytes: 100)
        _ = machine.committed(through: 2)
        let restarted = hello([(5, 1), (6, 11), (7, 31)], oldest: 31, archive: archive, committed: 30)
        #expect(machine.heard(restarted) == [welcome(30, epoch: 7)])
        #expect(machine.received(batch(31, epoch: 7), slot: 3, bytes: 100) == [append(3, 3, line: 1)])
        #expect(machine.waitingBatches == 0)
    }

    @Test func `what waits on a copy's line comes to its own once a fork tells the two apart`() {
        var machine = self.machine(lines: [line([(5, 1)], committed: 20)])
        _ = machine.heard(hello([(5, 1), (6, 21)]))
        _ = machine.heard(hello([(5, 1), (7, 21)]))
        #expect(machine.received(batch(41, epoch: 7), slot: 1, bytes: 100).isEmpty)
        #expect(machine.received(batch(21, epoch: 6), slot: 2, bytes: 100) == [append(2, 1)])
        #expect(machine.heard(hello([(5, 1), (7, 21)])).last == welcome(20, epoch: 7))
        #expect(machine.received(batch(21, epoch: 7), slot: 3, bytes: 100) == [append(3, 2, line: 1)])
        let last = machine.received(batch(31, epoch: 7), slot: 4, bytes: 100)
        #expect(last == [append(4, 3, line: 1), append(1, 4, line: 1)])
        #expect(machine.waitingBatches == 0)
    }

    @Test(arguments: [4, 6])
    func `what a line's producer does not know gives its room back when that runs out`(_ batches: UInt64) {
        var machine = self.machine(lines: [line([(5, 1)], committed: 20)])
        _ = machine.heard(hello([(5, 1), (7, 21)]))
        for number in 1...batches { _ = machine.received(batch(31 + 10 * number, epoch: 7), slot: number, bytes: 100) }
        let told = machine.heard(hello([(5, 1), (6, 21)]))
        let isShort = batches > 5
        #expect(told.contains(.release(slot: 1, .noRoom)) == isShort)
        #expect(told.contains(nack(41, epoch: 7)) == isShort)
        #expect(machine.waitingBatches == (isShort ? 0 : Int(batches)))
        #expect(machine.heldBytes == (isShort ? 0 : 100 * Int(batches)))
    }

    @Test func `a fork's watermark tells only of what is on disk`() {
        var machine = greeted()
        _ = machine.received(batch(1), slot: 1, bytes: 100)
        _ = machine.received(batch(11), slot: 2, bytes: 100)
        #expect(
            machine.heard(hello([(5, 1), (6, 11)])).last == welcome(0, epoch: 6, window: 0),
            "nothing is committed yet"
        )
        _ = machine.committed(through: 2)
        let later = machine.heard(hello([(5, 1), (6, 11)]))
        #expect(later == [.note(.forked(producer: p, epoch: 6, at: 11)), welcome(10, epoch: 6)])
    }

    @Test func `what a fork shares with the main line is taken again when the archive lost it`() {
        var machine = greeted()
        _ = machine.received(batch(1), slot: 1, bytes: 100)
        _ = machine.heard(hello([(5, 1), (6, 11)]))
        _ = machine.received(batch(11, epoch: 6), slot: 2, bytes: 100)
        _ = machine.received(batch(11), slot: 3, bytes: 100)
        _ = machine.failed(from: 1)
        let actions = machine.received(batch(1), slot: 4, bytes: 100)
        #expect(actions.contains { if case .append = $0 { true } else { false } }, "1 to 10 are nowhere: \(actions)")
    }

    @Test func `a waiting batch of an epoch that was taken over does not go on on the line`() {
        var machine = greeted()
        _ = machine.received(batch(1), slot: 1, bytes: 100)
        #expect(machine.received(batch(21), slot: 2, bytes: 100).isEmpty)
        #expect(machine.heard(hello([(5, 1), (6, 11)])) == [welcome(0, epoch: 6)])
        #expect(
            machine.received(batch(11, epoch: 6), slot: 3, bytes: 100)
                == [append(3, 2), .release(slot: 2, .noRoom)]
        )
        let actions = machine.received(batch(21, epoch: 6), slot: 4, bytes: 100)
        #expect(!actions.contains(.release(slot: 4, .duplicate)), "epoch 6's 21 to 30 are nowhere")
    }
}
