import CZeroMQ
import Glibc

/// One frame. Move-only: sending takes the bytes out, receiving puts them in, nothing is copied on the way.
///
/// Frames of up to 33 bytes lie in the value itself, longer ones in memory that copies share.
public struct Message: ~Copyable {
    var raw = zmq_msg_t()

    /// What is called, on any thread, when an adopted buffer is no longer needed.
    public typealias Release = @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> Void

    /// Makes an empty frame.
    public init() { zmq_msg_init(&raw) }

    /// Makes a frame of `count` bytes that are not yet written; `initialize` writes all of them.
    public init(count: Int, initialize: (UnsafeMutableRawBufferPointer) -> Void) {
        // libzmq says no only where malloc does; nothing sensible can follow.
        guard zmq_msg_init_size(&raw, count) == 0 else { fatalError("out of memory for a frame of \(count) bytes") }
        initialize(UnsafeMutableRawBufferPointer(start: zmq_msg_data(&raw), count: count))
    }

    /// Makes a frame with a copy of some bytes.
    public init(copying bytes: UnsafeRawBufferPointer) {
        self.init(count: bytes.count) { $0.copyMemory(from: bytes) }
    }

    /// Makes a frame with a copy of an array.
    public init(copying bytes: [UInt8]) {
        self.init(count: bytes.count) { target in bytes.withUnsafeBytes { target.copyMemory(from: $0) } }
    }

    /// Makes a frame of a string's UTF-8. Not for the hot path.
    public init(_ text: String) { self.init(copying: Array(text.utf8)) }

    /// Makes a frame out of a buffer without copying it.
    ///
    /// - Parameters:
    ///   - pointer: The first byte; nobody may change the bytes any more.
    ///   - count: How many bytes.
    ///   - hint: Passed on to `release`.
    ///   - release: Called once, on an I/O thread or this one, with the pointer and the hint.
    public init(
        adopting pointer: UnsafeMutableRawPointer,
        count: Int,
        hint: UnsafeMutableRawPointer? = nil,
        release: @escaping Release
    ) {
        guard zmq_msg_init_data(&raw, pointer, count, release, hint) == 0 else {
            fatalError("out of memory for a frame")
        }
    }

    deinit {
        var copy = raw
        zmq_msg_close(&copy)
    }

    /// How many bytes.
    public var count: Int {
        withUnsafePointer(to: raw) { zmq_msg_size($0) }
    }

    /// Whether there are no bytes.
    public var isEmpty: Bool { count == 0 }

    /// Whether, received, more frames of the same message follow.
    public var hasMore: Bool {
        withUnsafePointer(to: raw) { zmq_msg_more($0) != 0 }
    }

    /// Lends the bytes; the pointer is valid within `body` only.
    @inline(__always)
    public borrowing func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withUnsafePointer(to: raw) { (pointer) throws(Failure) -> Result in
            // zmq_msg_data only reads the head of the message; its parameter is not const for its other use.
            let mutable = UnsafeMutablePointer(mutating: pointer)
            return try body(UnsafeRawBufferPointer(start: zmq_msg_data(mutable), count: zmq_msg_size(pointer)))
        }
    }

    /// A second frame with the same bytes; those of a long one are shared, not copied.
    public mutating func copy() -> Message {
        var other = Message()
        zmq_msg_copy(&other.raw, &raw)
        return other
    }

    /// A copy of the bytes. Not for the hot path.
    public var bytes: [UInt8] { withBytes { [UInt8]($0) } }

    /// The bytes as text, broken UTF-8 repaired. Not for the hot path.
    public var text: String { withBytes { String(decoding: $0, as: UTF8.self) } }
}

/// Takes a frame from one thread to another, through a queue of copyable things.
public final class MessageBox: @unchecked Sendable {
    // Safe to share: whoever gets the box out of a queue is the only one that touches it, and the queue's lock
    // orders the two threads. libzmq counts references to long frames atomically.
    private var content: Message

    /// Puts a frame in.
    public init(_ message: consuming Message) { content = message }

    /// Takes the frame out and leaves an empty one.
    public func take() -> Message {
        var taken = Message()
        swap(&taken, &content)
        return taken
    }

    /// How many bytes are in it.
    public var count: Int { content.count }

    /// Lends the bytes; valid within `body` only.
    public func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try content.withBytes(body)
    }
}
