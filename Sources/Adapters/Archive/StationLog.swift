import Bytes

/// The two files that a station's batches go to.
final class SegmentFiles {
    let place: SegmentPlace
    let data: any DiskFile
    let index: any DiskFile

    init(_ disk: any Disk, _ place: SegmentPlace) throws(ArchiveError) {
        self.place = place
        data = try disk.open(place.data, .update)
        index = try disk.open(place.index, .update)
    }
}

/// The writing end of one station. What is `committed…` is on the disk, the rest is gone after a rollback.
final class StationLog {
    let station: StationName
    var files: SegmentFiles?
    var lines = LineMap()
    var date = ""
    var openedAt = Timestamp(microseconds: 0)
    var next: UInt64 = 0
    var committedNext: UInt64 = 0
    var bytes = 0
    var committedBytes = 0
    var indexBytes = 0
    var pending: [IndexRecord] = []
    /// The number of the next commit.
    var commit: UInt64 = 1
    /// How many bytes of the segment the filesystem has promised.
    var reserved = 0
    let mark: any DiskFile

    static let reserveStep = 16 * 1024 * 1024

    init(_ disk: any Disk, root: String, station: StationName) throws(ArchiveError) {
        self.station = station
        try disk.makeDirectories(Layout.stationDirectory(root, station))
        mark = try disk.open(Layout.mark(root, station), .update)
    }

    /// Asks for room ahead of the writes; the file's size does not change, so readers see nothing of it. A disk
    /// that is too full, or a filesystem that cannot, shows at the write itself.
    func reserve(_ count: Int) {
        guard bytes + count > reserved, let files else { return }
        let wanted = max(count, Self.reserveStep)
        files.data.reserve(from: bytes, count: wanted)
        reserved = bytes + wanted
    }

    /// Forgets what is not committed, on the disk too.
    func rollBack() throws(ArchiveError) {
        next = committedNext
        bytes = committedBytes
        pending.removeAll(keepingCapacity: true)
        reserved = bytes
        guard let files else { return }
        try files.data.truncate(to: bytes)
        try files.index.truncate(to: indexBytes)
        // A power cut must not bring back what was taken back: the segment may be closed before the next commit.
        try files.data.sync()
        try files.index.sync()
    }
}
