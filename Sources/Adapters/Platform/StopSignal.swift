import CPlatform
import Glibc
import Synchronization

/// Tells threads that sleep in a poll that it is time to stop. Once given it stays given.
public final class StopSignal: Sendable {
    private let flag = Atomic<Bool>(false)
    /// Readable from the moment the signal is given. Belongs to the signal.
    public let descriptor: Int32

    /// Makes a signal that is not given; throws when the process has no descriptor left.
    public init() throws(PlatformError) {
        descriptor = enlace_eventfd()
        guard descriptor >= 0 else { throw .last("make a stop signal") }
    }

    deinit { close(descriptor) }

    /// Whether it has been given.
    public var isGiven: Bool { flag.load(ordering: .acquiring) }

    /// Sleeps until it is given or the time is over; whether it is given.
    public func wait(milliseconds: Int32) -> Bool {
        var descriptors = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
        _ = poll(&descriptors, 1, milliseconds)
        return isGiven
    }

    /// Gives it; any thread, any number of times.
    public func give() {
        flag.store(true, ordering: .releasing)
        var one: UInt64 = 1
        while write(descriptor, &one, 8) < 0, errno == EINTR {}
    }
}
