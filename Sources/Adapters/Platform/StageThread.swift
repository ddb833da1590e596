import CPlatform
import Glibc

/// A thread of its own for a stage: named, deaf to signals, with a stack that is known.
///
/// Blocking work (polls, file syncs, LMDB) never runs on the pool of Swift's concurrency; it runs on one of these.
public final class StageThread: @unchecked Sendable {
    // Safe to share: the state is touched only with `condition` held.
    private enum State {
        case new(@Sendable () -> Void)
        case running(pthread_t)
        case joined
    }

    private let condition = Condition()
    private var state: State
    private let name: String
    private let stackBytes: Int

    /// Prepares a thread; `start` lets it run.
    ///
    /// - Parameters:
    ///   - name: Seen in top and gdb; the first 15 bytes count.
    ///   - stackBytes: The size of its stack.
    ///   - body: What it does; the thread ends when it returns.
    public init(name: String, stackBytes: Int = 1 << 20, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.stackBytes = stackBytes
        state = .new(body)
    }

    deinit {
        // A thread that nobody joined lives on and cleans up after itself.
        if case .running(let thread) = state { pthread_detach(thread) }
    }

    /// Lets the calling thread stand back behind all others: for work that nobody waits for.
    public static func yieldToOthers() { enlace_yield_to_others() }

    /// Starts the thread. Calling it twice is a mistake of the program and does nothing.
    public func start() throws(PlatformError) {
        var failure: PlatformError?
        condition.withLock {
            guard case .new(let body) = state else { return }
            switch Self.launch(StartUp(name: name, body: body), stackBytes: stackBytes) {
            case .success(let thread): state = .running(thread)
            case .failure(let error): failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Waits for the thread's end. Returns at once when it never started or was joined before.
    public func join() {
        let thread: pthread_t? = condition.withLock {
            guard case .running(let thread) = state else { return nil }
            state = .joined
            return thread
        }
        if let thread { pthread_join(thread, nil) }
    }

    /// What the new thread needs; it takes it over as it starts.
    private final class StartUp: Sendable {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private static func launch(_ startUp: StartUp, stackBytes: Int) -> Result<pthread_t, PlatformError> {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackBytes)
        // The new thread inherits the mask: blocked here for a moment, no signal finds it deliverable even once.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(startUp)
        let code = pthread_create(
            &thread,
            &attributes,
            { argument in
                guard let argument else { return nil }
                let startUp = Unmanaged<StartUp>.fromOpaque(argument).takeRetainedValue()
                enlace_name_thread(startUp.name)
                startUp.body()
                return nil
            },
            argument.toOpaque()
        )
        guard code == 0 else {
            argument.release()
            return .failure(PlatformError(operation: "start the thread \(startUp.name)", errorNumber: code))
        }
        return .success(thread)
    }
}
