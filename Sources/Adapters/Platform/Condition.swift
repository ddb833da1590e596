import Glibc

/// A mutex with a condition variable that waits by the monotonic clock.
///
/// Synchronization.Mutex has no condition variable; one kind of lock for all queues keeps them alike. Never moved in
/// memory, hence a class.
final class Condition: @unchecked Sendable {
    // Safe to share: the two C objects are made for it, and the pointers never change.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let variable = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        mutex.initialize(to: pthread_mutex_t())
        variable.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(variable, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(variable)
        pthread_mutex_destroy(mutex)
        variable.deallocate()
        mutex.deallocate()
    }

    func withLock<Result: ~Copyable>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Waits for a signal, with the lock held.
    func wait() { pthread_cond_wait(variable, mutex) }

    /// Waits for a signal until a moment of the monotonic clock, with the lock held; false when the moment came.
    func wait(untilNanoseconds deadline: UInt64) -> Bool {
        var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
        return pthread_cond_timedwait(variable, mutex, &time) != ETIMEDOUT
    }

    func broadcast() { pthread_cond_broadcast(variable) }
}
