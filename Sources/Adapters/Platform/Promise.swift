/// A value that one thread gives and another waits for, such as how a thread's start went.
public final class Promise<Value: Sendable>: @unchecked Sendable {
    // Safe to share: `value` is touched only with `condition` held.
    private let condition = Condition()
    private var value: Value?

    /// Makes a promise that is still open.
    public init() {}

    /// Gives the value; the first one counts.
    public func fulfil(_ value: Value) {
        condition.withLock {
            if self.value == nil { self.value = value }
            condition.broadcast()
        }
    }

    /// Waits for the value. Blocks the calling thread: not for tasks of the cooperative pool.
    public func wait() -> Value {
        condition.withLock {
            while true {
                if let value { return value }
                condition.wait()
            }
        }
    }
}
