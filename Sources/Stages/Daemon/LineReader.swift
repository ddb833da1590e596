import Glibc
import Platform

/// Reads a file or standard input line by line, for tools that take `[FILE|-]`.
public final class LineReader {
    private let descriptor: Int32
    private let path: String
    private var buffer: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0
    private var hasEnded = false
    /// Bytes read so far.
    public private(set) var bytesRead = 0
    /// The size of the input, 0 when it is not known.
    public let size: Int

    /// Bytes behind a line that may be read.
    public static let padding = 64

    /// Opens a path; nil or `-` is standard input.
    public init(_ path: String?) throws(PlatformError) {
        self.path = path ?? "-"
        descriptor = self.path == "-" ? dup(0) : open(self.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw PlatformError(operation: "read", path: self.path, errorNumber: errno)
        }
        var status = stat()
        fstat(descriptor, &status)
        size = status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : 0
        buffer = .allocate(byteCount: 1 << 20, alignment: 64)
    }

    deinit {
        close(descriptor)
        buffer.deallocate()
    }

    /// The next line without its line feed, valid until the next call; nil at the end. `padding` bytes behind it may be
    /// read. A line of any length is held whole.
    public func next() throws(PlatformError) -> UnsafeRawBufferPointer? {
        var searched = start
        while true {
            if searched < end, let base = buffer.baseAddress,
                let found = memchr(base + searched, 0x0A, end - searched)
            {
                let stop = base.distance(to: found)
                defer { start = stop + 1 }
                return UnsafeRawBufferPointer(rebasing: buffer[start..<stop])
            }
            searched = end
            if hasEnded {
                guard start < end else { return nil }
                defer { start = end }
                return UnsafeRawBufferPointer(rebasing: buffer[start..<end])
            }
            let moved = start
            try fill()
            searched -= moved - start
        }
    }

    /// Whether `next` has a line, or the end, without waiting; reads what is there, waiting for it at most this long.
    public func isReady(withinMilliseconds milliseconds: Int32) throws(PlatformError) -> Bool {
        if hasEnded || hasLine { return true }
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, milliseconds) > 0 else { return false }
        try fill()
        return hasEnded || hasLine
    }

    private var hasLine: Bool {
        guard start < end, let base = buffer.baseAddress else { return false }
        return memchr(base + start, 0x0A, end - start) != nil
    }

    private func fill() throws(PlatformError) {
        if start > 0, let base = buffer.baseAddress {
            memmove(base, base + start, end - start)
            end -= start
            start = 0
        }
        if end + Self.padding >= buffer.count {
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: buffer.count * 2, alignment: 64)
            larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[..<end]))
            buffer.deallocate()
            buffer = larger
        }
        while true {
            let count = read(descriptor, buffer.baseAddress?.advanced(by: end), buffer.count - Self.padding - end)
            if count > 0 {
                end += count
                bytesRead += count
                return
            }
            if count == 0 {
                hasEnded = true
                return
            }
            guard errno == EINTR else { throw PlatformError(operation: "read", path: path, errorNumber: errno) }
        }
    }
}
