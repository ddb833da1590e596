import CZeroMQ
import Glibc

/// Something that happened to a connection of a monitored socket.
public struct ConnectionEvent: Hashable, Sendable, CustomStringConvertible {
    /// What it was.
    public enum Kind: Hashable, Sendable {
        /// The endpoint is open for peers.
        case listening
        /// A peer has come to our endpoint; it has not yet said which protocol it speaks.
        case accepted
        /// We have reached the endpoint; the peer has not yet said which protocol it speaks.
        case connected
        /// The peer speaks our protocol and may talk to us: from here on messages flow.
        case ready
        /// The peer is not there; the next attempt follows.
        case retrying
        /// The connection is lost; a connecting socket tries again.
        case disconnected
        /// The peer does not speak our protocol, or may not talk to us. The words say which.
        case refused
        /// The endpoint could not be opened, or a peer not be accepted.
        case failed
        /// The endpoint or an attempt has ended on our side.
        case closed
    }

    /// What it was.
    public let kind: Kind
    /// Where: our endpoint or the peer's, as libzmq names it.
    public let endpoint: String
    /// In words for people.
    public let description: String

    /// Whether somebody should look at it, rather than wait.
    public var isProblem: Bool { kind == .refused || kind == .failed }

    /// Reads libzmq's number and value of an event; nil for those that say nothing to people.
    init?(event: Int32, value: Int32, endpoint: String) {
        self.endpoint = endpoint
        func system(_ number: Int32) -> String { String(cString: zmq_strerror(number)) }
        switch event {
        case ZMQ_EVENT_LISTENING: (kind, description) = (.listening, "listening on \(endpoint)")
        case ZMQ_EVENT_ACCEPTED: (kind, description) = (.accepted, "a peer has come to \(endpoint)")
        case ZMQ_EVENT_CONNECTED: (kind, description) = (.connected, "reached \(endpoint)")
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: (kind, description) = (.ready, "connected: \(endpoint)")
        case ZMQ_EVENT_CONNECT_RETRIED:
            (kind, description) = (.retrying, "nobody answers at \(endpoint); next attempt in \(value) ms")
        case ZMQ_EVENT_DISCONNECTED: (kind, description) = (.disconnected, "lost the connection: \(endpoint)")
        case ZMQ_EVENT_CLOSED: (kind, description) = (.closed, "closed \(endpoint)")
        case ZMQ_EVENT_BIND_FAILED: (kind, description) = (.failed, "cannot listen on \(endpoint): \(system(value))")
        case ZMQ_EVENT_ACCEPT_FAILED:
            (kind, description) = (.failed, "cannot accept a peer at \(endpoint): \(system(value))")
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            (kind, description) = (.refused, "the handshake at \(endpoint) broke off: \(system(value))")
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
            (kind, description) = (.refused, "the handshake at \(endpoint) failed: \(Self.words(protocolError: value))")
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
            (kind, description) = (.refused, "not admitted at \(endpoint): \(Self.words(status: value))")
        default: return nil
        }
    }

    private static func words(protocolError value: Int32) -> String {
        switch value {
        case ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC, ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE:
            "wrong server key, or a key that is not a pair"
        case ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
            "one side expects encryption (CURVE), the other does not"
        case ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA:
            "the peer's socket kind does not fit ours: probably another endpoint of the pipeline"
        case 0x2000_0000..<0x3000_0000: "the authenticator of this machine answers wrongly"
        default: "the peer does not speak the ZeroMQ protocol"
        }
    }

    private static func words(status: Int32) -> String {
        switch status {
        case 300..<400: "the authenticator is busy, another attempt follows"
        case 400..<500: "the key is not among those that are admitted"
        default: "the authenticator failed (status \(status))"
        }
    }
}

/// The inner socket on which libzmq reports the events of another. Used by the same thread as that one.
struct Monitor {
    let raw: UnsafeMutableRawPointer

    init(of socket: UnsafeMutableRawPointer, core: ContextCore) throws(ZeroMQError) {
        let name = core.nextMonitorName()
        guard zmq_socket_monitor(socket, name, ZMQ_EVENT_ALL) == 0 else { throw .last("monitor a socket") }
        raw = try core.makeSocket(ZMQ_PAIR)
        // Without a bound: libzmq's I/O thread would wait for room in it, and with it every socket of the process.
        var unlimited: Int32 = 0
        var linger: Int32 = 0
        guard zmq_setsockopt(raw, ZMQ_RCVHWM, &unlimited, MemoryLayout<Int32>.size) == 0,
            zmq_setsockopt(raw, ZMQ_LINGER, &linger, MemoryLayout<Int32>.size) == 0, zmq_connect(raw, name) == 0
        else {
            let error = ZeroMQError.last("monitor a socket")
            zmq_socket_monitor(socket, nil, 0)
            zmq_close(raw)
            throw error
        }
    }

    /// Ends the reports before their reader goes, for the reason above.
    func stop(observing socket: UnsafeMutableRawPointer) {
        zmq_socket_monitor(socket, nil, 0)
        zmq_close(raw)
    }

    /// The next event that says something to people.
    func next() throws(ZeroMQError) -> ConnectionEvent? {
        var message = Message()
        while try Socket.receive(into: &message.raw, from: raw) {
            let head: (UInt16, Int32)? = message.withBytes { bytes in
                guard bytes.count >= 6 else { return nil }
                return (
                    bytes.loadUnaligned(fromByteOffset: 0, as: UInt16.self),
                    bytes.loadUnaligned(fromByteOffset: 2, as: Int32.self)
                )
            }
            guard message.hasMore, try Socket.receive(into: &message.raw, from: raw) else { continue }
            guard let (event, value) = head else { continue }
            if let known = ConnectionEvent(event: Int32(event), value: value, endpoint: message.text) { return known }
        }
        return nil
    }
}
