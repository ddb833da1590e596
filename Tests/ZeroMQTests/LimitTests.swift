import Foundation
import Testing
import ZeroMQ

@Suite("Waiting, bounds and closing")
struct LimitTests {
    let directory = ShortDirectory()

    @Test(arguments: Transport.allCases)
    func `where nothing comes, receiving returns at once and waiting after its time`(transport: Transport) throws {
        let context = try Context()
        var router = try context.socket(.router)
        try router.bind(transport.endpoint(in: directory))
        var frame = Message("old")
        var message = Multipart()
        let isReceived = (try router.receive(into: &frame), try router.receive(into: &message))
        #expect(isReceived == (false, false))
        let start = monotonicMilliseconds()
        let isReadable = try router.waitUntilReadable(timeoutMilliseconds: 60)
        let elapsed = monotonicMilliseconds() - start
        #expect(!isReadable)
        #expect(elapsed >= 59)
        #expect(elapsed < bound_ms)
        let isReadableNow = try router.waitUntilReadable(timeoutMilliseconds: 0)
        #expect(!isReadableNow)
    }

    @Test func `a poller tells sockets and descriptors apart, and leaves out what is not waited for`() throws {
        let context = try Context()
        var router = try context.socket(.router)
        try router.bind(directory.ipc())
        var dealer = try context.socket(.dealer)
        try dealer.connect(directory.ipc())
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        var poller = Poller()
        let sockets = poller.add(router)
        let pipes = poller.add(descriptor: ends[0])
        let start = monotonicMilliseconds()
        let none = try poller.wait(timeoutMilliseconds: 40)
        #expect(none == 0)
        #expect(monotonicMilliseconds() - start >= 39)

        let isSent = try dealer.sendWhole([[1]])
        let one = try poller.wait(timeoutMilliseconds: bound_ms)
        let first = (poller.isReadable(sockets), poller.isReadable(pipes), poller.isWritable(sockets))
        #expect(isSent)
        #expect(one == 1)
        #expect(first == (true, false, false))

        poller.set(sockets, [])
        #expect(write(ends[1], "x", 1) == 1)
        let other = try poller.wait(timeoutMilliseconds: bound_ms)
        let second = (poller.isReadable(sockets), poller.isReadable(pipes))
        #expect(other == 1)
        #expect(second == (false, true))

        poller.set(sockets, .readable)
        poller.remove(pipes)
        let last = try poller.wait(timeoutMilliseconds: bound_ms)
        let third = (poller.isReadable(sockets), poller.isReadable(pipes))
        #expect(last == 1)
        #expect(third == (true, false))
    }

    @Test(arguments: Transport.allCases)
    func `a frame of the maximum size is taken, a byte more loses the peer its connection`(
        transport: Transport
    ) throws {
        let context = try Context()
        var options = SocketOptions.monitored
        options.maximumMessageBytes = 1_000
        var router = try context.socket(.router, options)
        let endpoint = try router.bind(transport.endpoint(in: directory))
        var dealer = try context.socket(.dealer)
        try dealer.connect(endpoint)
        let fits = [UInt8](repeating: 1, count: 1_000)
        let isSent = try dealer.sendWhole([fits, fits])
        let received = try router.receiveWhole()
        #expect(isSent)
        #expect(received?.dropFirst() == [fits, fits])
        let isLargeSent = try dealer.sendWhole([[UInt8](repeating: 2, count: 1_001)])
        let lost = try router.event(.disconnected)
        #expect(isLargeSent)
        #expect(lost != nil)
        let back = try router.event(.ready)
        #expect(back != nil)
        let isNextSent = try dealer.sendWhole([[3]])
        let next = try router.receiveWhole()
        #expect(isNextSent)
        #expect(next?.dropFirst() == [[3]])
    }

    @Test func `a peer that does not read holds no more than its high-water marks`() throws {
        let context = try Context()
        var options = SocketOptions()
        options.receiveHighWaterMark = 10
        options.sendHighWaterMark = 10
        var router = try context.socket(.router, options)
        try router.bind(directory.ipc())
        var dealer = try context.socket(.dealer, options)
        try dealer.connect(directory.ipc())
        let sent = try Self.fill(&dealer, bytes: 100_000)
        #expect(sent >= 10)
        #expect(sent < 1_000)
        for _ in 0..<sent {
            let message = try router.receiveWhole()
            #expect(message?[1].count == 100_000)
        }
        let more = try router.receiveWhole(withinMilliseconds: 0)
        #expect(more == nil)
    }

    @Test(arguments: Transport.allCases)
    func `closing with messages unsent does not wait for a peer that does not read`(transport: Transport) throws {
        let context = try Context()
        let ending = context.share()
        var options = SocketOptions()
        options.receiveHighWaterMark = 1
        let start: Int
        do {
            var router = try context.socket(.router, options)
            let endpoint = try router.bind(transport.endpoint(in: directory))
            var dealer = try context.socket(.dealer)
            try dealer.connect(endpoint)
            let sent = try Self.fill(&dealer, bytes: 200_000)
            #expect(sent > 10)
            start = monotonicMilliseconds()
            dealer.close()
            router.close()
        }
        let isEnded = ending.terminate(withinMilliseconds: bound_ms)
        #expect(isEnded)
        #expect(monotonicMilliseconds() - start < bound_ms / 2)
    }

    @Test(arguments: Transport.allCases)
    func `closing with messages for a peer that never came does not hang`(transport: Transport) throws {
        let context = try Context()
        let ending = context.share()
        var options = SocketOptions()
        options.requiresConnection = false
        var dealer = try context.socket(.dealer, options)
        try dealer.connect(transport == .ipc ? directory.ipc("nobody") : "tcp://127.0.0.1:1")
        let isSent = try dealer.sendWhole([[1], [2]])
        #expect(isSent)
        let start = monotonicMilliseconds()
        dealer.close()
        let isEnded = ending.terminate(withinMilliseconds: bound_ms)
        #expect(isEnded)
        #expect(monotonicMilliseconds() - start < bound_ms / 2)
    }

    @Test func `with a linger time, what was sent before closing arrives`() throws {
        let context = try Context()
        var router = try context.socket(.router)
        try router.bind(directory.ipc())
        var options = SocketOptions()
        options.lingerMilliseconds = Int32(bound_ms)
        var dealer = try context.socket(.dealer, options)
        try dealer.connect(directory.ipc())
        for number in 0..<100 as Range<UInt8> {
            let isSent = try dealer.sendWhole([[UInt8](repeating: number, count: 10_000)])
            #expect(isSent)
        }
        dealer.close()
        for number in 0..<100 as Range<UInt8> {
            let message = try router.receiveWhole()
            #expect(message?[1].first == number)
        }
    }

    @Test func `the end of a context is felt by its sockets, and is not waited for beyond the bound`() throws {
        let context = try Context()
        let ending = context.share()
        var router = try context.socket(.router)
        try router.bind(directory.ipc())
        let start = monotonicMilliseconds()
        let isEnded = ending.terminate(withinMilliseconds: 50)
        let elapsed = monotonicMilliseconds() - start
        #expect(!isEnded)
        #expect(elapsed >= 45)
        #expect(elapsed < bound_ms)
        var frame = Message()
        let receiving = #expect(throws: ZeroMQError.self) { _ = try router.receive(into: &frame) }
        #expect(receiving?.code == .terminated)
        let waiting = #expect(throws: ZeroMQError.self) { _ = try router.waitUntilReadable(timeoutMilliseconds: 10) }
        #expect(waiting?.code == .terminated)
        #expect(waiting?.description == "cannot poll: the process is stopping")
        let making = #expect(throws: ZeroMQError.self) { _ = try context.socket(.dealer) }
        #expect(making?.code == .terminated)
    }

    @Test func `a sleeping thread is woken by the end of its context`() throws {
        let context = try Context()
        let ending = context.share()
        let endpoint = directory.ipc()
        let told = DispatchSemaphore(value: 0)
        let ended = DispatchSemaphore(value: 0)
        let box = ContextBox(context)
        Thread.detachNewThread {
            _ = refusal { () throws(ZeroMQError) in
                var router = try box.context.socket(.router)
                try router.bind(endpoint)
                told.signal()
                let error = refusal { () throws(ZeroMQError) in
                    _ = try router.waitUntilReadable(timeoutMilliseconds: -1)
                }
                if error?.code == .terminated { ended.signal() }
            }
        }
        #expect(told.wait(timeout: .now() + .milliseconds(bound_ms)) == .success)
        let isEnded = ending.terminate(withinMilliseconds: bound_ms)
        #expect(isEnded)
        #expect(ended.wait(timeout: .now() + .milliseconds(bound_ms)) == .success)
    }

    @Test func `the library's version is known`() {
        #expect(Context.libraryVersion.hasPrefix("4."))
    }

    /// Sends until there is no room for a while.
    ///
    /// - Returns: How many messages were taken.
    static func fill(_ socket: inout Socket, bytes: Int) throws -> Int {
        var count = 0
        var poller = Poller()
        _ = poller.add(socket, .writable)
        var message = Multipart()
        let frame = [UInt8](repeating: 5, count: bytes)
        while try poller.wait(timeoutMilliseconds: count == 0 ? bound_ms : 300) > 0 {
            if message.count == 0 { message.append(Message(copying: frame)) }
            if try socket.send(&message) == .sent { count += 1 }
        }
        return count
    }
}

/// Takes a context into a thread's body, which must be copyable.
final class ContextBox: Sendable {
    let context: Context
    init(_ context: consuming Context) { self.context = context }
}
