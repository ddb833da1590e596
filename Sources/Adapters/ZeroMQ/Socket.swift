import CZeroMQ
import Glibc

/// What became of a message that was to be sent.
public enum SendOutcome: Hashable, Sendable {
    /// libzmq has it.
    case sent
    /// No room for the peer, or no peer yet: the message is untouched, try again when the socket is writable.
    case wouldBlock
    /// ROUTER: nobody has this routing id: the message is untouched.
    case unreachable
}

/// A libzmq socket. Move-only, not Sendable: it stays on the thread that made it, and nothing it does blocks.
public struct Socket: ~Copyable {
    let raw: UnsafeMutableRawPointer
    let core: ContextCore
    /// The pattern it was made for.
    public let kind: SocketKind
    private let monitor: Monitor?
    private var locks: [EndpointLock] = []

    init(kind: SocketKind, options: SocketOptions, core: ContextCore) throws(ZeroMQError) {
        let made = try core.makeSocket(kind.rawValue)
        do throws(ZeroMQError) {
            try options.apply(to: made, kind: kind)
            monitor = options.isMonitored ? try Monitor(of: made, core: core) : nil
        } catch {
            zmq_close(made)
            throw error
        }
        raw = made
        self.core = core
        self.kind = kind
    }

    deinit {
        // In a forked child the socket belongs to the parent; touching it would make libzmq assert.
        guard core.isOwnProcess else { return }
        monitor?.stop(observing: raw)
        zmq_close(raw)
        for lock in locks { lock.removeSocketFile() }
    }

    /// Closes the socket; what is not sent within the linger time is dropped.
    public consuming func close() { _ = consume self }

    // MARK: Endpoints

    /// Offers an endpoint.
    ///
    /// A second bind of an ipc endpoint would succeed and steal it from the first. So the endpoint's lock, `<path>.lock`,
    /// is taken first, kept until the socket closes, and a taken one is refused as `.endpointTaken`. A socket file
    /// that a killed process left is removed under the lock.
    ///
    /// - Returns: The endpoint as bound: with the port chosen when it was `tcp://…:*`.
    @discardableResult
    public mutating func bind(_ endpoint: String) throws(ZeroMQError) -> String {
        if let path = try EndpointLock.path(of: endpoint, operation: "bind") {
            let lock = try EndpointLock(path: path, endpoint: endpoint)
            lock.removeSocketFile()
            guard zmq_bind(raw, endpoint) == 0 else { throw .last("bind", endpoint: endpoint) }
            locks.append(lock)
        } else {
            guard zmq_bind(raw, endpoint) == 0 else { throw .last("bind", endpoint: endpoint) }
        }
        return lastEndpoint
    }

    /// Begins to connect to an endpoint, and again whenever the connection is lost. The other side need not be there.
    public mutating func connect(_ endpoint: String) throws(ZeroMQError) {
        _ = try EndpointLock.path(of: endpoint, operation: "connect to")
        guard zmq_connect(raw, endpoint) == 0 else { throw .last("connect to", endpoint: endpoint) }
    }

    /// Ends the connection to an endpoint, or the attempts at it; one that is not connected is no error.
    public mutating func disconnect(_ endpoint: String) throws(ZeroMQError) {
        guard zmq_disconnect(raw, endpoint) == 0 || zmq_errno() == ENOENT else {
            throw .last("disconnect from", endpoint: endpoint)
        }
    }

    /// SUB: receives messages that begin with `prefix`, from when the publisher learns of it.
    public mutating func subscribe(_ prefix: [UInt8]) throws(ZeroMQError) {
        guard zmq_setsockopt(raw, ZMQ_SUBSCRIBE, prefix, prefix.count) == 0 else { throw .last("subscribe") }
    }

    /// SUB: takes a subscription back.
    public mutating func unsubscribe(_ prefix: [UInt8]) throws(ZeroMQError) {
        guard zmq_setsockopt(raw, ZMQ_UNSUBSCRIBE, prefix, prefix.count) == 0 else { throw .last("unsubscribe") }
    }

    private var lastEndpoint: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
            var size = buffer.count
            guard let start = buffer.baseAddress, zmq_getsockopt(raw, ZMQ_LAST_ENDPOINT, start, &size) == 0 else {
                return ""
            }
            return String(cString: start)
        }
    }

    // MARK: Frames

    /// Sends one frame without waiting. Afterwards `message` is empty when it was sent, untouched otherwise.
    ///
    /// For a message of several frames `send(_: inout Multipart)` is the safe one: all of them or none.
    ///
    /// - Parameter more: Whether further frames of the same message follow.
    public mutating func send(_ message: inout Message, more: Bool = false) throws(ZeroMQError) -> SendOutcome {
        try Self.send(&message.raw, to: raw, flags: more ? ZMQ_SNDMORE : 0)
    }

    /// Receives one frame without waiting, in place of what `message` held.
    ///
    /// - Returns: False when nothing has come.
    public mutating func receive(into message: inout Message) throws(ZeroMQError) -> Bool {
        try Self.receive(into: &message.raw, from: raw)
    }

    static func send(
        _ message: inout zmq_msg_t,
        to socket: UnsafeMutableRawPointer,
        flags: Int32
    ) throws(ZeroMQError) -> SendOutcome {
        while zmq_msg_send(&message, socket, ZMQ_DONTWAIT | flags) < 0 {
            switch zmq_errno() {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            case EHOSTUNREACH: return .unreachable
            default: throw .last("send")
            }
        }
        return .sent
    }

    static func receive(
        into message: inout zmq_msg_t,
        from socket: UnsafeMutableRawPointer
    ) throws(ZeroMQError) -> Bool {
        while zmq_msg_recv(&message, socket, ZMQ_DONTWAIT) < 0 {
            switch zmq_errno() {
            case EINTR: continue
            case EAGAIN: return false
            default: throw .last("receive")
            }
        }
        return true
    }

    // MARK: Events

    /// What has happened to the connections, oldest first; nil when nothing more has, or the socket is not monitored.
    public mutating func nextEvent() throws(ZeroMQError) -> ConnectionEvent? { try monitor?.next() }

    /// The monitor's socket, for a poller.
    var monitorSocket: UnsafeMutableRawPointer? { monitor?.raw }
}
