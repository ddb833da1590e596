import CPlatform
import Glibc

/// The operating system's files.
public final class SystemDisk: Disk {
    private let pool: SyncPool

    /// Prepares it; `syncWorkers` threads sync files besides the one that asks.
    public init(syncWorkers: Int = 0) { pool = SyncPool(workers: syncWorkers) }

    deinit { pool.stop() }

    /// See `Disk`.
    public func open(_ path: String, _ mode: DiskMode) throws(ArchiveError) -> any DiskFile {
        let flags =
            switch mode {
            case .read: O_RDONLY
            case .update: O_RDWR | O_CREAT
            case .replace: O_RDWR | O_CREAT | O_TRUNC
            }
        return try SystemFile(path, flags)
    }

    /// See `Disk`.
    public func lock(_ path: String) throws(ArchiveError) -> any DiskFile {
        let descriptor = enlace_lock_file(path)
        guard descriptor >= 0 else {
            guard errno == EWOULDBLOCK else { throw .last("lock", path) }
            throw ArchiveError(code: .taken, operation: "lock", path: path, errorNumber: EWOULDBLOCK)
        }
        return SystemFile(locked: descriptor, path: path)
    }

    /// See `Disk`.
    public func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// See `Disk`.
    public func list(_ path: String, _ kind: DiskEntry) throws(ArchiveError) -> [String] {
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
            guard name != ".", name != ".." else { continue }
            var type = UInt32(entry.pointee.d_type)
            if type == UInt32(DT_UNKNOWN) || type == UInt32(DT_LNK) {
                // A link stands for what it leads to: a station may lie on another disk.
                var status = stat()
                guard stat(path + "/" + name, &status) == 0 else { continue }
                type = (status.st_mode & S_IFMT) >> 12
            }
            if type == (kind == .file ? UInt32(DT_REG) : UInt32(DT_DIR)) { names.append(name) }
        }
        return names.sorted()
    }

    /// See `Disk`.
    public func makeDirectory(_ path: String) throws(ArchiveError) {
        guard mkdir(path, 0o750) == 0 || errno == EEXIST else { throw .last("make the directory", path) }
    }

    /// See `Disk`.
    public func syncDirectory(_ path: String) throws(ArchiveError) {
        try SystemFile(path, O_RDONLY | O_DIRECTORY).sync()
    }

    /// See `Disk`.
    public func rename(_ from: String, to: String) throws(ArchiveError) {
        guard Glibc.rename(from, to) == 0 else { throw .last("rename to", to) }
    }

    /// See `Disk`.
    public func remove(_ path: String) { unlink(path) }

    /// See `Disk`.
    public func sync(_ files: [any DiskFile]) -> Int32 {
        pool.sync(files.compactMap { ($0 as? SystemFile)?.descriptor })
    }

    /// See `Disk`.
    public func pause() { sched_yield() }
}

/// An open file of the operating system.
private final class SystemFile: DiskFile {
    let descriptor: Int32
    let path: String
    private let isLock: Bool

    init(_ path: String, _ flags: Int32) throws(ArchiveError) {
        let opened = enlace_open(path, flags, 0o640)
        guard opened >= 0 else { throw .last("open", path) }
        descriptor = opened
        self.path = path
        isLock = false
        var status = stat()
        guard flags & O_DIRECTORY == 0, fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return }
        // Opened for reading it would only fail later.
        throw ArchiveError(code: .system, operation: "open", path: path, errorNumber: EISDIR)
    }

    init(locked descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
        isLock = true
    }

    deinit {
        if isLock { enlace_unlock_file(descriptor) } else { close(descriptor) }
    }

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

    /// See `DiskFile`.
    var isInPlace: Bool {
        var (own, named) = (stat(), stat())
        return fstat(descriptor, &own) == 0 && stat(path, &named) == 0 && own.st_ino == named.st_ino
            && own.st_dev == named.st_dev
    }

    func reserve(from start: Int, count: Int) {
        // A filesystem that cannot give all of it keeps what it could, and then the index finds no room: little room is
        // left to those who need it now.
        var space = statvfs()
        guard fstatvfs(descriptor, &space) == 0,
            UInt64(space.f_bavail).multipliedReportingOverflow(by: UInt64(space.f_frsize)).partialValue / 8 >= count
        else { return }
        _ = enlace_reserve(descriptor, Int64(start), Int64(count))
    }
}
