import Archive

@testable import Simulation

/// A disk whose process dies at an operation.
protocol CrashingDisk: Disk, AnyObject {
    /// The process dies at the operation that brings this to zero.
    var operationsUntilCrash: Int? { get set }
    /// Whether it has died.
    var hasCrashed: Bool { get }
    /// The process runs again.
    func revive()
}

extension SimulatedDisk: CrashingDisk {}

/// Real files under a process that dies: half of the write that it dies in gets through, and nothing after it.
final class CrashingSystemDisk: CrashingDisk, @unchecked Sendable {
    // `@unchecked`: a test has one thread.
    var operationsUntilCrash: Int?
    private(set) var hasCrashed = false
    private let disk = SystemDisk()

    func revive() { (hasCrashed, operationsUntilCrash) = (false, nil) }

    fileprivate func step(_ path: String) throws(ArchiveError) {
        if let left = operationsUntilCrash {
            operationsUntilCrash = left - 1
            if left <= 0 { hasCrashed = true }
        }
        if hasCrashed { throw ArchiveError(code: .closed, operation: "go on after the crash at", path: path) }
    }

    func open(_ path: String, _ mode: DiskMode) throws(ArchiveError) -> any DiskFile {
        try step(path)
        return CrashingFile(file: try disk.open(path, mode), disk: self)
    }
    func lock(_ path: String) throws(ArchiveError) -> any DiskFile {
        try step(path)
        return try disk.lock(path)
    }
    func exists(_ path: String) -> Bool { disk.exists(path) }
    func list(_ path: String, _ kind: DiskEntry) throws(ArchiveError) -> [String] {
        try step(path)
        return try disk.list(path, kind)
    }
    func makeDirectory(_ path: String) throws(ArchiveError) {
        try step(path)
        try disk.makeDirectory(path)
    }
    func syncDirectory(_ path: String) throws(ArchiveError) {
        try step(path)
        try disk.syncDirectory(path)
    }
    func rename(_ from: String, to: String) throws(ArchiveError) {
        try step(to)
        try disk.rename(from, to: to)
    }
    func remove(_ path: String) { if !hasCrashed { disk.remove(path) } }
    func sync(_ files: [any DiskFile]) -> Int32 { syncInTurn(files) }
    func pause() {}
}

private final class CrashingFile: DiskFile {
    private let file: any DiskFile
    private unowned let disk: CrashingSystemDisk
    var path: String { file.path }

    init(file: any DiskFile, disk: CrashingSystemDisk) { (self.file, self.disk) = (file, disk) }

    func size() throws(ArchiveError) -> Int { try file.size() }
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ArchiveError) {
        do throws(ArchiveError) { try disk.step(path) } catch {
            if disk.operationsUntilCrash == -1 {
                try file.write(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / 2)]), at: offset)
            }
            throw error
        }
        try file.write(bytes, at: offset)
    }
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(ArchiveError) -> Int {
        try disk.step(path)
        return try file.read(into: buffer, at: offset)
    }
    func truncate(to size: Int) throws(ArchiveError) {
        try disk.step(path)
        try file.truncate(to: size)
    }
    func sync() throws(ArchiveError) {
        try disk.step(path)
        try file.sync()
    }
    func reserve(from start: Int, count: Int) { file.reserve(from: start, count: count) }
}
