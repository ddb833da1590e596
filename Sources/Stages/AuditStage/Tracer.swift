import Archive
import Bytes
import EventJSON
import Outbox
import Platform
import Incident
import Wire

/// Finds out where an event is. Belongs to one thread; reads beside the running processes.
public final class Tracer {
    private let stateDirectory: String
    private let archiveDirectory: String
    private let run: RunDirectory
    private let crc: CRC32C
    /// Outboxes that could not be read; the event may wait in one of them.
    public private(set) var problems: [String] = []

    /// Batches of an outbox that are searched in one transaction.
    private static let batchesPerTransaction = 256

    /// Prepares to look.
    public init(stateDirectory: String, archiveDirectory: String, run: RunDirectory, crc: CRC32C) {
        self.stateDirectory = stateDirectory
        self.archiveDirectory = archiveDirectory
        self.run = run
        self.crc = crc
    }

    /// Everything that is known of an event, newest first. Blocks on the disk.
    public func find(_ query: TraceQuery) throws -> [TracePlace] {
        // Outboxes before the archive: an event goes from the one to the other, and must not be missed between them.
        let waiting = waiting(query)
        var places = try archived(query)
        let archivedKeys = Set(places.compactMap(\.eventKey))
        places += waiting.filter { $0.eventKey.map { !archivedKeys.contains($0) } ?? true }
        if case .identifier(let id) = query { places += try rejected(id) }
        return places
    }

    // MARK: - Outboxes

    private func waiting(_ query: TraceQuery) -> [TracePlace] {
        if case .position = query { return [] }
        var places: [TracePlace] = []
        for place in OutboxPlaces.list(stateDirectory) {
            let inspection: OutboxInspection
            let found: [(OutboxBatch, UInt64)]
            do throws(OutboxError) {
                guard let opened = try OutboxInspection(directory: place.directory, crc: crc),
                    opened.station == place.station, opened.name == place.name
                else { continue }
                if case .sequence(let producer, _) = query, producer != opened.producer { continue }
                inspection = opened
                found = try search(opened, query)
            } catch {
                problems.append("\(error)")
                continue
            }
            guard !found.isEmpty else { continue }
            let reason = waitsFor(inspection.station, inspection.name)
            places += found.map { batch, sequence in
                .waiting(
                    TracePlace.Waiting(
                        station: inspection.station,
                        name: inspection.name,
                        producer: inspection.producer,
                        epoch: batch.epoch,
                        sequence: sequence,
                        since: batch.receivedAt,
                        waitsFor: reason
                    )
                )
            }
        }
        return places
    }

    private func search(
        _ inspection: OutboxInspection,
        _ query: TraceQuery
    ) throws(OutboxError) -> [(OutboxBatch, UInt64)] {
        var found: [(OutboxBatch, UInt64)] = []
        var next: UInt64? = 0
        while let from = next {
            next = try inspection.batches(from: from, limit: Self.batchesPerTransaction) { batch, events in
                switch query {
                case .sequence(_, let sequence):
                    if batch.sequences.contains(sequence) { found.append((batch, sequence)) }
                case .identifier(let id):
                    found += Self.events(of: batch, events, named: id, producer: inspection.producer).map {
                        (batch, $0)
                    }
                case .position: break
                }
            }
        }
        return found
    }

    /// The sequences of a batch's events that have an id, or will get it from the pipeline.
    private static func events(
        of batch: OutboxBatch,
        _ events: UnsafeRawBufferPointer,
        named id: String,
        producer: Identifier128
    ) -> [UInt64] {
        let isMade = TraceQuery.milliseconds(of: id) == batch.receivedAt.microseconds / 1000
        guard isMade || ByteSearch.find(Array("\"\(id)\"".utf8), in: events) != nil else { return [] }
        var found: [UInt64] = []
        var at = 0
        var sequence = batch.sequences.lowerBound
        while let end = ByteSearch.find([0x0A], in: events, from: at) {
            let event = UnsafeRawBufferPointer(rebasing: events[at..<end])
            if let stated = TopLevelReader.string(of: "id", in: event) {
                if stated.string == id { found.append(sequence) }
            } else if isMade {
                let stamp = IngestStamp(
                    producer: producer,
                    epoch: batch.epoch,
                    sequence: sequence,
                    receivedAt: batch.receivedAt
                )
                if stamp.identifier == id { found.append(sequence) }
            }
            at = end + 1
            sequence += 1
        }
        return found
    }

    /// What the producer says that it waits for.
    private func waitsFor(_ station: StationName, _ name: String) -> String {
        let start = "start enlace-producer --station \(station)\(name == "main" ? "" : " --name \(name)")"
        guard let bytes = try? Files.read("\(run.statusPath)/producer.\(station).\(name).json"),
            let status = try? JSONValue.parse(bytes), let process = status["pid"]?.integer,
            Files.exists("/proc/\(process)")
        else { return "its producer, which does not run in \(run.path): \(start)" }
        let reason = status["reason"]?.string ?? ""
        return reason.isEmpty ? "nothing: it is on its way to the archive" : reason
    }

    // MARK: - The archive

    private func archived(_ query: TraceQuery) throws -> [TracePlace] {
        guard ArchiveIndexScan.isThere(archiveDirectory) else { return [] }
        let search = ArchiveSearch(directory: archiveDirectory, crc: crc)
        let scan = try ArchiveIndexScan(directory: archiveDirectory, crc: crc)
        switch query {
        case .position(let position): return try search.line(at: position).map { [Self.place($0)] } ?? []
        case .identifier(let id):
            var places: [TracePlace] = []
            try search.lines(holding: Array("\"\(id)\"".utf8), stations: try scan.stations()) { finding in
                let isIt = finding.line.withUnsafeBytes { TopLevelReader.string(of: "id", in: $0)?.string == id }
                if isIt { places.append(Self.place(finding)) }
                return true
            }
            return places
        case .sequence(let producer, let sequence): return try archived(producer, sequence, scan, search)
        }
    }

    private func archived(
        _ producer: Identifier128,
        _ sequence: UInt64,
        _ scan: ArchiveIndexScan,
        _ search: ArchiveSearch
    ) throws -> [TracePlace] {
        var places: [TracePlace] = []
        for station in try scan.stations() {
            var facts: [ArchiveIndexFact] = []
            var cursor = ArchiveIndexScan.Cursor()
            _ = try scan.read(station, from: &cursor) { fact in
                guard fact.producer == producer, fact.firstSequence <= sequence, sequence <= fact.lastSequence else {
                    return
                }
                facts.append(fact)
            }
            for fact in facts {
                let offset = fact.offset + (sequence - fact.firstSequence)
                if fact.kind == .gap {
                    places.append(.lost(station, fact))
                } else if let finding = try search.line(station, offset) {
                    places.append(Self.place(finding))
                }
            }
        }
        // What was damaged and came again is archived after all.
        let isArchived = places.contains { if case .archived = $0 { true } else { false } }
        return places.filter { if case .lost(_, let fact) = $0, isArchived, fact.kind != .gap { false } else { true } }
    }

    private static func place(_ finding: ArchiveFinding) -> TracePlace {
        switch finding.batch.kind {
        case .batch, .fork:
            let value = try? JSONValue.parse(finding.line)
            return .archived(
                TracePlace.Archived(
                    finding: finding,
                    identifier: value?["id"]?.string,
                    level: value?["cross_border"]?["level"]?.string,
                    reason: value?["ingest"]?["unenriched"]?.string
                )
            )
        default: return .lost(finding.station, finding.batch)
        }
    }

    // MARK: - Rejects

    private func rejected(_ id: String) throws -> [TracePlace] {
        var places: [TracePlace] = []
        try RejectFiles.read(stateDirectory, holding: Array(id.utf8)) { reject in
            guard let event = reject.event.flatMap({ try? JSONValue.parse($0) }),
                event["id"]?.string == id || event["data"]?["id"]?.string == id
            else { return true }
            places.append(.rejected(reject))
            return true
        }
        return places
    }
}
