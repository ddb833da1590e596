import CPlatform
import Glibc

/// What the programs do with files besides the outbox and the archive. Blocking; not for the hot path.
public enum Files {
    /// Makes a directory and those above it. What is already there keeps its mode.
    public static func makeDirectories(_ path: String, mode: mode_t = 0o700) throws(PlatformError) {
        var at = path.startIndex
        while at < path.endIndex {
            let next = path[path.index(after: at)...].firstIndex(of: "/") ?? path.endIndex
            let prefix = String(path[..<next])
            if mkdir(prefix, mode) != 0, errno != EEXIST {
                // A parent may be unwritable and still be there.
                let number = errno
                guard isDirectory(prefix) else {
                    errno = number
                    throw .last("make the directory", prefix)
                }
            }
            at = next
        }
        guard isDirectory(path) else {
            throw PlatformError(operation: "make the directory", path: path, errorNumber: ENOTDIR)
        }
    }

    /// Whether a path is a directory.
    public static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Whether anything is at a path.
    public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The directory that holds a path.
    public static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Makes sure that the names in a directory survive a loss of power.
    public static func syncDirectory(_ path: String) throws(PlatformError) {
        let descriptor = enlace_open(path, O_RDONLY | O_DIRECTORY, 0)
        guard descriptor >= 0 else { throw .last("open the directory", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .last("sync the directory", path) }
    }

    /// Replaces a file as a whole: afterwards it holds either the old bytes or the new ones, also after a crash.
    ///
    /// - Parameter durable: Whether to sync the file and its directory; without, only a reader's view is atomic.
    public static func writeAtomically(
        _ path: String,
        _ bytes: UnsafeRawBufferPointer,
        mode: mode_t = 0o644,
        durable: Bool = true
    ) throws(PlatformError) {
        let temporary = "\(path).\(getpid()).tmp"
        let descriptor = enlace_open(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode)
        guard descriptor >= 0 else { throw .last("write", temporary) }
        do throws(PlatformError) {
            try writeAll(descriptor, bytes, path: temporary)
            if durable, fsync(descriptor) != 0 { throw .last("sync", temporary) }
        } catch {
            close(descriptor)
            unlink(temporary)
            throw error
        }
        guard close(descriptor) == 0 else { throw .last("close", temporary) }
        guard rename(temporary, path) == 0 else {
            let error = PlatformError.last("replace", path)
            unlink(temporary)
            throw error
        }
        if durable { try syncDirectory(parent(of: path)) }
    }

    /// Replaces a file as a whole by an array of bytes.
    public static func writeAtomically(
        _ path: String,
        _ bytes: [UInt8],
        mode: mode_t = 0o644,
        durable: Bool = true
    ) throws(PlatformError) {
        let result = bytes.withUnsafeBytes { raw in
            Result { () throws(PlatformError) in
                try writeAtomically(path, raw, mode: mode, durable: durable)
            }
        }
        try result.get()
    }

    /// Writes all bytes to an open file, going on after short writes and interruptions.
    public static func writeAll(
        _ descriptor: Int32,
        _ bytes: UnsafeRawBufferPointer,
        path: String = ""
    ) throws(PlatformError) {
        var written = 0
        while written < bytes.count {
            let count = write(descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
            if count >= 0 { written += count } else if errno != EINTR { throw .last("write", path) }
        }
    }

    /// Reads a file.
    ///
    /// - Parameter limit: Reads no more than this many bytes.
    public static func read(_ path: String, limit: Int = .max) throws(PlatformError) -> [UInt8] {
        let descriptor = enlace_open(path, O_RDONLY, 0)
        guard descriptor >= 0 else { throw .last("read", path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .last("read", path) }
        var bytes: [UInt8] = []
        var capacity = min(limit, max(Int(status.st_size), 0) + 1)
        while bytes.count < limit {
            let start = bytes.count
            bytes.append(contentsOf: repeatElement(0, count: min(capacity, limit - start)))
            let count = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress?.advanced(by: start), buffer.count - start)
            }
            let number = errno
            bytes.removeLast(bytes.count - start - max(count, 0))
            if count == 0 { break }
            if count < 0, number != EINTR {
                errno = number
                throw .last("read", path)
            }
            capacity = max(capacity, 4096)
        }
        return bytes
    }

    /// The names in a directory, sorted, without "." and "..".
    public static func list(_ path: String) throws(PlatformError) -> [String] {
        guard let directory = opendir(path) else { throw .last("list the directory", path) }
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

    /// Removes a file; a file that is not there is no error.
    public static func remove(_ path: String) throws(PlatformError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw .last("remove", path) }
    }
}
