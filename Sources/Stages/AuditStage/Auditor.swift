import Archive
import Audit
import Bytes
import Outbox
import Platform
import Wire

/// Reads every outbox and the archive's index and accounts for each accepted event, beside the running processes.
///
/// Belongs to one thread. Called again it reads only what the archive has gained. Must not live in a process that has
/// an outbox open for writing.
public final class Auditor {
    /// Where to look, and how far.
    public struct Options: Sendable {
        /// Holds the outboxes.
        public var stateDirectory: String
        /// The archive.
        public var archiveDirectory: String
        /// Only these stations; empty for all.
        public var stations: [StationName]
        /// Batches of an outbox that are looked at one by one; what lies behind is taken from the outbox's own count.
        public var batchLimit: Int

        /// Joins the choices.
        public init(
            stateDirectory: String,
            archiveDirectory: String,
            stations: [StationName] = [],
            batchLimit: Int = .max
        ) {
            self.stateDirectory = stateDirectory
            self.archiveDirectory = archiveDirectory
            self.stations = stations
            self.batchLimit = batchLimit
        }
    }

    private struct StationState {
        var cursor = ArchiveIndexScan.Cursor()
        var ledger = AuditLedger()
    }

    private let options: Options
    private let crc: CRC32C
    private var states: [StationName: StationState] = [:]
    private var archive: Identifier128?
    private var rounds = 0

    /// After so many rounds everything is read again: what lies on a disk can change behind a reader's back.
    private static let roundsBeforeReread = 30
    /// Batches that are read in one transaction of an outbox.
    private static let batchesPerTransaction = 4096

    /// Prepares; reads nothing yet.
    public init(options: Options, crc: CRC32C) {
        self.options = options
        self.crc = crc
    }

    /// Accounts for everything. Blocks on the disk.
    ///
    /// What looks unexplained is read once more from the front before it is told: a sink that was putting its files in
    /// order at that moment must not raise an alarm.
    public func run() throws -> AuditReport {
        rounds += 1
        if rounds % Self.roundsBeforeReread == 0 { states = [:] }
        let report = try once()
        guard !report.total.isSound else { return report }
        states = [:]
        return try once()
    }

    private func once() throws -> AuditReport {
        // Outboxes first: an event leaves its outbox only when the archive has it.
        var report = AuditReport(at: Clock.now(), stateDirectory: options.stateDirectory)
        let outboxes = try readOutboxes(&report)
        try readArchive(&report)
        let names = Set(states.keys).union(outboxes.keys).filter { isWanted($0) }
        for station in names.sorted() {
            let state = states[station] ?? StationState()
            let audits = state.ledger.audits(outboxes: (outboxes[station] ?? []).map { outbox($0, &report) })
            report.producers += audits.map { AuditReport.Entry(station: station, audit: $0) }
            if state.ledger.unknownDamage > 0 {
                report.notes.append(
                    "\(station): the index of \(state.ledger.unknownDamage) archived events is damaged, so that nobody "
                        + "knows whose they were; enlace archive verify names them"
                )
            }
            if state.ledger.removed > 0 {
                report.notes.append("\(station): the archive begins at @\(state.ledger.removed)")
            }
        }
        return report
    }

    private func isWanted(_ station: StationName) -> Bool {
        options.stations.isEmpty || options.stations.contains(station)
    }

    // MARK: - Outboxes

    private struct ReadOutbox {
        var station: StationName
        var producer: Identifier128
        var name: String
        var facts: OutboxFacts
        var waiting: SequenceSet
    }

    private func readOutboxes(_ report: inout AuditReport) throws -> [StationName: [ReadOutbox]] {
        var found: [StationName: [ReadOutbox]] = [:]
        for place in OutboxPlaces.list(options.stateDirectory) where isWanted(place.station) {
            do throws(OutboxError) {
                guard let inspection = try OutboxInspection(directory: place.directory, crc: crc) else { continue }
                guard inspection.station == place.station, inspection.name == place.name else {
                    report.notes.append(
                        "\(place.directory) is a copy of the outbox of \(inspection.station).\(inspection.name) "
                            + "and is not counted"
                    )
                    continue
                }
                let facts = try inspection.facts()
                let waiting = try self.waiting(inspection, facts)
                found[place.station, default: []].append(
                    ReadOutbox(
                        station: place.station,
                        producer: inspection.producer,
                        name: place.name,
                        facts: facts,
                        waiting: waiting
                    )
                )
            } catch {
                // Taken away under us: a producer's outbox may be deleted at any time.
                guard Files.exists(place.directory + "/data.mdb") else { continue }
                report.problems.append("\(error)")
            }
        }
        return found
    }

    /// The sequences that really lie in the outbox, batch by batch.
    private func waiting(_ inspection: OutboxInspection, _ facts: OutboxFacts) throws(OutboxError) -> SequenceSet {
        var waiting = SequenceSet()
        var next: UInt64? = facts.oldest
        var count = 0
        while let from = next, from < facts.nextSequence {
            guard count < options.batchLimit else {
                waiting.insert(from...facts.nextSequence - 1)
                break
            }
            next = try inspection.batches(from: from, limit: Self.batchesPerTransaction) { batch, _ in
                waiting.insert(batch.sequences)
                count += 1
            }
        }
        return waiting
    }

    private func outbox(_ read: ReadOutbox, _ report: inout AuditReport) -> AuditOutbox {
        let committed = read.facts.committed
        let isOther = committed.archive != .zero && committed.archive != archive
        if isOther {
            let what = archive.map { "this archive is \($0)" } ?? "there is none in \(options.archiveDirectory)"
            report.notes.append(
                "\(read.station).\(read.name): its events through \(committed.sequence) are in archive "
                    + "\(committed.archive), \(what)"
            )
        }
        return AuditOutbox(
            producer: read.producer,
            name: read.name,
            epochs: read.facts.epochs,
            nextSequence: read.facts.nextSequence,
            committed: committed.sequence,
            isOfOtherArchive: isOther,
            waiting: read.waiting
        )
    }

    // MARK: - The archive

    private func readArchive(_ report: inout AuditReport) throws {
        guard ArchiveIndexScan.isThere(options.archiveDirectory) else {
            archive = nil
            states = [:]
            return
        }
        let scan = try ArchiveIndexScan(directory: options.archiveDirectory, crc: crc)
        if archive != scan.identifier { states = [:] }
        archive = scan.identifier
        report.archive = scan.identifier
        for station in try scan.stations() where isWanted(station) {
            var attempts = 0
            while try !read(station, scan) {
                states[station] = nil
                attempts += 1
                guard attempts < 5 else {
                    report.problems.append(
                        "\(station): the archive's index contradicts itself; run enlace archive verify"
                    )
                    break
                }
            }
        }
    }

    /// False when it must be read from the front.
    private func read(_ station: StationName, _ scan: ArchiveIndexScan) throws -> Bool {
        var state = states[station] ?? StationState()
        states[station] = nil
        do throws(ArchiveError) {
            guard try scan.read(station, from: &state.cursor, { Self.take($0, &state.ledger) }) else { return false }
        } catch {
            // A name may go away between listing and opening.
            guard error.errorNumber == 2 else { throw error }
            return false
        }
        state.ledger.noteRemoved(state.cursor.oldest)
        states[station] = state
        return true
    }

    private static func take(_ fact: ArchiveIndexFact, _ ledger: inout AuditLedger) {
        let kind: AuditRecord.Kind
        switch fact.kind {
        case .unreadable: return ledger.noteUnknownDamage(fact.count)
        case .batch, .fork: kind = .batch
        case .gap: kind = .gap
        case .damaged: kind = .damaged
        }
        ledger.apply(
            AuditRecord(
                kind: kind,
                isDeadLetter: fact.isUnenriched,
                line: fact.line,
                producer: fact.producer,
                epoch: fact.epoch,
                firstSequence: fact.firstSequence,
                lastSequence: fact.lastSequence
            )
        )
    }
}
