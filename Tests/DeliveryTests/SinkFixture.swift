import Bytes
import Delivery
import Wire

/// What the tests of the sink's order say to it and hear from it, short.
protocol SinkFixture {}

extension SinkFixture {
    typealias Action = SinkOrdering.Action

    var archive: Identifier128 { Identifier128(high: 3, low: 3) }
    var sink: Identifier128 { Identifier128(high: 2, low: 2) }
    var station: StationName { StationName("tarvisio")! }
    var p: Identifier128 { Identifier128(high: 1, low: 1) }
    var q: Identifier128 { Identifier128(high: 1, low: 2) }

    func machine(hold: Int = 1000, lines: [SinkLine] = []) -> SinkOrdering {
        let known = lines.isEmpty ? [] : [(id: p, station: station, lines: lines)]
        return SinkOrdering(archive: archive, generation: 1, sink: sink, holdBytes: hold, producers: known)
    }

    func line(_ epochs: [(UInt64, UInt64)], committed: UInt64, number: UInt8 = 0, inherited: [(UInt64, UInt64)] = [])
        -> SinkLine
    {
        let starts = epochs.map { EpochStart(epoch: $0.0, firstSequence: $0.1) }
        return SinkLine(
            epochs: starts,
            committed: committed,
            number: number,
            inherited: inherited.map { EpochStart(epoch: $0.0, firstSequence: $0.1) }
        )
    }

    func hello(
        _ epochs: [(UInt64, UInt64)],
        of producer: Identifier128? = nil,
        station name: StationName? = nil,
        oldest: UInt64 = 1,
        archive: Identifier128 = .zero,
        committed: UInt64 = 0,
        generation: UInt32 = 0
    ) -> Hello {
        Hello(
            producer: producer ?? p,
            station: name ?? station,
            epochs: epochs.map { EpochStart(epoch: $0.0, firstSequence: $0.1) },
            oldest: oldest,
            next: 10_000,
            archive: archive,
            committed: committed,
            generation: generation
        )
    }

    /// The batch of ten events that begins at `first`, unless told otherwise.
    func batch(
        _ first: UInt64,
        count: UInt32 = 10,
        epoch: UInt64 = 5,
        of producer: Identifier128? = nil,
        station name: StationName? = nil
    ) -> BatchHeader {
        BatchHeader(
            flags: .enriched,
            station: name ?? station,
            producer: producer ?? p,
            epoch: epoch,
            firstSequence: first,
            count: count,
            payloadBytes: 100,
            receivedAt: Timestamp(microseconds: 0),
            payloadChecksum: 0
        )
    }

    func welcome(
        _ watermark: UInt64,
        epoch: UInt64 = 5,
        of producer: Identifier128? = nil,
        window: Int = Limits.minimumWindowBytes,
        generation: UInt32 = 1,
        refusal: String = ""
    ) -> Action {
        let message = Welcome(
            producer: producer ?? p,
            epoch: epoch,
            sink: sink,
            archive: archive,
            generation: generation,
            watermark: watermark,
            windowBytes: UInt64(refusal.isEmpty ? window : 0),
            refusal: refusal
        )
        return .send(.welcome(message), producer: producer ?? p, epoch: epoch)
    }

    func commit(_ last: UInt64, epoch: UInt64 = 5, of producer: Identifier128? = nil) -> Action {
        .send(.commit(producer: producer ?? p, epoch: epoch, through: last), producer: producer ?? p, epoch: epoch)
    }

    func nack(_ first: UInt64, epoch: UInt64 = 5, of producer: Identifier128? = nil) -> Action {
        .send(.nack(producer: producer ?? p, epoch: epoch, from: first), producer: producer ?? p, epoch: epoch)
    }

    func append(_ slot: UInt64, _ ticket: UInt64, skip: UInt32 = 0, line: UInt8 = 0) -> Action {
        .append(slot: slot, ticket: ticket, skip: skip, line: LinePlace(number: line))
    }

    func recordedGap(in actions: [Action]) -> SinkOrdering.Gap? {
        for case .recordGap(let gap) in actions { return gap }
        return nil
    }

    /// A machine that producer `p` has greeted in epoch 5, which began with sequence 1.
    func greeted(hold: Int = 1000) -> SinkOrdering {
        var machine = self.machine(hold: hold)
        _ = machine.heard(hello([(5, 1)]))
        return machine
    }
}
