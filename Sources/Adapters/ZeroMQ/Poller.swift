import CZeroMQ
import Glibc

/// Waits for several sockets and descriptors at once. Made once, polled often; a poll allocates nothing.
///
/// Belongs to the thread of its sockets. Every socket in it must outlive it or be removed first.
public struct Poller: ~Copyable {
    /// What to wait for, and what has come.
    public struct Events: OptionSet, Hashable, Sendable {
        /// libzmq's bits.
        public let rawValue: Int16
        /// Takes libzmq's bits.
        public init(rawValue: Int16) { self.rawValue = rawValue }
        /// A message, or bytes, can be read.
        public static let readable = Events(rawValue: Int16(ZMQ_POLLIN))
        /// A message can be sent to at least one peer.
        public static let writable = Events(rawValue: Int16(ZMQ_POLLOUT))
        /// A descriptor has an error; sockets never report it.
        public static let failed = Events(rawValue: Int16(ZMQ_POLLERR))
    }

    /// Names one of the things waited for.
    public struct Slot: Hashable, Sendable {
        fileprivate let index: Int
    }

    private var items: [zmq_pollitem_t] = []
    // A slot's socket while it is not waited for: libzmq asks every item that has a socket, whatever its events.
    private var parked: [zmq_pollitem_t] = []

    /// Makes an empty poller.
    public init() {}

    /// Waits for a socket as well.
    public mutating func add(_ socket: borrowing Socket, _ events: Events = .readable) -> Slot {
        add(zmq_pollitem_t(socket: socket.raw, fd: 0, events: events.rawValue, revents: 0))
    }

    /// Waits for events of a monitored socket's connections as well; nil when the socket is not monitored.
    public mutating func addMonitor(of socket: borrowing Socket) -> Slot? {
        guard let monitor = socket.monitorSocket else { return nil }
        return add(zmq_pollitem_t(socket: monitor, fd: 0, events: Events.readable.rawValue, revents: 0))
    }

    /// Waits for a descriptor as well, such as a mailbox's.
    public mutating func add(descriptor: Int32, _ events: Events = .readable) -> Slot {
        add(zmq_pollitem_t(socket: nil, fd: descriptor, events: events.rawValue, revents: 0))
    }

    /// Changes what a slot waits for; nothing at all makes it cost nothing.
    public mutating func set(_ slot: Slot, _ events: Events) {
        var item = parked[slot.index]
        item.events = events.rawValue
        parked[slot.index] = item
        // A negative descriptor without a socket is skipped by poll.
        items[slot.index] = events.isEmpty ? zmq_pollitem_t(socket: nil, fd: -1, events: 0, revents: 0) : item
    }

    /// Forgets a slot for good: its socket may be closed now.
    public mutating func remove(_ slot: Slot) {
        parked[slot.index] = zmq_pollitem_t(socket: nil, fd: -1, events: 0, revents: 0)
        items[slot.index] = parked[slot.index]
    }

    /// Sleeps until something is ready or the time is over.
    ///
    /// - Parameter timeoutMilliseconds: How long; 0 only looks, -1 is for ever.
    /// - Returns: How many slots are ready; 0 after the timeout or a signal.
    @discardableResult
    public mutating func wait(timeoutMilliseconds: Int) throws(ZeroMQError) -> Int {
        let count = items.withUnsafeMutableBufferPointer { buffer in
            zmq_poll(buffer.baseAddress, Int32(buffer.count), timeoutMilliseconds)
        }
        guard count < 0 else { return Int(count) }
        for index in items.indices { items[index].revents = 0 }
        guard zmq_errno() == EINTR else { throw .last("poll") }
        return 0
    }

    /// What the last wait found for a slot.
    public func ready(_ slot: Slot) -> Events { Events(rawValue: items[slot.index].revents) }

    /// Whether the last wait found something to read.
    public func isReadable(_ slot: Slot) -> Bool { ready(slot).contains(.readable) }

    /// Whether the last wait found room to send.
    public func isWritable(_ slot: Slot) -> Bool { ready(slot).contains(.writable) }

    private mutating func add(_ item: zmq_pollitem_t) -> Slot {
        items.append(item)
        parked.append(item)
        return Slot(index: items.count - 1)
    }
}

extension Socket {
    /// Sleeps until there is something to read or the time is over. For those that have only this socket.
    public mutating func waitUntilReadable(timeoutMilliseconds: Int) throws(ZeroMQError) -> Bool {
        var item = zmq_pollitem_t(socket: raw, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0)
        let count = zmq_poll(&item, 1, timeoutMilliseconds)
        guard count < 0 else { return count > 0 }
        guard zmq_errno() == EINTR else { throw .last("poll") }
        return false
    }
}
