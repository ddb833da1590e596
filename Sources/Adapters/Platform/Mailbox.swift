import CPlatform
import Glibc

/// A queue from any thread to one that sleeps in a poll: the receiver polls `descriptor` along with its sockets.
///
/// Unbounded by itself: whoever posts keeps the bound (credit, a window, one request at a time). The descriptor is
/// written only when the box turns from empty to full, so a burst costs one wake-up.
public final class Mailbox<Element: Sendable>: @unchecked Sendable {
    // Safe to share: `elements` is touched only with `condition` held; the descriptor never changes.
    private let condition = Condition()
    private var elements: [Element] = []

    /// Readable while there is something to drain. Belongs to the mailbox.
    public let descriptor: Int32

    /// Makes an empty mailbox; throws when the process has no descriptor left.
    public init() throws(PlatformError) {
        descriptor = enlace_eventfd()
        guard descriptor >= 0 else { throw .last("make a mailbox") }
    }

    deinit { close(descriptor) }

    /// Puts an element at the end, and wakes the receiver when the mailbox was empty.
    public func post(_ element: Element) {
        let wasEmpty = condition.withLock {
            elements.append(element)
            return elements.count == 1
        }
        if wasEmpty { signal() }
    }

    /// Puts several elements at the end with one wake-up.
    public func post(contentsOf batch: some Collection<Element>) {
        guard !batch.isEmpty else { return }
        let wasEmpty = condition.withLock {
            let before = elements.isEmpty
            elements.append(contentsOf: batch)
            return before
        }
        if wasEmpty { signal() }
    }

    /// Replaces what is in `target` by all elements, oldest first; empty when there is none. Only the receiver's thread.
    ///
    /// The two arrays change places, so that neither side allocates once they have grown.
    public func drain(into target: inout [Element]) {
        target.removeAll(keepingCapacity: true)
        // The descriptor first: a post that comes between the two leaves it readable, at worst once too often.
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
        condition.withLock { swap(&elements, &target) }
    }

    private func signal() {
        var one: UInt64 = 1
        // Fails only when 2^64 - 2 wake-ups are pending: then the receiver is awake.
        while write(descriptor, &one, 8) < 0, errno == EINTR {}
    }
}
