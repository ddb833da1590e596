import Bytes
import Wire

/// Accounts for every event that a station's producers accepted: archived, dead-lettered, in flight, lost with a record
/// of it, or nowhere. A pure value, fed with the archive's index from its front and with what the outboxes say.
///
/// Outboxes must be read before the index: an event moves from the one to the other, never back, so that whatever the
/// reader missed in the outbox is in the archive by then.
public struct AuditLedger: Hashable, Sendable {
    private var producers: [Identifier128: ProducerLedger] = [:]
    /// Events whose index entries were damaged, so that nobody knows whose they were.
    public private(set) var unknownDamage: UInt64 = 0
    /// Events in segments that are no longer there.
    public private(set) var removed: UInt64 = 0

    /// An empty archive.
    public init() {}

    /// The producers that the archive knows.
    public var knownProducers: Set<Identifier128> { Set(producers.keys) }

    /// Takes up the next entry of the index.
    public mutating func apply(_ record: AuditRecord) {
        guard record.producer != .zero else { return noteUnknownDamage(record.lastSequence - record.firstSequence + 1) }
        producers[record.producer, default: ProducerLedger()].apply(record, unknownDamage: unknownDamage)
    }

    /// So many events lie where the index cannot be read.
    public mutating func noteUnknownDamage(_ count: UInt64) { unknownDamage += count }

    /// The archive begins behind so many events.
    public mutating func noteRemoved(_ count: UInt64) { removed = count }

    /// The balance of every producer that has an outbox or events in the archive, by producer.
    public func audits(outboxes: [AuditOutbox]) -> [ProducerAudit] {
        var allowance = Allowance(unknownDamage: unknownDamage, removed: removed)
        let names = Dictionary(outboxes.map { ($0.producer, $0) }) { first, _ in first }
        let all = Set(producers.keys).union(names.keys).sorted()
        return all.map { id in
            (producers[id] ?? ProducerLedger()).audit(id, names[id], unknownDamage: unknownDamage, &allowance)
        }
    }
}

/// Damage and removals that no record ties to a producer, to be charged once each.
struct Allowance {
    var unknownDamage: UInt64
    var removed: UInt64
}

/// One producer's lines, built from index records by the rules of `docs/archive.md`, "Watermarks".
struct ProducerLedger: Hashable, Sendable {
    struct Line: Hashable, Sendable {
        /// 0 is the main line, the others are forks.
        var number: UInt8
        var epochs: [UInt64] = []
        /// The last sequence that it shares with another line.
        var start: UInt64
        /// The last sequence that it has got to.
        var watermark: UInt64
        var archived = SequenceSet()
        var deadLetters = SequenceSet()
        var gaps = SequenceSet()
        var damaged = SequenceSet()
        var doubled: UInt64 = 0
        /// Holes between two records, with the damage of unknown owners that lies between them.
        var holes: [Hole] = []
        /// The damage of unknown owners before the line's last record.
        var unknownDamage: UInt64 = 0
        var isFork: Bool { number > 0 }
    }

    struct Hole: Hashable, Sendable {
        var range: ClosedRange<UInt64>
        var unknownDamage: UInt64
        /// Whether it lies before everything that the archive still has of the line.
        var isHead: Bool
    }

    private(set) var lines: [Line] = []

    mutating func apply(_ record: AuditRecord, unknownDamage: UInt64) {
        let hasSequences = record.lastSequence >= record.firstSequence
        let index = place(record)
        if !lines[index].epochs.contains(record.epoch) { lines[index].epochs.append(record.epoch) }
        // Damage moves no watermark: what an outbox still has comes again.
        guard record.kind != .damaged else {
            if hasSequences { lines[index].damaged.insert(record.firstSequence...record.lastSequence) }
            return
        }
        let line = lines[index]
        if hasSequences, record.firstSequence > line.watermark + 1 {
            lines[index].holes.append(
                Hole(
                    range: line.watermark + 1...record.firstSequence - 1,
                    unknownDamage: unknownDamage - line.unknownDamage,
                    isHead: line.archived.isEmpty && line.gaps.isEmpty && !line.isFork
                )
            )
        }
        lines[index].unknownDamage = unknownDamage
        lines[index].watermark = max(line.watermark, record.lastSequence)
        guard hasSequences else { return }
        let range = record.firstSequence...record.lastSequence
        if record.kind == .gap {
            lines[index].gaps.insert(range)
        } else {
            lines[index].doubled += lines[index].archived.insert(range)
            if record.isDeadLetter { lines[index].deadLetters.insert(range) }
        }
    }

    /// The record's line, made when it is new.
    private mutating func place(_ record: AuditRecord) -> Int {
        if let index = lines.firstIndex(where: { $0.number == record.line }) { return index }
        // A fork begins where it branches off, what is before stands on the line that it left; the main line begins with
        // the producer's first event.
        let start = record.line > 0 && record.firstSequence > 0 ? record.firstSequence - 1 : 0
        lines.append(Line(number: record.line, start: start, watermark: start))
        return lines.count - 1
    }

    // MARK: - The balance

    func audit(
        _ id: Identifier128,
        _ outbox: AuditOutbox?,
        unknownDamage: UInt64,
        _ allowance: inout Allowance
    ) -> ProducerAudit {
        var balance = AuditBalance()
        var nowhere: [ClosedRange<UInt64>] = []
        let own = outbox.map { ownLine($0) }
        // What the archive lost of this very outbox.
        var lost = SequenceSet()
        if let outbox, let own {
            let before = balance.missing
            let open = settle(outbox, own, unknownDamage, &balance, &allowance, &nowhere)
            if balance.missing > before, let index = own.index { lost = open.intersection(lines[index].gaps) }
        }
        for (index, line) in lines.enumerated() {
            balance.doubled += line.doubled
            let archived = line.archived.count
            let dead = line.deadLetters.count
            balance.archived += archived - dead
            balance.deadLettered += dead
            if line.isFork { balance.forked += archived }
            let isOwn = own?.index == index
            let from = isOwn ? max(own?.through ?? 0, line.start) : line.start
            guard from < .max, line.watermark > from else { continue }
            var universe = SequenceSet(from + 1...line.watermark)
            if isOwn { universe = universe.subtracting(lost.subtracting(line.archived)) }
            balance.accepted += universe.count
            let open = universe.subtracting(line.archived)
            nowhere += settle(open, line, unknownDamage, &balance, &allowance)
        }
        return ProducerAudit(producer: id, name: outbox?.name, balance: balance, unexplained: nowhere)
    }

    /// The newest line that has one of the outbox's epochs, and the sequence through which it tells of this outbox: what
    /// lies behind was accepted before the outbox was rolled back, by an epoch that it no longer knows of.
    private func ownLine(_ outbox: AuditOutbox) -> (index: Int?, through: UInt64) {
        for number in outbox.epochs.indices.reversed() {
            let epoch = outbox.epochs[number].epoch
            guard let index = lines.lastIndex(where: { $0.epochs.contains(epoch) }) else { continue }
            let next = number + 1
            return (index, next < outbox.epochs.count ? outbox.epochs[next].firstSequence - 1 : .max)
        }
        // An archive older than everything that the outbox remembers.
        let main = lines.firstIndex { !$0.isFork }
        return (main, main == nil ? 0 : (outbox.epochs.first?.firstSequence ?? 1) - 1)
    }

    /// What this very outbox accepted; returns what of it is neither archived nor waiting.
    private func settle(
        _ outbox: AuditOutbox,
        _ own: (index: Int?, through: UInt64),
        _ unknownDamage: UInt64,
        _ balance: inout AuditBalance,
        _ allowance: inout Allowance,
        _ nowhere: inout [ClosedRange<UInt64>]
    ) -> SequenceSet {
        let line = own.index.map { lines[$0] } ?? Line(number: 0, start: 0, watermark: 0)
        // The archive may know of events that came after the outbox was read.
        let top = max(outbox.nextSequence - 1, min(line.watermark, own.through))
        guard top > line.start else { return SequenceSet() }
        let universe = SequenceSet(line.start + 1...top)
        balance.accepted += universe.count
        let open = universe.subtracting(line.archived.between(after: line.start, through: min(top, own.through)))
        let waiting = open.intersection(outbox.waiting)
        balance.inFlight += waiting.count
        var rest = open.subtracting(waiting)
        if outbox.isOfOtherArchive {
            let there = rest.between(after: 0, through: outbox.committed)
            balance.elsewhere += there.count
            rest = rest.subtracting(there)
        }
        nowhere += settle(rest, line, unknownDamage, &balance, &allowance)
        return rest
    }

    /// Explains sequences that are neither archived nor waiting, as far as a record does.
    private func settle(
        _ open: SequenceSet,
        _ line: Line,
        _ unknownDamage: UInt64,
        _ balance: inout AuditBalance,
        _ allowance: inout Allowance
    ) -> [ClosedRange<UInt64>] {
        guard !open.isEmpty else { return [] }
        let lost = open.intersection(line.gaps)
        balance.missing += lost.count
        var rest = open.subtracting(lost)
        let broken = rest.intersection(line.damaged)
        balance.damaged += broken.count
        rest = rest.subtracting(broken)
        // Behind its last record the line ends where damage of unknown owners may have eaten its tail.
        let tail = Hole(
            range: line.watermark + 1 ... .max,
            unknownDamage: unknownDamage - line.unknownDamage,
            isHead: line.watermark == line.start
        )
        for hole in line.holes + [tail] {
            let part = rest.intersection(SequenceSet(hole.range))
            guard !part.isEmpty else { continue }
            if hole.isHead, allowance.removed > 0 {
                let gone = min(part.count, allowance.removed)
                allowance.removed -= gone
                balance.removed += gone
                rest = rest.subtracting(part.first(gone))
            }
            let left = rest.intersection(SequenceSet(hole.range))
            let excused = min(left.count, hole.unknownDamage, allowance.unknownDamage)
            allowance.unknownDamage -= excused
            balance.damaged += excused
            rest = rest.subtracting(left.first(excused))
        }
        balance.unexplained += rest.count
        return rest.ranges
    }
}

extension SequenceSet {
    /// The lowest so many.
    fileprivate func first(_ count: UInt64) -> SequenceSet {
        var result = SequenceSet()
        var left = count
        for range in ranges where left > 0 {
            let size = min(range.upperBound - range.lowerBound + 1, left)
            result.insert(range.lowerBound...(range.lowerBound + size - 1))
            left -= size
        }
        return result
    }
}
