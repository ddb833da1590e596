import CZeroMQ
import Glibc

/// A libzmq context: the I/O threads that sockets share.
///
/// Move-only; `share()` gives another thread an owner of its own. Every socket owns the context too, so it lives until
/// the last of them is gone. Safe to use from any thread.
public struct Context: ~Copyable, Sendable {
    let core: ContextCore

    /// Makes a context.
    ///
    /// - Parameters:
    ///   - ioThreads: Threads that move bytes; one carries about a gigabyte a second.
    ///   - maximumSockets: The most sockets open at one time.
    public init(ioThreads: Int = 1, maximumSockets: Int = 1023) throws(ZeroMQError) {
        core = try ContextCore(ioThreads: Int32(clamping: ioThreads), maximumSockets: Int32(clamping: maximumSockets))
    }

    private init(_ core: ContextCore) { self.core = core }

    /// Another owner of the same context, to take along to another thread.
    public func share() -> Context { Context(core) }

    /// Makes a socket. It belongs to the thread that calls this.
    public func socket(_ kind: SocketKind, _ options: SocketOptions = SocketOptions()) throws(ZeroMQError) -> Socket {
        try Socket(kind: kind, options: options, core: core)
    }

    /// Ends the context: from now on every operation on its sockets, on whatever thread, throws `.terminated`, so that
    /// their threads end. Waits until all sockets are closed, but no longer than the bound.
    ///
    /// - Returns: Whether all sockets were closed in time. When not, the context goes as soon as the last one does.
    @discardableResult
    public consuming func terminate(withinMilliseconds bound: Int = 2_000) -> Bool {
        core.terminate(withinMilliseconds: bound)
    }

    /// The version of the library in use, such as "4.3.5".
    public static var libraryVersion: String {
        var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
        zmq_version(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }
}

/// What the owners and the sockets of a context share.
final class ContextCore: @unchecked Sendable {
    // Safe to share: libzmq contexts are thread-safe; `isEnding` is touched only with the mutex held.
    private let raw: UnsafeMutableRawPointer
    private let process = getpid()
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var isEnding = false
    private var monitorCount = 0

    init(ioThreads: Int32, maximumSockets: Int32) throws(ZeroMQError) {
        guard let made = zmq_ctx_new() else { throw .last("make a context") }
        raw = made
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        zmq_ctx_set(raw, ZMQ_IO_THREADS, ioThreads)
        zmq_ctx_set(raw, ZMQ_MAX_SOCKETS, maximumSockets)
        // A socket of ours gets its linger at creation; this is for the ones libzmq makes itself.
        zmq_ctx_set(raw, ZMQ_BLOCKY, 0)
    }

    deinit {
        terminate(withinMilliseconds: 2_000)
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Whether this is the process that made the context: in a forked child its threads are missing, and libzmq
    /// would assert.
    var isOwnProcess: Bool { getpid() == process }

    func makeSocket(_ kind: Int32) throws(ZeroMQError) -> UnsafeMutableRawPointer {
        guard isOwnProcess else {
            throw ZeroMQError(
                .afterFork,
                operation: "make a socket",
                detail: "the context belongs to the process that forked this one"
            )
        }
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard !isEnding else { throw ZeroMQError(.terminated, operation: "make a socket") }
        guard let socket = zmq_socket(raw, kind) else { throw .last("make a socket") }
        return socket
    }

    /// A name for an endpoint within this context that no other has.
    func nextMonitorName() -> String {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        monitorCount += 1
        return "inproc://enlace.monitor.\(monitorCount)"
    }

    @discardableResult
    func terminate(withinMilliseconds bound: Int) -> Bool {
        guard isOwnProcess else { return true }
        pthread_mutex_lock(mutex)
        let first = !isEnding
        isEnding = true
        pthread_mutex_unlock(mutex)
        guard first else { return true }
        zmq_ctx_shutdown(raw)
        return Termination(raw).wait(milliseconds: bound)
    }
}

/// zmq_ctx_term waits for every socket and has no bound of its own: a thread of its own waits for it.
private final class Termination: @unchecked Sendable {
    // Safe to share: `isDone` is touched only with the mutex held; the pointer is used by the new thread alone.
    private let raw: UnsafeMutableRawPointer
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var isDone = false

    init(_ raw: UnsafeMutableRawPointer) {
        self.raw = raw
        mutex.initialize(to: pthread_mutex_t())
        condition.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func wait(milliseconds: Int) -> Bool {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Termination>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            },
            argument.toOpaque()
        )
        guard code == 0 else {
            argument.release()
            return false
        }
        pthread_detach(thread)
        var deadline = timespec()
        clock_gettime(CLOCK_REALTIME, &deadline)
        deadline.tv_sec += milliseconds / 1_000
        deadline.tv_nsec += milliseconds % 1_000 * 1_000_000
        if deadline.tv_nsec >= 1_000_000_000 {
            deadline.tv_sec += 1
            deadline.tv_nsec -= 1_000_000_000
        }
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while !isDone {
            if pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT { break }
        }
        return isDone
    }

    private func run() {
        while zmq_ctx_term(raw) != 0, zmq_errno() == EINTR {}
        pthread_mutex_lock(mutex)
        isDone = true
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }
}
