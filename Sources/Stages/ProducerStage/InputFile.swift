import Glibc
import Platform

/// An open input: a file that can be read at any place, or a stream.
struct InputFile: ~Copyable {
    /// A file's name in the kernel.
    struct Identity: Hashable {
        var device: UInt64
        var inode: UInt64
    }

    let descriptor: Int32
    let path: String
    let identity: Identity
    /// Whether it can be read at any place and has a size.
    let isRegular: Bool

    /// Opens a path, or standard input for `-`.
    init(_ path: String) throws(PlatformError) {
        self.path = path
        descriptor = path == "-" ? dup(0) : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw PlatformError(operation: "read the input", path: path, errorNumber: errno)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw PlatformError(operation: "look at the input", path: path, errorNumber: errno)
        }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            throw PlatformError(operation: "read the input", path: path, errorNumber: EISDIR)
        }
        isRegular = status.st_mode & S_IFMT == S_IFREG
        identity = Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    deinit { close(descriptor) }

    /// The size in bytes; 0 for a stream.
    var size: UInt64 {
        var status = stat()
        guard isRegular, fstat(descriptor, &status) == 0 else { return 0 }
        return UInt64(status.st_size)
    }

    /// What the path names now; nil when nothing.
    var identityAtPath: Identity? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    /// Reads bytes at a place of a regular file; fewer at its end.
    static func sample(_ descriptor: Int32, at offset: UInt64, count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, count, off_t(offset)) }
        return Array(bytes.prefix(max(0, got)))
    }

    /// Goes to a place of a regular file.
    func seek(to offset: UInt64) { _ = lseek(descriptor, off_t(offset), SEEK_SET) }

    /// Reads what there is, at least one byte unless it is the end; 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(PlatformError) -> Int {
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            guard errno == EINTR else {
                throw PlatformError(operation: "read the input", path: path, errorNumber: errno)
            }
        }
    }

    /// Waits until a stream has something to read or the stop signal is given; files are always ready.
    func waitUntilReadable(orStopped stop: StopSignal, timeoutMilliseconds: Int32) -> Bool {
        guard !isRegular else { return true }
        var descriptors = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        let count = poll(&descriptors, 2, timeoutMilliseconds)
        return count > 0 && descriptors[0].revents != 0
    }

    /// Sleeps until the stop signal is given or the time is over.
    static func pause(_ stop: StopSignal, milliseconds: Int32) {
        var descriptors = [pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0)]
        _ = poll(&descriptors, 1, milliseconds)
    }
}
