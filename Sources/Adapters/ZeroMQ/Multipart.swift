import CZeroMQ

/// A message of several frames, sent and received as a whole. Made once and reused: nothing is allocated a message.
public struct Multipart: ~Copyable {
    /// The most frames; surplus frames of a received message are dropped.
    public static let maximumFrames = 16

    // libzmq's messages, the first `count` of them initialised.
    private let frames: UnsafeMutablePointer<zmq_msg_t>
    /// How many frames.
    public private(set) var count = 0
    /// Whether the received message had more frames than fit.
    public private(set) var isTruncated = false

    /// Makes an empty message.
    public init() { frames = .allocate(capacity: Self.maximumFrames) }

    deinit {
        for index in 0..<count { zmq_msg_close(frames + index) }
        frames.deallocate()
    }

    /// Drops all frames.
    public mutating func removeAll() {
        for index in 0..<count { zmq_msg_close(frames + index) }
        count = 0
        isTruncated = false
    }

    /// Puts a frame at the end.
    public mutating func append(_ message: consuming Message) {
        precondition(count < Self.maximumFrames, "a message of ours has more frames than it may")
        zmq_msg_init(frames + count)
        zmq_msg_move(frames + count, &message.raw)
        count += 1
    }

    /// Puts a frame with a copy of some bytes at the end.
    public mutating func append(copying bytes: UnsafeRawBufferPointer) { append(Message(copying: bytes)) }

    /// How many bytes a frame has.
    public func byteCount(at index: Int) -> Int {
        precondition(index >= 0 && index < count)
        return zmq_msg_size(frames + index)
    }

    /// Lends a frame's bytes; valid within `body` only.
    @inline(__always)
    public borrowing func withBytes<Result: ~Copyable, Failure: Error>(
        at index: Int,
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(index >= 0 && index < count)
        let frame = frames + index
        return try body(UnsafeRawBufferPointer(start: zmq_msg_data(frame), count: zmq_msg_size(frame)))
    }

    /// Takes a frame out and leaves an empty one in its place.
    public mutating func take(_ index: Int) -> Message {
        precondition(index >= 0 && index < count)
        var taken = Message()
        zmq_msg_move(&taken.raw, frames + index)
        return taken
    }

    /// A copy of a frame's bytes. Not for the hot path.
    public func bytes(at index: Int) -> [UInt8] { withBytes(at: index) { [UInt8]($0) } }

    mutating func receive(from socket: UnsafeMutableRawPointer) throws(ZeroMQError) -> Bool {
        removeAll()
        var spare = zmq_msg_t()
        zmq_msg_init(&spare)
        defer { zmq_msg_close(&spare) }
        guard try Socket.receive(into: &spare, from: socket) else { return false }
        while true {
            let more = zmq_msg_more(&spare) != 0
            if count < Self.maximumFrames {
                zmq_msg_init(frames + count)
                zmq_msg_move(frames + count, &spare)
                count += 1
            } else {
                isTruncated = true
            }
            // The frames of a message come together: what is announced is there.
            guard more, try Socket.receive(into: &spare, from: socket) else { return true }
        }
    }

    /// Sends copies, which share the bytes of long frames, and drops the originals only when all are gone: where the
    /// peer goes away between two frames, libzmq forgets those it already took.
    mutating func send(to socket: UnsafeMutableRawPointer) throws(ZeroMQError) -> SendOutcome {
        precondition(count > 0, "a message without frames")
        var copy = zmq_msg_t()
        zmq_msg_init(&copy)
        defer { zmq_msg_close(&copy) }
        var outcome = SendOutcome.sent
        for index in 0..<count {
            zmq_msg_copy(&copy, frames + index)
            let step = try Socket.send(&copy, to: socket, flags: index + 1 < count ? ZMQ_SNDMORE : 0)
            guard step != .sent else { continue }
            outcome = step
            // Refused at the first frame, nothing has happened. Refused later, libzmq drops the message to its last
            // frame: it must see the rest, or it would take the next message for it.
            if index == 0 { break }
        }
        if outcome == .sent { removeAll() }
        return outcome
    }
}

extension Socket {
    /// Sends a message of one or more frames without waiting: all of it, or none of it.
    ///
    /// Afterwards `message` is empty when it was sent, untouched otherwise.
    public mutating func send(_ message: inout Multipart) throws(ZeroMQError) -> SendOutcome {
        try message.send(to: raw)
    }

    /// Receives a whole message without waiting, in place of what `message` held.
    ///
    /// - Returns: False when nothing has come.
    public mutating func receive(into message: inout Multipart) throws(ZeroMQError) -> Bool {
        try message.receive(from: raw)
    }
}
