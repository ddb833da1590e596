import CPlatform

/// The operating system's files with a named crash point around every step that decides something. It stands between
/// the writer and `SystemDisk` only in a process that has points armed.
final class CrashPointDisk: Disk {
    private let disk: SystemDisk

    private init(_ disk: SystemDisk) { self.disk = disk }

    /// The disk of a writer that was given none.
    static func standard(syncWorkers: Int) -> any Disk {
        let disk = SystemDisk(syncWorkers: syncWorkers)
        return enlace_crash_armed() ? CrashPointDisk(disk) : disk
    }

    func open(_ path: String, _ mode: DiskMode) throws(ArchiveError) -> any DiskFile {
        let role = FileRole(path)
        guard role == .data || role == .index, mode == .update, !disk.exists(path) else {
            return CrashPointFile(try disk.open(path, mode), role)
        }
        if role == .data { enlace_crash_hit(.sinkArchiveSegmentCreateBefore) }
        let file = try disk.open(path, mode)
        if role == .index { enlace_crash_hit(.sinkArchiveSegmentCreateAfter) }
        return CrashPointFile(file, role)
    }

    func lock(_ path: String) throws(ArchiveError) -> any DiskFile { try disk.lock(path) }
    func exists(_ path: String) -> Bool { disk.exists(path) }
    func list(_ path: String, _ kind: DiskEntry) throws(ArchiveError) -> [String] {
        try disk.list(path, kind)
    }

    func makeDirectory(_ path: String) throws(ArchiveError) { try disk.makeDirectory(path) }
    func syncDirectory(_ path: String) throws(ArchiveError) { try disk.syncDirectory(path) }

    func rename(_ from: String, to: String) throws(ArchiveError) {
        let steps = FileRole(from)?.steps
        hit(steps?.renameBefore)
        try disk.rename(from, to: to)
        hit(steps?.renameAfter)
    }

    func remove(_ path: String) { disk.remove(path) }

    func sync(_ files: [any DiskFile]) -> Int32 {
        enlace_crash_hit(.sinkArchiveSyncBefore)
        let number = disk.sync(files.map { ($0 as? CrashPointFile)?.file ?? $0 })
        enlace_crash_hit(.sinkArchiveSyncAfter)
        return number
    }

    func pause() { disk.pause() }
}

/// A file with points around its steps. Writes go out in two halves, so that a crash can tear them.
private final class CrashPointFile: DiskFile {
    let file: any DiskFile
    private let role: FileRole?
    private let steps: FileRole.Steps

    init(_ file: any DiskFile, _ role: FileRole?) {
        self.file = file
        self.role = role
        steps = role?.steps ?? FileRole.Steps()
    }

    var path: String { file.path }
    var isInPlace: Bool { file.isInPlace }

    func size() throws(ArchiveError) -> Int { try file.size() }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ArchiveError) {
        hit(steps.writeBefore)
        if let middle = steps.writeMiddle {
            let half = bytes.count / 2
            try file.write(UnsafeRawBufferPointer(rebasing: bytes[..<half]), at: offset)
            hit(middle)
            try file.write(UnsafeRawBufferPointer(rebasing: bytes[half...]), at: offset + half)
        } else {
            try file.write(bytes, at: offset)
        }
        hit(steps.writeAfter)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(ArchiveError) -> Int {
        try file.read(into: buffer, at: offset)
    }

    func truncate(to size: Int) throws(ArchiveError) {
        if role == .data { enlace_crash_hit(.sinkArchiveSegmentRotateBefore) }
        try file.truncate(to: size)
        if role == .data { enlace_crash_hit(.sinkArchiveSegmentRotateAfter) }
    }

    func sync() throws(ArchiveError) {
        hit(steps.syncBefore)
        try file.sync()
        hit(steps.syncAfter)
    }

    func reserve(from start: Int, count: Int) { file.reserve(from: start, count: count) }
}

private func hit(_ point: CrashPoint?) {
    if let point { enlace_crash_hit(point) }
}

/// What a file is to the archive, as its name says.
private enum FileRole {
    case data, index, mark, meta, hashes, manifest, copy, copyIndex

    /// The points of one file.
    struct Steps {
        var writeBefore: CrashPoint?
        var writeMiddle: CrashPoint?
        var writeAfter: CrashPoint?
        var syncBefore: CrashPoint?
        var syncAfter: CrashPoint?
        var renameBefore: CrashPoint?
        var renameAfter: CrashPoint?
    }

    init?(_ path: String) {
        let name = path.split(separator: "/").last ?? ""
        switch true {
        case name == "committed": self = .mark
        case name == ".archive-json.tmp": self = .meta
        case name.hasPrefix(".recover-") && name.hasSuffix(".data"): self = .copy
        case name.hasPrefix(".recover-"): self = .copyIndex
        case name.hasSuffix("-sha256.tmp"): self = .hashes
        case name.hasSuffix("-json.tmp"): self = .manifest
        case name.hasSuffix(".jsonl"): self = .data
        case name.hasSuffix(".idx"): self = .index
        default: return nil
        }
    }

    var steps: Steps {
        switch self {
        case .data:
            Steps(
                writeBefore: .sinkArchiveDataWriteBefore,
                writeMiddle: .sinkArchiveDataWriteMiddle,
                writeAfter: .sinkArchiveDataWriteAfter
            )
        case .index:
            Steps(
                writeBefore: .sinkArchiveIndexWriteBefore,
                writeMiddle: .sinkArchiveIndexWriteMiddle,
                writeAfter: .sinkArchiveIndexWriteAfter
            )
        case .mark: Steps(writeBefore: .sinkArchiveMarkWriteBefore, writeAfter: .sinkArchiveMarkWriteAfter)
        case .meta:
            Steps(
                writeBefore: .sinkArchiveMetaWriteBefore,
                syncBefore: .sinkArchiveMetaSyncBefore,
                syncAfter: .sinkArchiveMetaSyncAfter,
                renameBefore: .sinkArchiveMetaRenameBefore,
                renameAfter: .sinkArchiveMetaRenameAfter
            )
        case .hashes:
            Steps(
                writeBefore: .sinkArchiveHashesWriteBefore,
                writeMiddle: .sinkArchiveHashesWriteMiddle,
                syncBefore: .sinkArchiveHashesSyncBefore,
                renameBefore: .sinkArchiveHashesRenameBefore,
                renameAfter: .sinkArchiveHashesRenameAfter
            )
        case .manifest:
            Steps(
                writeBefore: .sinkArchiveManifestWriteBefore,
                writeMiddle: .sinkArchiveManifestWriteMiddle,
                syncBefore: .sinkArchiveManifestSyncBefore,
                syncAfter: .sinkArchiveManifestSyncAfter,
                renameBefore: .sinkArchiveManifestRenameBefore,
                renameAfter: .sinkArchiveManifestRenameAfter
            )
        case .copy:
            Steps(
                writeBefore: .sinkRecoveryCopyBefore,
                writeMiddle: .sinkRecoveryCopyMiddle,
                writeAfter: .sinkRecoveryCopyAfter,
                syncBefore: .sinkRecoveryCopySyncBefore,
                syncAfter: .sinkRecoveryCopySyncAfter,
                renameBefore: .sinkRecoveryCopyRenameBefore,
                renameAfter: .sinkRecoveryCopyRenameAfter
            )
        case .copyIndex:
            Steps(
                writeBefore: .sinkRecoveryIndexWriteBefore,
                writeAfter: .sinkRecoveryIndexWriteAfter,
                syncBefore: .sinkRecoveryIndexSyncBefore,
                syncAfter: .sinkRecoveryIndexSyncAfter,
                renameBefore: .sinkRecoveryIndexRenameBefore,
                renameAfter: .sinkRecoveryIndexRenameAfter
            )
        }
    }
}
