import Glibc
import Bytes
import Platform
import Testing

@Suite("Threads and queues")
struct QueueTests {
    /// Whether a descriptor is readable within a time.
    static func isReadable(_ descriptor: Int32, timeoutMilliseconds: Int32) -> Bool {
        var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&item, 1, timeoutMilliseconds) == 1
    }

    @Test func `a thread runs its body once, named, with all signals blocked`() throws {
        let seen = Mailbox<String>.box()
        let thread = StageThread(name: "enlace-producer-main") {
            var mask = sigset_t()
            pthread_sigmask(SIG_BLOCK, nil, &mask)
            let blocked = [SIGTERM, SIGINT, SIGHUP].allSatisfy { sigismember(&mask, $0) == 1 }
            let comm = (try? Files.read("/proc/thread-self/comm")) ?? []
            seen.post(String(decoding: comm.dropLast(), as: UTF8.self) + " \(blocked)")
        }
        var before = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &before)
        try thread.start()
        try thread.start()
        thread.join()
        thread.join()
        var results: [String] = []
        seen.drain(into: &results)
        #expect(results == ["enlace-producer true"])
        var after = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &after)
        #expect(sigismember(&before, SIGTERM) == sigismember(&after, SIGTERM))
    }

    @Test func `joining a thread that never started returns`() {
        StageThread(name: "idle") {}.join()
    }

    @Test func `a mailbox is readable exactly while it holds something`() throws {
        let mailbox = Mailbox<Int>.box()
        #expect(!Self.isReadable(mailbox.descriptor, timeoutMilliseconds: 0))
        mailbox.post(1)
        mailbox.post(contentsOf: [2, 3])
        mailbox.post(contentsOf: [])
        #expect(Self.isReadable(mailbox.descriptor, timeoutMilliseconds: 0))
        var taken = [99]
        mailbox.drain(into: &taken)
        #expect(taken == [1, 2, 3])
        #expect(!Self.isReadable(mailbox.descriptor, timeoutMilliseconds: 0))
        mailbox.drain(into: &taken)
        #expect(taken.isEmpty)
    }

    @Test func `no post of several threads is lost or reordered, and none goes without a wake-up`() throws {
        let mailbox = Mailbox<(thread: Int, number: Int)>.box()
        let each = 20_000
        let threads = (0..<3).map { index in
            StageThread(name: "poster") { for number in 0..<each { mailbox.post((index, number)) } }
        }
        for thread in threads { try thread.start() }
        var next = [0, 0, 0]
        var batch: [(thread: Int, number: Int)] = []
        while next.reduce(0, +) < 3 * each {
            guard Self.isReadable(mailbox.descriptor, timeoutMilliseconds: 10_000) else { break }
            mailbox.drain(into: &batch)
            for (thread, number) in batch {
                #expect(number == next[thread])
                next[thread] = number + 1
            }
        }
        for thread in threads { thread.join() }
        #expect(next == [each, each, each])
    }

    @Test func `a work queue refuses above its bound, but lets a giant in when it is empty`() {
        let queue = WorkQueue<String>(limit: 100)
        #expect(queue.tryPush("giant", cost: 1_000))
        #expect(!queue.tryPush("small", cost: 1))
        var taken: [String] = []
        #expect(queue.popAll(into: &taken))
        #expect(taken == ["giant"])
        #expect(queue.pendingCost == 0)
        #expect(queue.tryPush("a", cost: 60))
        #expect(queue.tryPush("b", cost: 40))
        #expect(!queue.tryPush("c", cost: 1))
        #expect(queue.pendingCost == 100)
    }

    @Test func `popping an empty queue comes back after the timeout and says that the queue is open`() {
        let queue = WorkQueue<Int>(limit: 1)
        var taken: [Int] = [1]
        let start = Clock.monotonicNanoseconds()
        #expect(queue.popAll(into: &taken, timeoutMilliseconds: 20))
        #expect(taken.isEmpty)
        #expect(Clock.monotonicNanoseconds() - start >= 19_000_000)
    }

    @Test func `a closed queue gives what it holds, then says so, and takes nothing`() {
        let queue = WorkQueue<Int>(limit: 10)
        #expect(queue.push(1, cost: 1))
        queue.close()
        #expect(!queue.push(2, cost: 1))
        #expect(!queue.tryPush(2, cost: 1))
        var taken: [Int] = []
        #expect(queue.popAll(into: &taken))
        #expect(taken == [1])
        #expect(!queue.popAll(into: &taken))
        #expect(taken.isEmpty)
    }

    @Test func `a full queue holds its pushers until there is room, and everything arrives in order`() throws {
        let queue = WorkQueue<Int>(limit: 8)
        let thread = StageThread(name: "pusher") {
            for number in 0..<10_000 { _ = queue.push(number, cost: 1) }
            queue.close()
        }
        try thread.start()
        var all: [Int] = []
        var taken: [Int] = []
        while queue.popAll(into: &taken, timeoutMilliseconds: 10_000), !taken.isEmpty {
            #expect(taken.count <= 8)
            all += taken
        }
        thread.join()
        #expect(all == Array(0..<10_000))
    }

    @Test func `closing wakes a pusher that waits for room`() throws {
        let queue = WorkQueue<Int>(limit: 1)
        #expect(queue.push(1, cost: 1))
        let result = Mailbox<Bool>.box()
        let thread = StageThread(name: "pusher") { result.post(queue.push(2, cost: 1)) }
        try thread.start()
        queue.close()
        thread.join()
        var results: [Bool] = []
        result.drain(into: &results)
        #expect(results == [false])
    }

    @Test func `the monotonic clock goes on and the wall clock is of this century`() {
        let first = Clock.monotonicNanoseconds()
        #expect(Clock.monotonicNanoseconds() >= first)
        #expect(Clock.now().description.hasPrefix("20"))
    }

    @Test func `identifiers differ`() {
        #expect(Set((0..<1_000).map { _ in Random.identifier() }).count == 1_000)
        #expect(Random.identifier() != .zero)
    }
}

extension Mailbox {
    /// A mailbox for a test; a process without descriptors fails it.
    static func box() -> Mailbox {
        do { return try Mailbox() } catch { preconditionFailure("\(error)") }
    }
}
