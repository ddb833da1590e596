import Bytes
import CPlatform
import Glibc
import Wire

/// Records what a worker is at, in a file that outlives it, so that the next run on this machine can tell the producers
/// which event the last one died of. One a worker; belongs to its thread, but for `progress` and `giveUp`.
public final class FlightRecorder: @unchecked Sendable {
    // `@unchecked`: the watchdog's thread reads counters that the worker's writes; a torn or late look only delays it.
    private let record: UnsafeMutablePointer<enlace_flight_record>
    private let descriptor: Int32
    private let path: String

    /// Makes the record in a directory, which is made too.
    public init(directory: String, incarnation: Identifier128) throws(PlatformError) {
        try Files.makeDirectories(directory)
        path = "\(directory)/\(incarnation)\(Self.suffix)"
        var opened: UnsafeMutablePointer<enlace_flight_record>?
        descriptor = enlace_flight_open(path, &opened)
        guard descriptor >= 0, let opened else { throw .last("make", path) }
        record = opened
        record.pointee.incarnation_high = incarnation.high
        record.pointee.incarnation_low = incarnation.low
    }

    deinit {
        unlink(path)
        enlace_flight_close(descriptor, record)
    }

    private static let suffix = ".flight"

    /// Makes crashes of this thread leave their signal in the record. Call it on the worker's thread.
    public func watchThisThread() { enlace_flight_watch(record) }

    /// A batch is begun.
    public func begin(_ header: BatchHeader) {
        record.pointee.producer_high = header.producer.high
        record.pointee.producer_low = header.producer.low
        record.pointee.epoch = header.epoch
        record.pointee.first_sequence = header.firstSequence
        at(header.firstSequence)
        record.pointee.is_busy = 1
    }

    /// The event with this sequence comes next.
    @inline(__always)
    public func at(_ sequence: UInt64) {
        record.pointee.sequence = sequence
        record.pointee.progress &+= 1
    }

    /// The batch is finished.
    public func end() { record.pointee.is_busy = 0 }

    /// A number that changes with every event, or nil between batches.
    public var progress: UInt64? { record.pointee.is_busy == 0 ? nil : record.pointee.progress }

    /// Notes that the worker does not come back from its event. The process is to end now.
    public func giveUp() { record.pointee.cause = ENLACE_FLIGHT_HUNG }

    /// Reads and removes the records of runs that are gone: those that died in the middle of a batch.
    public static func collectDeaths(in directory: String) -> [WorkerMessage.Death] {
        guard let names = try? Files.list(directory) else { return [] }
        var deaths: [WorkerMessage.Death] = []
        for name in names where name.hasSuffix(suffix) {
            var found = enlace_flight_record()
            guard enlace_flight_collect("\(directory)/\(name)", &found) == 0, found.is_busy != 0 else { continue }
            deaths.append(
                WorkerMessage.Death(
                    dead: Identifier128(high: found.incarnation_high, low: found.incarnation_low),
                    producer: Identifier128(high: found.producer_high, low: found.producer_low),
                    batch: .init(epoch: found.epoch, firstSequence: found.first_sequence),
                    sequence: found.sequence,
                    cause: .init(code: UInt8(truncatingIfNeeded: found.cause))
                )
            )
            if deaths.count == limit { break }
        }
        return deaths
    }

    /// The most deaths that one run tells of.
    private static let limit = 64
}
