import Archive
import Bytes
import Outbox
import Wire

/// Gives the outboxes of a state directory to another archive than the one they belong to: the one before is lost.
public struct ArchiveAdoption {
    /// What became of one outbox.
    public struct Outcome {
        /// The outbox.
        public var place: OutboxPlaces.Place
        /// What was done; nil inside when there was nothing to do.
        public var result: Result<OutboxAdoption?, OutboxError>
    }

    /// The archive that the outboxes belong to from now on.
    public let archive: Identifier128
    /// One entry an outbox, sorted by place.
    public let outcomes: [Outcome]

    /// Adopts for every outbox of these stations, or of all; one that cannot be changed does not keep the others from it.
    /// Their producers must not run. Blocks on the disk.
    public init(archiveDirectory: String, stateDirectory: String, stations: [StationName], crc: CRC32C) throws {
        let archive = try ArchiveReader(directory: archiveDirectory, crc: crc).identifier
        self.archive = archive
        let places = OutboxPlaces.list(stateDirectory).filter { stations.isEmpty || stations.contains($0.station) }
        outcomes = places.map { place in
            do throws(OutboxError) {
                let done = try Outbox.adopt(archive: archive, directory: place.directory, crc: crc)
                return Outcome(place: place, result: .success(done))
            } catch {
                return Outcome(place: place, result: .failure(error))
            }
        }
    }
}
