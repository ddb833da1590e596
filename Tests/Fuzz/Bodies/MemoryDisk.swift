import Archive
import Glibc

/// Files in memory, for thousands of archives a second.
final class MemoryDisk: Disk, @unchecked Sendable {
    // `@unchecked`: used from one thread at a time.
    private var files: [String: MemoryFile] = [:]
    private var directories: Set<String> = []

    init(_ contents: [String: [UInt8]] = [:]) {
        for (path, bytes) in contents { files[path] = MemoryFile(path, bytes) }
        for path in contents.keys { addParents(of: path) }
    }

    /// All files with their bytes.
    var contents: [String: [UInt8]] { files.mapValues(\.bytes) }

    private func addParents(of path: String) {
        var rest = path[...]
        while let slash = rest.lastIndex(of: "/"), slash > rest.startIndex {
            rest = rest[..<slash]
            directories.insert(String(rest))
        }
    }

    private func missing(_ operation: String, _ path: String) -> ArchiveError {
        ArchiveError(code: .system, operation: operation, path: path, errorNumber: ENOENT)
    }

    func open(_ path: String, _ mode: DiskMode) throws(ArchiveError) -> any DiskFile {
        if let file = files[path] {
            if mode == .replace { file.bytes = [] }
            return file
        }
        guard mode != .read else { throw missing("open", path) }
        let file = MemoryFile(path, [])
        files[path] = file
        return file
    }

    func lock(_ path: String) throws(ArchiveError) -> any DiskFile { try open(path, .update) }

    func exists(_ path: String) -> Bool { files[path] != nil || directories.contains(path) }

    func list(_ path: String, _ kind: DiskEntry) throws(ArchiveError) -> [String] {
        let front = path + "/"
        var names: Set<String> = []
        for name in Array(files.keys) + Array(directories) where name.hasPrefix(front) {
            let entry = String(name.dropFirst(front.count).prefix { $0 != "/" })
            if (files[front + entry] != nil) == (kind == .file) { names.insert(entry) }
        }
        return names.sorted()
    }

    func makeDirectory(_ path: String) throws(ArchiveError) { directories.insert(path) }

    func syncDirectory(_ path: String) throws(ArchiveError) {
        guard directories.contains(path) || path == "/" else { throw missing("sync", path) }
    }

    func rename(_ from: String, to: String) throws(ArchiveError) {
        guard let file = files.removeValue(forKey: from) else { throw missing("rename to", to) }
        files[to] = file
    }

    func remove(_ path: String) { files[path] = nil }

    func sync(_ files: [any DiskFile]) -> Int32 { 0 }

    func pause() {}
}

private final class MemoryFile: DiskFile {
    let path: String
    var bytes: [UInt8]

    init(_ path: String, _ bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }

    func size() throws(ArchiveError) -> Int { bytes.count }

    func write(_ given: UnsafeRawBufferPointer, at offset: Int) throws(ArchiveError) {
        let end = offset + given.count
        // No archive of a test is so large: whoever writes there has lost count.
        guard offset >= 0, end <= 1 << 26 else {
            throw ArchiveError(code: .full, operation: "write", path: path, errorNumber: EFBIG)
        }
        if bytes.count < end { bytes += [UInt8](repeating: 0, count: end - bytes.count) }
        bytes.withUnsafeMutableBytes {
            UnsafeMutableRawBufferPointer(rebasing: $0[offset..<end]).copyBytes(from: given)
        }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(ArchiveError) -> Int {
        guard offset >= 0 else {
            throw ArchiveError(code: .system, operation: "read", path: path, errorNumber: EINVAL)
        }
        let start = min(offset, bytes.count)
        let count = min(bytes.count - start, buffer.count)
        bytes.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count])) }
        return count
    }

    func truncate(to size: Int) throws(ArchiveError) {
        if size < bytes.count {
            bytes.removeLast(bytes.count - size)
        } else {
            bytes += [UInt8](repeating: 0, count: size - bytes.count)
        }
    }

    func sync() throws(ArchiveError) {}

    func reserve(from start: Int, count: Int) {}
}
