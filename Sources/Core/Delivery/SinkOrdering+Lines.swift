import Bytes
import Mutation
import Wire

// Which line of a producer a batch belongs to, and what follows on it.
extension SinkOrdering {
    /// The line that agrees longest with what a producer says of its epochs; a new fork when the line goes on otherwise
    /// than the producer does. Nil while what the fork shares with the line is not on disk.
    mutating func adopt(
        _ hello: Hello,
        producer: inout Producer,
        _ actions: inout [Action]
    ) -> Int? {
        if producer.lines.isEmpty {
            producer.lines.append(Line(state: SinkLine(epochs: [], committed: 0, number: 0)))
            return 0
        }
        var best = (index: 0, shared: UInt64(0), isMeant: false)
        for (index, line) in producer.lines.enumerated() {
            let (shared, isMeant) = line.state.agreement(with: hello)
            if shared > best.shared || (shared == best.shared && (isMeant || !best.isMeant)) {
                best = (index, shared, isMeant)
            }
        }
        guard best.shared < min(producer.lines[best.index].state.appended, hello.next - 1) else { return best.index }
        let branch = best.shared + 1
        let epoch = hello.epoch(at: branch) ?? hello.epochs[0].epoch
        let start = EpochStart(epoch: epoch, firstSequence: branch)
        return fork(start, off: best.index, of: hello.producer, &producer, &actions)
    }

    /// Remembers where epochs that have not archived anything yet go on: on the producer's line.
    func noteSuccessors(_ hello: Hello, line: Int, _ producer: inout Producer) {
        for start in hello.epochs {
            let isKnown = producer.lines.contains { $0.state.contains(start.epoch) }
            producer.successors[start.epoch] = isKnown ? nil : line
        }
    }

    /// The line that a batch belongs to. A batch of an epoch that a later one has taken over from is a fork.
    mutating func lineIndex(
        for header: BatchHeader,
        producer: inout Producer,
        _ actions: inout [Action]
    ) -> Int? {
        if let index = producer.lines.lastIndex(where: { $0.state.contains(header.epoch) }) {
            let end = producer.lines[index].state.end(of: header.epoch)
            guard header.lastSequence >= end else { return index }
            let start = EpochStart(epoch: header.epoch, firstSequence: end)
            return fork(start, off: index, of: header.producer, &producer, &actions)
        }
        // An epoch that no line has yet goes on, or waits, where its producer's line is. When that line went on without
        // it, the next hello finds the place where they part, and makes a fork there.
        guard let index = producer.successors[header.epoch], index < producer.lines.count,
            let start = producer.announced[header.epoch], producer.lines[index].state.appended < start.first
        else { return nil }
        return index
    }

    /// A line of its own from an epoch's branch on. Only when what it shares with another line is on disk: then no
    /// failure of the archive can take it back, and the watermark of the fork tells the truth.
    private mutating func fork(
        _ start: EpochStart,
        off parent: Int,
        of id: Identifier128,
        _ producer: inout Producer,
        _ actions: inout [Action]
    ) -> Int? {
        let newest = producer.lines.map(\.state.number).max() ?? 0
        guard newest < .max, producer.lines[parent].state.committed >= start.firstSequence - 1 else { return nil }
        actions.append(.note(.forked(producer: id, epoch: start.epoch, at: start.firstSequence)))
        let stem = producer.lines[parent].state
        let line = SinkLine(
            epochs: [start],
            committed: start.firstSequence - 1,
            number: newest + 1,
            parent: stem.number,
            inherited: (stem.inherited + stem.epochs).filter { $0.firstSequence < start.firstSequence }
        )
        producer.lines.append(Line(state: line))
        return producer.lines.count - 1
    }

    func canContinue(_ header: BatchHeader, producer: Producer, line index: Int) -> Bool {
        let state = producer.lines[index].state
        if state.contains(header.epoch) { return true }
        guard let first = producer.announced[header.epoch]?.first else { return false }
        return state.epochs.isEmpty || first == state.appended + 1 || first <= header.firstSequence
    }

    /// A copy's batches may have been put on this producer's line, and its own on a copy's, before a fork told the two
    /// apart. Its own come to its line; what no producer that speaks knows of gives its room back when that runs out.
    mutating func sortWaiting(_ hello: Hello, line index: Int, _ producer: inout Producer, _ actions: inout [Action]) {
        producer.lines[index].hello = hello
        for other in producer.lines.indices where other != index {
            // It speaks for one line only.
            if producer.lines[other].hello?.epochs.last == hello.epochs.last { producer.lines[other].hello = nil }
            let line = producer.lines[other]
            let own = line.waiting.filter { hello.has($0.key, $0.value) && line.isForeign($0.key, $0.value) }
            for (first, batch) in own.sorted(by: { $0.key < $1.key }) {
                producer.lines[other].waiting[first] = nil
                if let rival = producer.lines[index].waiting[first], hello.has(first, rival), rival.last >= batch.last {
                    release(batch, .duplicate, &actions)
                } else {
                    let rival = producer.lines[index].waiting.updateValue(batch, forKey: first)
                    if let rival { release(rival, .noRoom, &actions) }
                }
            }
        }
        if heldBytes > holdBytes / 2 {
            let line = producer.lines[index]
            for (first, batch) in line.waiting.filter({ line.isForeign($0.key, $0.value) }).sorted(by: {
                $0.key < $1.key
            }) {
                producer.lines[index].waiting[first] = nil
                droppedBatches += 1
                release(batch, .noRoom, &actions)
                let nack = ControlMessage.nack(producer: hello.producer, epoch: batch.epoch, from: first)
                actions.append(.send(nack, producer: hello.producer, epoch: batch.epoch))
            }
        }
        advance(hello.producer, &producer, index, &actions)
    }

    /// Makes room for a producer: those that have only said hello, and have nothing here, can say it again.
    mutating func forgetIdle() {
        producers = producers.filter { _, producer in
            producer.pendingGap != nil
                || producer.lines.contains { $0.state.appended > 0 || !$0.waiting.isEmpty || !$0.state.epochs.isEmpty }
        }
    }

    private mutating func release(_ batch: Waiting, _ reason: Reason, _ actions: inout [Action]) {
        heldBytes -= batch.bytes
        actions.append(.release(slot: batch.slot, reason))
    }

    /// Hands on every waiting batch that the line has come up to.
    mutating func advance(
        _ id: Identifier128,
        _ producer: inout Producer,
        _ index: Int,
        _ actions: inout [Action]
    ) {
        while let (first, next) = nextWaiting(producer, index) {
            producer.lines[index].waiting[first] = nil
            let appended = producer.lines[index].state.appended
            guard belongs(next, producer, index) else {
                // Another epoch has these sequences on this line: what comes again is archived as a fork.
                heldBytes -= next.bytes
                droppedBatches += 1
                actions.append(.release(slot: next.slot, .noRoom))
                continue
            }
            if next.last <= appended {
                heldBytes -= next.bytes
                duplicateEvents += next.last - first + 1
                actions.append(.release(slot: next.slot, .duplicate))
                continue
            }
            let isTakenOver = !producer.lines[index].state.contains(next.epoch)
            if isTakenOver {
                let start = EpochStart(epoch: next.epoch, firstSequence: max(first, appended + 1))
                producer.lines[index].state.epochs.append(start)
            }
            producer.lines[index].state.appended = next.last
            append(next, first: first, after: appended, of: id, line: index, producer, &actions)
            if isTakenOver { releaseOvertaken(&producer, index, &actions) }
        }
    }

    /// An epoch has taken the line over: what waits of an earlier one at its sequences was sent by a run whose outbox is
    /// lost, and would be in the way of every batch of the new one.
    private mutating func releaseOvertaken(_ producer: inout Producer, _ index: Int, _ actions: inout [Action]) {
        let state = producer.lines[index].state
        let overtaken = producer.lines[index].waiting.filter {
            state.contains($0.value.epoch) && $0.value.last >= state.end(of: $0.value.epoch)
        }
        for (first, batch) in overtaken.sorted(by: { $0.key < $1.key }) {
            producer.lines[index].waiting[first] = nil
            droppedBatches += 1
            release(batch, .noRoom, &actions)
        }
    }

    mutating func append(
        _ next: Waiting,
        first: UInt64,
        after appended: UInt64,
        of id: Identifier128,
        line index: Int,
        _ producer: Producer,
        _ actions: inout [Action]
    ) {
        var skip = first > appended ? 0 : UInt32(appended + 1 - first)
        if skip > 0, isMutated(.sliceWrongly) { skip -= 1 }
        duplicateEvents += UInt64(skip)
        tickets.append(
            Ticket(
                number: nextTicket,
                producer: id,
                line: index,
                epoch: next.epoch,
                last: next.last,
                bytes: next.bytes,
                slot: next.slot
            )
        )
        let state = producer.lines[index].state
        let place = LinePlace(number: state.number, parent: state.parent)
        actions.append(.append(slot: next.slot, ticket: nextTicket, skip: skip, line: place))
        nextTicket += 1
    }

    /// Whether a waiting batch may still go on on the line: its epoch has not been taken over from at its sequences,
    /// and the line has not gone past the epoch's first sequence without it.
    private func belongs(_ next: Waiting, _ producer: Producer, _ index: Int) -> Bool {
        let state = producer.lines[index].state
        if state.contains(next.epoch) { return next.last < state.end(of: next.epoch) }
        guard !state.epochs.isEmpty, let start = producer.announced[next.epoch] else { return true }
        guard start.first > state.appended else { return false }
        // Behind the epoch that its producer had before it, not behind a copy's.
        guard let before = start.predecessor, let here = state.epoch(at: start.first - 1), here != 0 else {
            return true
        }
        return here == before
    }

    private func nextWaiting(_ producer: Producer, _ index: Int) -> (UInt64, Waiting)? {
        let appended = producer.lines[index].state.appended
        if let exact = producer.lines[index].waiting[appended + 1] { return (appended + 1, exact) }
        if isMutated(.windowOffByOne), let late = producer.lines[index].waiting[appended + 2] {
            return (appended + 2, late)
        }
        guard let first = producer.lines[index].waiting.keys.filter({ $0 <= appended }).min() else { return nil }
        return producer.lines[index].waiting[first].map { (first, $0) }
    }
}

extension Hello {
    /// Whether a batch is one of those that the producer has, or has got since it said this.
    func has(_ first: UInt64, _ batch: SinkOrdering.Waiting) -> Bool {
        epoch(at: first) == batch.epoch && epoch(at: batch.last) == batch.epoch
    }
}

extension SinkOrdering {
    /// What waits for an earlier batch, by producer and line, for a trace.
    public var waitingWords: String {
        producers.sorted { $0.key < $1.key }.flatMap { id, producer in
            producer.lines.filter { !$0.waiting.isEmpty }.map { line in
                let batches = line.waiting.sorted { $0.key < $1.key }
                    .map { "\($0.key)–\($0.value.last) of \($0.value.epoch.hexDigits.prefix(3))" }
                return "\(id.description.prefix(4)) line \(line.state.number) after \(line.state.appended): "
                    + batches.joined(separator: ", ")
            }
        }.joined(separator: "; ")
    }
}
