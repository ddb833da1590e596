import Archive
import Bytes
import Delivery
import Mutation
import Wire

/// The sink: the shipped ordering, commit sequence and archive, on a disk that fails.
final class SinkNode: Node {
    private enum Work {
        case append(SimulatedBatch, ticket: UInt64, skip: UInt32, line: LinePlace)
        case gap(SinkOrdering.Gap)
        case resume
    }

    private enum Report {
        case committed(UInt64)
        case failed(UInt64)
        case gapRecorded(Identifier128, UInt32)
    }

    private struct Live {
        var station: StationName
        var offset: UInt64
        var lines: [[UInt8]]
    }

    static let directory = "/archive"

    // What survives a crash.
    var durableDisk = SimulatedDisk()
    private var writer: ArchiveWriter?
    private var reader: ArchiveReader?
    private(set) var ordering: SinkOrdering?
    private var sequence = CommitSequence()
    private var routes = ProducerRoutes<NodeID>()
    private var slots: [UInt64: SimulatedBatch] = [:]
    private var nextSlot: UInt64 = 1
    private var work: [Work] = []
    private var gaps: [SinkOrdering.Gap] = []
    private var live: [Live] = []
    private var isCommitting = false
    private var closes: [SegmentClose] = []
    /// The id of the archive that it serves; nil while it is down.
    var archive: Identifier128? { writer?.identifier }
    /// The power goes with the process.
    var losesPower = false

    init(_ world: World) { super.init(.sink, world) }

    private var archiveOptions: ArchiveOptions {
        var options = ArchiveOptions()
        options.segmentBytes = world.options.segmentBytes
        options.segmentSeconds = 20
        options.syncWorkers = 0
        return options
    }

    // MARK: - Life

    override func died() {
        (writer, reader, ordering) = (nil, nil, nil)
        if losesPower { durableDisk.cutPower(&world.dice) }
        losesPower = false
    }

    /// When it last started, by the world's clock.
    private(set) var startedAt: Int64 = 0

    override func started() {
        startedAt = world.now
        durableDisk.revive()
        world.trace.note(world.now) { "the archive's disk holds \(self.durableDisk.listing)" }
        (sequence, routes, slots, work, gaps, live) = (CommitSequence(), ProducerRoutes(), [:], [], [], [])
        (closes, isCommitting) = ([], false)
        do throws(ArchiveError) {
            let opened = try ArchiveWriter(
                directory: Self.directory,
                options: archiveOptions,
                disk: durableDisk,
                now: wall,
                newIdentifier: world.newIdentifier,
                crc: world.crc
            )
            reader = try ArchiveReader(directory: Self.directory, disk: durableDisk, crc: world.crc)
            for note in opened.notes { world.trace.note(world.now) { "archive: \(note)" } }
            writer = opened
            let heads = opened.stations.map { "\($0)@\(opened.committedOffset(of: $0))" }.joined(separator: ", ")
            world.trace.note(world.now) { "archive \(opened.identifier), generation \(opened.generation): \(heads)" }
            closes = opened.takeCloseWork()
            ordering = SinkOrdering(
                archive: opened.identifier,
                generation: opened.generation,
                sink: world.newIdentifier(),
                holdBytes: world.options.holdBytes,
                minimumWindowBytes: 2 * world.options.batchEvents * 200,
                producers: opened.producers.map { entry in
                    let lines = entry.lines.map {
                        SinkLine(
                            epochs: $0.epochs,
                            committed: $0.committed,
                            number: $0.number,
                            parent: $0.parent,
                            inherited: $0.inherited
                        )
                    }
                    return (id: entry.id, station: entry.station, lines: lines)
                }
            )
        } catch {
            if error.code == .damaged { world.book.violate("the archive cannot be opened: \(error)") }
            return world.crash(self, "\(error)")
        }
        idle()
        beacon()
    }

    /// What happens though nobody asks: closing, rotation by age, another try at what a full disk did not take.
    private func idle() {
        if !isCommitting { commit() }
        closeOne()
        after(Int64(world.dice.pick(200...900))) { [unowned(unsafe) self] in idle() }
    }

    private func closeOne() {
        guard !closes.isEmpty else { return }
        let next = closes.removeFirst()
        do throws(ArchiveError) { try next.run() } catch {
            if error.isTemporary {
                closes.insert(next, at: 0)
            } else {
                world.crash(self, "\(error)")
            }
        }
    }

    private func beacon() {
        guard let writer else { return }
        for station in writer.stations {
            let packet = Packet.beacon(
                station,
                head: writer.committedOffset(of: station),
                generation: writer.generation,
                archive: writer.identifier
            )
            for tail in world.tails { world.send(packet, from: id, to: tail.id) }
        }
        after(1000) { [unowned(unsafe) self] in beacon() }
    }

    // MARK: - Hearing

    override func receive(_ packet: Packet, from sender: NodeID) {
        switch packet {
        case .append(let batch), .deadLetter(let batch):
            let slot = nextSlot
            nextSlot += 1
            slots[slot] = batch
            let bytes = BatchHeader.encodedBytes + batch.payload.count
            carryOut(ordering?.received(batch.header, slot: slot, bytes: bytes) ?? [])
        case .control(.hello(let hello)):
            routes.heard(hello, by: sender, now_ms: now_ms)
            carryOut(ordering?.heard(hello) ?? [])
        case .replayRequest(let station, let from): replay(station, from, to: sender)
        default: break
        }
        if let ordering, ordering.heldBytes > 2 * world.options.holdBytes + 4_000 {
            world.book.violate("the sink holds \(ordering.heldBytes) bytes, its budget is \(world.options.holdBytes)")
        }
    }

    private func carryOut(_ actions: [SinkOrdering.Action]) {
        for action in actions {
            switch action {
            case .append(let slot, let ticket, let skip, let line):
                guard let batch = slots.removeValue(forKey: slot) else { continue }
                work.append(.append(batch, ticket: ticket, skip: skip, line: line))
                commitSoon()
            case .release(let slot, _): slots[slot] = nil
            case .send(let message, let producer, let epoch):
                for route in routes.routes(to: producer, epoch: epoch) {
                    world.send(.control(message), from: id, to: route)
                }
            case .recordGap(let gap):
                work.append(.gap(gap))
                commitSoon()
            case .note(let note): world.trace.note(world.now) { "the sink: \(note)" }
            }
        }
    }

    private func replay(_ station: StationName, _ from: UInt64, to tail: NodeID) {
        guard let reader, let writer else { return }
        var bytes = ByteWriter()
        do throws(ArchiveError) {
            let slice = try reader.read(station: station, from: from, limitBytes: 3_000, into: &bytes)
            let answer = Packet.Replay(
                station: station,
                from: from,
                offsets: slice.offsets.flatMap { Array($0) },
                lines: bytes.array[...].lines.map(Array.init),
                next: slice.next,
                head: writer.committedOffset(of: station),
                generation: writer.generation,
                archive: writer.identifier
            )
            world.send(.replay(answer), from: id, to: tail)
        } catch {
            world.trace.note(world.now) { "replay of \(station) from \(from): \(error)" }
            if durableDisk.hasCrashed { world.crash(self, "\(error)") }
        }
    }

    // MARK: - Committing

    private func commitSoon() {
        guard !isCommitting else { return }
        isCommitting = true
        after(Int64(world.dice.pick(0...3))) { [unowned(unsafe) self] in commit() }
    }

    /// Appends and syncs all that has queued up; what came of it is told a little later, if the process lives.
    private func commit() {
        guard let writer else { return }
        isCommitting = true
        var reports: [Report] = []
        do throws(ArchiveError) {
            let queued = work
            work = []
            for item in queued { try append(item, writer, &reports) }
            if isMutated(.publishBeforeSync) { publish() }
            if isMutated(.commitBeforeSync), let last = sequence.pending.last { tell([.committed(last)]) }
            try sync(writer, &reports)
            try recordGaps(writer, &reports)
            try writer.rotateIfDue(now: wall)
            closes += writer.takeCloseWork()
        } catch {
            return world.crash(self, "\(error)")
        }
        if durableDisk.hasCrashed { return world.crash(self, "at an operation of its disk") }
        let shown = live
        live = []
        after(Int64(world.dice.pick(1...12))) { [unowned(unsafe) self] in
            isCommitting = false
            tell(reports)
            publish(shown)
            if !work.isEmpty { commitSoon() }
        }
    }

    private func append(_ item: Work, _ writer: ArchiveWriter, _ reports: inout [Report]) throws(ArchiveError) {
        switch item {
        case .append(let batch, let ticket, let skip, let line):
            guard sequence.admits else { return }
            let appended = batch.payload.withUnsafeBytes { bytes in
                Result { () throws(ArchiveError) in
                    try writer.append(
                        batch.header,
                        payload: bytes,
                        skip: skip,
                        line: line.number,
                        parent: line.parent,
                        now: wall
                    )
                }
            }
            switch appended {
            case .success(let offset):
                let kept = batch.lines.dropFirst(Int(skip)).map(Array.init)
                live.append(Live(station: batch.header.station, offset: offset, lines: kept))
                sequence.appended(ticket)
            case .failure(let error): try fail(at: ticket, error, &reports)
            }
        case .gap(let gap): gaps.append(gap)
        case .resume: sequence.resume()
        }
    }

    private func sync(_ writer: ArchiveWriter, _ reports: inout [Report]) throws(ArchiveError) {
        do throws(ArchiveError) { try writer.sync() } catch { return try fail(at: nil, error, &reports) }
        guard let last = sequence.synced() else { return }
        reports.append(.committed(last))
        world.trace.note(world.now) {
            let heads = writer.stations.map { "\($0)@\(writer.committedOffset(of: $0))" }
            return "the sink has synced through ticket \(last): \(heads.joined(separator: ", "))"
        }
    }

    private func fail(at ticket: UInt64?, _ error: ArchiveError, _ reports: inout [Report]) throws(ArchiveError) {
        guard error.isTemporary else { throw error }
        live = []
        if let first = sequence.failed(at: ticket) { reports.append(.failed(first)) }
    }

    private func recordGaps(_ writer: ArchiveWriter, _ reports: inout [Report]) throws(ArchiveError) {
        while let gap = gaps.first {
            do throws(ArchiveError) {
                let generation = try writer.recordGap(
                    station: gap.station,
                    producer: gap.producer,
                    parts: gap.parts.map { ($0.epoch, $0.from, $0.through) },
                    line: gap.line.number,
                    parent: gap.line.parent,
                    above: gap.heardGeneration,
                    now: wall
                )
                gaps.removeFirst()
                reports.append(.gapRecorded(gap.producer, generation))
            } catch {
                guard error.isTemporary else { throw error }
                return
            }
        }
    }

    private func tell(_ reports: [Report]) {
        for report in reports {
            switch report {
            case .committed(let ticket): carryOut(ordering?.committed(through: ticket) ?? [])
            case .failed(let ticket):
                carryOut(ordering?.failed(from: ticket) ?? [])
                work.append(.resume)
                commitSoon()
            case .gapRecorded(let producer, let generation):
                carryOut(ordering?.gapRecorded(producer: producer, generation: generation) ?? [])
            }
        }
    }

    private func publish() {
        publish(live)
        live = []
    }

    private func publish(_ batches: [Live]) {
        for batch in batches {
            for (index, line) in batch.lines.enumerated() {
                let packet = Packet.live(batch.station, offset: batch.offset + UInt64(index), line: line)
                for tail in world.tails { world.send(packet, from: id, to: tail.id) }
            }
        }
    }

    /// The offset behind the last committed event of each station; nothing while it is down.
    func head(of station: StationName) -> UInt64? { writer?.committedOffset(of: station) }
}
