import Glibc

/// A few threads that run `fdatasync` side by side, so that a commit waits for the slowest file and not for the sum.
///
/// The owner calls `sync` from one thread; it returns when every file is done.
final class SyncPool: @unchecked Sendable {
    // Guarded by `mutex`; `@unchecked` because the compiler cannot see that.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let work: UnsafeMutablePointer<pthread_cond_t>
    private let finished: UnsafeMutablePointer<pthread_cond_t>
    private var queue: [Int32] = []
    private var running = 0
    private var failure: Int32 = 0
    private var isStopping = false
    private var threads: [pthread_t] = []

    init(workers: Int) {
        mutex = .allocate(capacity: 1)
        work = .allocate(capacity: 1)
        finished = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(work, nil)
        pthread_cond_init(finished, nil)
        for _ in 0..<max(workers, 0) {
            var thread = pthread_t()
            let context = Unmanaged.passRetained(self).toOpaque()
            let status = pthread_create(
                &thread,
                nil,
                { raw in
                    guard let raw else { return nil }
                    Unmanaged<SyncPool>.fromOpaque(raw).takeRetainedValue().loop()
                    return nil
                },
                context
            )
            if status == 0 { threads.append(thread) } else { Unmanaged<SyncPool>.fromOpaque(context).release() }
        }
    }

    deinit {
        pthread_cond_destroy(finished)
        pthread_cond_destroy(work)
        pthread_mutex_destroy(mutex)
        finished.deallocate()
        work.deallocate()
        mutex.deallocate()
    }

    /// Ends and joins the threads; they keep the pool alive until then.
    func stop() {
        pthread_mutex_lock(mutex)
        isStopping = true
        pthread_cond_broadcast(work)
        pthread_mutex_unlock(mutex)
        for thread in threads { pthread_join(thread, nil) }
        threads = []
    }

    /// Syncs all files; 0, or the `errno` of one that failed. The caller's thread helps.
    func sync(_ descriptors: [Int32]) -> Int32 {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        queue += descriptors
        failure = 0
        pthread_cond_broadcast(work)
        while let next = queue.popLast() { run(next) }
        while running > 0 { pthread_cond_wait(finished, mutex) }
        return failure
    }

    /// Called with the mutex held, which is let go for the sync itself.
    private func run(_ descriptor: Int32) {
        running += 1
        pthread_mutex_unlock(mutex)
        var number: Int32 = 0
        while fdatasync(descriptor) != 0 {
            number = errno
            if number != EINTR { break }
            number = 0
        }
        pthread_mutex_lock(mutex)
        running -= 1
        if number != 0 { failure = number }
        if running == 0, queue.isEmpty { pthread_cond_broadcast(finished) }
    }

    private func loop() {
        pthread_mutex_lock(mutex)
        while true {
            if let next = queue.popLast() {
                run(next)
            } else if isStopping {
                break
            } else {
                pthread_cond_wait(work, mutex)
            }
        }
        pthread_mutex_unlock(mutex)
    }
}
