import Bytes
import Delivery
import Testing
import Wire

@Suite("Ordering at the sink")
struct SinkOrderingTests {
    static let archive = Identifier128(high: 7, low: 7)
    static let producer = Identifier128(high: 1, low: 1)
    static let station = StationName("nogales") ?? { fatalError("a slug") }()

    static func sink(holdBytes: Int = 1_000_000, lines: [SinkLine] = []) -> SinkOrdering {
        SinkOrdering(
            archive: archive,
            generation: 1,
            sink: Identifier128(high: 8, low: 8),
            holdBytes: holdBytes,
            producers: lines.isEmpty ? [] : [(producer, station, lines)]
        )
    }

    static func hello(
        _ epochs: [(UInt64, UInt64)] = [(100, 1)],
        oldest: UInt64 = 1,
        next: UInt64 = 1000,
        archive: Identifier128 = .zero,
        committed: UInt64 = 0
    ) -> Hello {
        Hello(
            producer: producer,
            station: station,
            epochs: epochs.map { EpochStart(epoch: $0.0, firstSequence: $0.1) },
            oldest: oldest,
            next: next,
            archive: archive,
            committed: committed
        )
    }

    static func batch(_ first: UInt64, _ count: UInt32, epoch: UInt64 = 100) -> BatchHeader {
        BatchHeader(
            flags: .enriched,
            station: station,
            producer: producer,
            epoch: epoch,
            firstSequence: first,
            count: count,
            payloadBytes: count * 10,
            receivedAt: Timestamp(microseconds: 0),
            payloadChecksum: 0
        )
    }

    static func welcome(_ actions: [SinkOrdering.Action]) -> Welcome? {
        for case .send(.welcome(let welcome), _, _) in actions { return welcome }
        return nil
    }

    static func commit(_ through: UInt64, epoch: UInt64 = 100) -> SinkOrdering.Action {
        .send(.commit(producer: producer, epoch: epoch, through: through), producer: producer, epoch: epoch)
    }

    @Test("a hello is answered with the watermark and a window")
    func hello() throws {
        var sink = Self.sink()
        let first = sink.heard(Self.hello())
        #expect(first.contains(.note(.producerJoined(Self.producer, Self.station))))
        let welcome = try #require(Self.welcome(first))
        #expect(welcome.watermark == 0)
        #expect(welcome.refusal.isEmpty)
        #expect(welcome.windowBytes >= UInt64(Limits.minimumWindowBytes))
        // Again and again, without being noted again.
        #expect(!sink.heard(Self.hello()).contains(.note(.producerJoined(Self.producer, Self.station))))
    }

    @Test("batches in order are appended and committed in order")
    func inOrder() {
        var sink = Self.sink()
        _ = sink.heard(Self.hello())
        #expect(
            sink.received(Self.batch(1, 10), slot: 1, bytes: 100)
                == [.append(slot: 1, ticket: 1, skip: 0, isFork: false)]
        )
        #expect(
            sink.received(Self.batch(11, 5), slot: 2, bytes: 50)
                == [.append(slot: 2, ticket: 2, skip: 0, isFork: false)]
        )
        #expect(sink.heldBytes == 150)
        #expect(sink.line(of: Self.producer, epoch: 100)?.committed == 0)
        #expect(sink.committed(through: 2) == [Self.commit(15)])
        #expect(sink.heldBytes == 0)
        #expect(sink.line(of: Self.producer, epoch: 100)?.committed == 15)
        #expect(Self.welcome(sink.heard(Self.hello()))?.watermark == 15)
    }

    @Test("a batch that is early waits; a batch that is there already is released; one that straddles is cut")
    func orderAndRepeats() {
        var sink = Self.sink()
        _ = sink.heard(Self.hello())
        #expect(sink.received(Self.batch(11, 10), slot: 1, bytes: 100) == [])
        #expect(sink.waitingBatches == 1)
        #expect(sink.received(Self.batch(11, 10), slot: 2, bytes: 100) == [.release(slot: 2, .duplicate)])
        #expect(
            sink.received(Self.batch(1, 15), slot: 3, bytes: 150)
                == [
                    .append(slot: 3, ticket: 1, skip: 0, isFork: false),
                    .append(slot: 1, ticket: 2, skip: 5, isFork: false),
                ]
        )
        #expect(sink.received(Self.batch(1, 10), slot: 4, bytes: 100) == [.release(slot: 4, .duplicate)])
        #expect(sink.duplicateEvents == 10 + 5 + 10)
    }

    @Test("beyond the budget an early batch is dropped with a nack, the one that all wait for is taken")
    func budget() {
        var sink = Self.sink(holdBytes: 250)
        _ = sink.heard(Self.hello())
        #expect(sink.received(Self.batch(11, 10), slot: 1, bytes: 200) == [])
        #expect(
            sink.received(Self.batch(21, 10), slot: 2, bytes: 100)
                == [
                    .release(slot: 2, .noRoom),
                    .send(.nack(producer: Self.producer, epoch: 100, from: 21), producer: Self.producer, epoch: 100),
                ]
        )
        #expect(sink.droppedBatches == 1)
        #expect(
            sink.received(Self.batch(1, 10), slot: 3, bytes: 200)
                == [
                    .append(slot: 3, ticket: 1, skip: 0, isFork: false),
                    .append(slot: 1, ticket: 2, skip: 0, isFork: false),
                ]
        )
    }

    @Test("a full disk sends everything from the failed ticket on back")
    func failed() {
        var sink = Self.sink()
        _ = sink.heard(Self.hello())
        for index in 0..<3 {
            _ = sink.received(Self.batch(UInt64(index) * 10 + 1, 10), slot: UInt64(index), bytes: 100)
        }
        #expect(sink.committed(through: 1) == [Self.commit(10)])
        #expect(
            sink.failed(from: 2)
                == [
                    .release(slot: 1, .noRoom), .release(slot: 2, .noRoom),
                    .send(.nack(producer: Self.producer, epoch: 100, from: 11), producer: Self.producer, epoch: 100),
                ]
        )
        #expect(sink.heldBytes == 0)
        #expect(
            sink.received(Self.batch(11, 10), slot: 9, bytes: 100)
                == [.append(slot: 9, ticket: 4, skip: 0, isFork: false)]
        )
    }

    @Test("an epoch that begins behind the watermark goes on; one that begins before it is a fork, never a duplicate")
    func epochs() {
        let line = SinkLine(epochs: [EpochStart(epoch: 100, firstSequence: 1)], committed: 20, isFork: false)
        var sink = Self.sink(lines: [line])
        let after = Self.hello([(100, 1), (200, 21)], oldest: 21, archive: Self.archive, committed: 20)
        #expect(Self.welcome(sink.heard(after))?.watermark == 20)
        #expect(
            sink.received(Self.batch(21, 5, epoch: 200), slot: 1, bytes: 50)
                == [.append(slot: 1, ticket: 1, skip: 0, isFork: false)]
        )
        var rolledBack = Self.sink(lines: [line])
        let hello = Self.hello([(100, 1), (300, 11)], oldest: 5, next: 40, archive: Self.archive, committed: 4)
        let actions = rolledBack.heard(hello)
        #expect(actions.contains(.note(.forked(producer: Self.producer, epoch: 300, at: 11))))
        #expect(
            rolledBack.received(Self.batch(11, 5, epoch: 300), slot: 2, bytes: 50)
                == [.append(slot: 2, ticket: 1, skip: 0, isFork: true)]
        )
        #expect(rolledBack.line(of: Self.producer, epoch: 300)?.isFork == true)
        #expect(rolledBack.line(of: Self.producer, epoch: 100)?.committed == 20)
    }

    @Test("an archive that is older than the producer remembers records the gap before it goes on")
    func gap() throws {
        let line = SinkLine(epochs: [EpochStart(epoch: 100, firstSequence: 1)], committed: 20, isFork: false)
        var sink = Self.sink(lines: [line])
        let hello = Self.hello(oldest: 41, next: 60, archive: Self.archive, committed: 40)
        let actions = sink.heard(hello)
        var gaps: [ClosedRange<UInt64>] = []
        for case .recordGap(let gap) in actions { gaps.append(gap.from...gap.through) }
        #expect(gaps == [21...40])
        #expect(actions.contains(.note(.olderArchive(producer: Self.producer, watermark: 20, committed: 40))))
        #expect(Self.welcome(actions)?.refusal.isEmpty == false)
        #expect(sink.received(Self.batch(41, 5), slot: 1, bytes: 50) == [.release(slot: 1, .refused)])
        sink.gapRecorded(producer: Self.producer, generation: 2)
        let again = try #require(Self.welcome(sink.heard(hello)))
        #expect(again.watermark == 40)
        #expect(again.generation == 2)
        #expect(again.refusal.isEmpty)
        #expect(
            sink.received(Self.batch(41, 5), slot: 2, bytes: 50)
                == [.append(slot: 2, ticket: 1, skip: 0, isFork: false)]
        )
    }

    @Test("another archive's producer, another station's, and an unknown epoch are refused")
    func refusals() throws {
        var sink = Self.sink()
        let foreign = sink.heard(Self.hello(archive: Identifier128(high: 9, low: 9), committed: 0))
        #expect(try #require(Self.welcome(foreign)).refusal.contains("adopt"))
        #expect(sink.received(Self.batch(1, 1), slot: 1, bytes: 10) == [.release(slot: 1, .unknownEpoch)])
        _ = sink.heard(Self.hello())
        #expect(sink.received(Self.batch(1, 1, epoch: 5), slot: 2, bytes: 10) == [.release(slot: 2, .unknownEpoch)])
        var other = Self.hello()
        other.station = StationName("douglas") ?? Self.station
        #expect(try #require(Self.welcome(sink.heard(other))).refusal.contains("nogales"))
    }

    @Test("dropped, doubled and disordered batches are archived once, in order, within the budget", arguments: 0..<60)
    func random(seed: UInt64) {
        var chance = Chance(seed: seed)
        var sink = Self.sink(holdBytes: 3_000)
        _ = sink.heard(Self.hello())
        var archived: [UInt64] = []
        var held: [UInt64: BatchHeader] = [:]
        var open: [(ticket: UInt64, sequences: [UInt64])] = []
        var slot: UInt64 = 0
        var watermark: UInt64 = 0
        var rounds = 0
        while watermark < 300, rounds < 20_000 {
            rounds += 1
            // A producer sends anything above what is committed, in batches that need not be the same twice.
            let first = watermark + 1 + chance.below(60)
            let header = Self.batch(first, UInt32(1 + chance.below(12)))
            slot += 1
            held[slot] = header
            for action in sink.received(header, slot: slot, bytes: Int(header.count) * 10) {
                switch action {
                case .append(let slot, let ticket, let skip, _):
                    guard let header = held[slot] else { continue }
                    open.append((ticket, Array((header.firstSequence + UInt64(skip))...header.lastSequence)))
                case .release(let slot, _): held[slot] = nil
                default: break
                }
            }
            #expect(sink.heldBytes <= 6_000)
            if let last = open.last, chance.isTrue(0.2) {
                if chance.isTrue(0.2) {
                    _ = sink.failed(from: open[0].ticket)
                } else {
                    archived += open.flatMap(\.sequences)
                    for case .send(.commit(_, _, let through), _, _) in sink.committed(through: last.ticket) {
                        watermark = through
                    }
                }
                open = []
            }
        }
        #expect(watermark >= 300)
        #expect(archived == Array(1...UInt64(archived.count)))
    }
}
