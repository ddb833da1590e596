/// A queue between threads, bounded by the cost of what it holds; the takers sleep on it.
///
/// Costs are in bytes by custom. An element that alone costs more than the bound is let in when the queue is empty, so
/// that it cannot wait forever. Any thread may call any method.
public final class WorkQueue<Element: Sendable>: @unchecked Sendable {
    // Safe to share: everything below is touched only with `condition` held.
    private let condition = Condition()
    private var elements: [Element] = []
    private var cost = 0
    private var isClosed = false
    private let limit: Int

    /// Makes an open, empty queue that holds elements up to a total cost of `limit`.
    public init(limit: Int) { self.limit = limit }

    /// Waits for room and puts an element at the end; false when the queue is closed, and then it is not taken.
    public func push(_ element: Element, cost added: Int) -> Bool {
        condition.withLock {
            while !isClosed, !fits(added) { condition.wait() }
            return !isClosed && put(element, added)
        }
    }

    /// Puts an element at the end when there is room; false when there is none or the queue is closed.
    public func tryPush(_ element: Element, cost added: Int) -> Bool {
        condition.withLock { !isClosed && fits(added) && put(element, added) }
    }

    /// Replaces what is in `target` by all elements, oldest first, waiting for the first of them.
    ///
    /// The two arrays change places, so that neither side allocates once they have grown.
    ///
    /// - Parameter timeoutMilliseconds: How long to wait; nil is for ever.
    /// - Returns: False when the queue is closed and all of it is taken; true with an empty `target` after the timeout.
    public func popAll(into target: inout [Element], timeoutMilliseconds: Int? = nil) -> Bool {
        target.removeAll(keepingCapacity: true)
        let deadline = timeoutMilliseconds.map { Clock.monotonicNanoseconds() + UInt64(max($0, 0)) * 1_000_000 }
        return condition.withLock {
            while elements.isEmpty, !isClosed {
                if let deadline {
                    if !condition.wait(untilNanoseconds: deadline) { break }
                } else {
                    condition.wait()
                }
            }
            guard !elements.isEmpty else { return !isClosed }
            swap(&elements, &target)
            cost = 0
            condition.broadcast()
            return true
        }
    }

    /// Takes no more elements; what is in it can still be popped. Wakes everybody.
    public func close() {
        condition.withLock {
            isClosed = true
            condition.broadcast()
        }
    }

    /// The total cost of what is in the queue.
    public var pendingCost: Int { condition.withLock { cost } }

    private func fits(_ added: Int) -> Bool { elements.isEmpty || cost + added <= limit }

    private func put(_ element: Element, _ added: Int) -> Bool {
        elements.append(element)
        cost += added
        if elements.count == 1 { condition.broadcast() }
        return true
    }
}
