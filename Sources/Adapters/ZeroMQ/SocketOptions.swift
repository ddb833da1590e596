import CZeroMQ

/// The patterns of libzmq that the pipeline uses.
public enum SocketKind: Sendable, CaseIterable {
    /// Talks to many peers, each by its routing id in the first frame.
    case router
    /// Talks to one peer, or to several in turn.
    case dealer
    /// Sends to all subscribers and sees their subscriptions.
    case xpub
    /// Receives what it subscribed to.
    case sub
    /// One to one, within a process.
    case pair

    /// libzmq's number.
    var rawValue: Int32 {
        switch self {
        case .router: ZMQ_ROUTER
        case .dealer: ZMQ_DEALER
        case .xpub: ZMQ_XPUB
        case .sub: ZMQ_SUB
        case .pair: ZMQ_PAIR
        }
    }
}

/// Everything that is set on a socket before it binds or connects; those of other kinds are ignored.
///
/// The bounds are part of a budget: peers × high-water mark × frame size is what a socket may hold.
public struct SocketOptions: Hashable, Sendable {
    /// How long closing waits for what is not yet sent. 0: what matters is sent again by who keeps it.
    public var lingerMilliseconds: Int32 = 0
    /// The longest frame taken from a peer; who sends a longer one is disconnected.
    public var maximumMessageBytes: Int64 = 16 * 1024 * 1024
    /// The most messages held for one peer that does not read them.
    public var sendHighWaterMark: Int32 = 1_000
    /// The most messages held of one peer that we do not read.
    public var receiveHighWaterMark: Int32 = 1_000
    /// ROUTER: says `unreachable` and `wouldBlock` instead of dropping.
    public var isMandatory = true
    /// ROUTER: a peer that comes back under its old routing id takes over from itself.
    public var allowsHandover = true
    /// Messages wait only for peers that are connected, so that none is queued for one that is not there. Not for SUB.
    public var requiresConnection = true
    /// How often the connection itself is tested; 0 is never. What matters has beats of its own, and ipc notices a dead peer
    /// without. libzmq 4.3.4 ends the process at such a test when the peer died while its messages were not being read.
    public var heartbeatMilliseconds: Int32 = 0
    /// How long a peer may leave such a test unanswered.
    public var heartbeatTimeoutMilliseconds: Int32 = 6_000
    /// What the peer is told to allow us in turn.
    public var heartbeatLifetimeMilliseconds: Int32 = 6_000
    /// How long to wait before the first new attempt to connect.
    public var reconnectMilliseconds: Int32 = 20
    /// The longest wait between two attempts.
    public var reconnectMaximumMilliseconds: Int32 = 200
    /// XPUB: reports every subscription, not only the first to a prefix.
    public var reportsEverySubscription = false
    /// XPUB: says `wouldBlock` instead of dropping for a subscriber that does not read.
    public var isLossless = false
    /// SUB: prefixes to subscribe to; an empty one is everything.
    public var subscriptions: [[UInt8]] = []
    /// DEALER: the routing id that a ROUTER sees; empty lets the ROUTER choose. Ours say who they are in the body.
    public var routingIdentity: [UInt8] = []
    /// Whether `Socket.nextEvent` reports what happens to the connections.
    public var isMonitored = false

    /// The defaults.
    public init() {}

    func apply(to socket: UnsafeMutableRawPointer, kind: SocketKind) throws(ZeroMQError) {
        func set<Value: BitwiseCopyable>(_ option: Int32, _ value: Value, _ name: String) throws(ZeroMQError) {
            var copy = value
            guard zmq_setsockopt(socket, option, &copy, MemoryLayout<Value>.size) == 0 else {
                throw .last("set the socket option \(name)")
            }
        }
        func set(_ option: Int32, bytes: [UInt8], _ name: String) throws(ZeroMQError) {
            guard zmq_setsockopt(socket, option, bytes, bytes.count) == 0 else {
                throw .last("set the socket option \(name)")
            }
        }
        try set(ZMQ_LINGER, lingerMilliseconds, "linger")
        try set(ZMQ_MAXMSGSIZE, maximumMessageBytes, "maximum message size")
        try set(ZMQ_SNDHWM, sendHighWaterMark, "send high-water mark")
        try set(ZMQ_RCVHWM, receiveHighWaterMark, "receive high-water mark")
        // A socket with this option gives up its queue when the connection is lost, and libzmq ends the process when
        // that happens between two frames of a message that is being read. A SUB has nothing to send that could wait
        // for the wrong peer, so it keeps what came.
        if kind != .sub { try set(ZMQ_IMMEDIATE, Int32(requiresConnection ? 1 : 0), "immediate") }
        try set(ZMQ_RECONNECT_IVL, reconnectMilliseconds, "reconnect interval")
        try set(ZMQ_RECONNECT_IVL_MAX, reconnectMaximumMilliseconds, "longest reconnect interval")
        if heartbeatMilliseconds > 0 {
            try set(ZMQ_HEARTBEAT_IVL, heartbeatMilliseconds, "heartbeat interval")
            try set(ZMQ_HEARTBEAT_TIMEOUT, heartbeatTimeoutMilliseconds, "heartbeat timeout")
            try set(ZMQ_HEARTBEAT_TTL, heartbeatLifetimeMilliseconds, "heartbeat lifetime")
        }
        switch kind {
        case .router:
            try set(ZMQ_ROUTER_MANDATORY, Int32(isMandatory ? 1 : 0), "mandatory")
            try set(ZMQ_ROUTER_HANDOVER, Int32(allowsHandover ? 1 : 0), "handover")
        case .dealer:
            if !routingIdentity.isEmpty { try set(ZMQ_ROUTING_ID, bytes: routingIdentity, "routing id") }
        case .xpub:
            try set(ZMQ_XPUB_VERBOSE, Int32(reportsEverySubscription ? 1 : 0), "verbose")
            try set(ZMQ_XPUB_NODROP, Int32(isLossless ? 1 : 0), "no drop")
        case .sub:
            for prefix in subscriptions { try set(ZMQ_SUBSCRIBE, bytes: prefix, "subscribe") }
        case .pair: break
        }
    }
}
