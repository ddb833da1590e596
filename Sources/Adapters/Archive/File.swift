import CPlatform
import Glibc

/// An open file, closed when the value goes away.
struct File: ~Copyable {
    let descriptor: Int32
    let path: String

    init(_ path: String, _ flags: Int32) throws(ArchiveError) {
        let opened = enlace_open(path, flags, 0o640)
        guard opened >= 0 else { throw .last("open", path) }
        descriptor = opened
        self.path = path
    }

    deinit { close(descriptor) }

    func size() throws(ArchiveError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .last("look at", path) }
        return Int(status.st_size)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ArchiveError) {
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done, offset + done)
            if count > 0 { done += count } else if count == 0 || errno != EINTR { throw .last("write", path) }
        }
    }

    /// Reads up to `buffer.count` bytes; less only at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(ArchiveError) -> Int {
        var done = 0
        while done < buffer.count {
            let count = pread(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done, offset + done)
            if count > 0 {
                done += count
            } else if count == 0 {
                break
            } else if errno != EINTR {
                throw .last("read", path)
            }
        }
        return done
    }

    func truncate(to size: Int) throws(ArchiveError) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw .last("truncate", path) }
    }

    func sync() throws(ArchiveError) {
        guard fsync(descriptor) == 0 else {
            throw ArchiveError(code: .syncFailed, operation: "sync", path: path, errorNumber: errno)
        }
    }
}

/// What the archive does with names.
enum Names {
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Makes a directory and those above it, each durable in its parent.
    static func makeDirectories(_ path: String) throws(ArchiveError) {
        guard !path.isEmpty, !exists(path) else { return }
        let parent = Self.parent(of: path)
        if parent != path { try makeDirectories(parent) }
        guard mkdir(path, 0o750) == 0 || errno == EEXIST else { throw .last("make the directory", path) }
        try syncDirectory(parent)
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func syncDirectory(_ path: String) throws(ArchiveError) {
        let directory = try File(path, O_RDONLY | O_DIRECTORY)
        try directory.sync()
    }

    /// The names in a directory, sorted; none when it is not there.
    static func list(_ path: String) throws(ArchiveError) -> [String] {
        guard let directory = opendir(path) else {
            if errno == ENOENT { return [] }
            throw .last("list the directory", path)
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Gives a finished and synced file its name, durably.
    static func publish(_ temporary: String, as path: String) throws(ArchiveError) {
        guard rename(temporary, path) == 0 else { throw .last("rename to", path) }
        try syncDirectory(parent(of: path))
    }

    /// Replaces a small file as a whole, durably. The temporary name begins with a dot and never ends in `.jsonl`.
    static func write(_ bytes: [UInt8], to path: String) throws(ArchiveError) {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let stem = name.split(separator: ".").first.map(String.init) ?? name
        let suffix = name.split(separator: ".").last.map(String.init) ?? ""
        let temporary = parent(of: path) + "/.\(stem)-\(suffix).tmp"
        do {
            let file = try File(temporary, O_WRONLY | O_CREAT | O_TRUNC)
            var failure: ArchiveError?
            bytes.withUnsafeBytes { raw in
                do throws(ArchiveError) { try file.write(raw, at: 0) } catch { failure = error }
            }
            if let failure { throw failure }
            try file.sync()
        } catch let error as ArchiveError {
            unlink(temporary)
            throw error
        } catch {
            throw ArchiveError(code: .system, operation: "write", path: path)
        }
        try publish(temporary, as: path)
    }

    /// A file's bytes; nothing when it is not there.
    static func read(_ path: String) throws(ArchiveError) -> [UInt8]? {
        guard exists(path) else { return nil }
        let file = try File(path, O_RDONLY)
        let size = try file.size()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(size, 1), alignment: 16)
        defer { buffer.deallocate() }
        let count = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<size]), at: 0)
        return [UInt8](buffer[..<count])
    }
}
