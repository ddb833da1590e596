import Foundation
import Testing
import ZeroMQ

@Suite("Messages over real sockets")
struct MessageTests {
    let directory = ShortDirectory()

    /// Frames that a careless reader would change: nothing, zeros, every byte, lengths around those of the protocol.
    static let frames: [[UInt8]] = [
        [], [0], Array(0...255), [UInt8](repeating: 0, count: 33), [UInt8](repeating: 0xFF, count: 34),
        [UInt8](repeating: 13, count: 255), [UInt8](repeating: 10, count: 256),
        (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }, [],
    ]

    @Test(arguments: Transport.allCases)
    func `a message of many frames goes to the router and back, byte for byte`(transport: Transport) throws {
        let context = try Context()
        var router = try context.socket(.router)
        let endpoint = try router.bind(transport.endpoint(in: directory))
        #expect(!endpoint.hasSuffix("*"))
        var dealer = try context.socket(.dealer)
        try dealer.connect(endpoint)
        let isSent = try dealer.sendWhole(Self.frames)
        #expect(isSent)
        let request = try #require(try router.receiveWhole())
        #expect(Array(request.dropFirst()) == Self.frames)
        let reply = Array(Self.frames.reversed())
        let isAnswered = try router.sendWhole([request[0]] + reply)
        #expect(isAnswered)
        let answer = try dealer.receiveWhole()
        #expect(answer == reply)
    }

    @Test(arguments: Transport.allCases)
    func `messages stay whole and in order, peer by peer`(transport: Transport) throws {
        let context = try Context()
        var router = try context.socket(.router)
        let endpoint = try router.bind(transport.endpoint(in: directory))
        var first = try Self.dealer("first", context, endpoint)
        var second = try Self.dealer("second", context, endpoint)
        for number in 0..<200 as Range<UInt8> {
            let isSent = (try first.sendWhole([[number], [1]]), try second.sendWhole([[number], [2], [2]]))
            #expect(isSent == (true, true))
        }
        var next: [[UInt8]: UInt8] = [:]
        for _ in 0..<400 {
            let message = try #require(try router.receiveWhole())
            let number = next[message[0], default: 0]
            #expect(message.dropFirst() == (message[0] == [UInt8]("first") ? [[number], [1]] : [[number], [2], [2]]))
            next[message[0]] = number + 1
        }
        #expect(next == [[UInt8]("first"): 200, [UInt8]("second"): 200])
    }

    @Test func `frames one at a time say whether more follow`() throws {
        let context = try Context()
        var router = try context.socket(.router)
        try router.bind(directory.ipc())
        var dealer = try Self.dealer("d", context, directory.ipc())
        // Connected, as the first message shows: from here nothing would block.
        let isSent = try dealer.sendWhole([[0]])
        let first = try router.receiveWhole()
        #expect(isSent)
        #expect(first == [[UInt8]("d"), [0]])
        var one = Message("uno")
        var two = Message("dos")
        let outcomes = [try dealer.send(&one, more: true), try dealer.send(&two)]
        #expect(outcomes == [.sent, .sent])
        let left = (one.isEmpty, two.isEmpty)
        #expect(left == (true, true))
        var seen: [String] = []
        var frame = Message()
        for _ in 0..<3 {
            guard try router.waitUntilReadable(timeoutMilliseconds: bound_ms) else { break }
            guard try router.receive(into: &frame) else { break }
            seen.append(frame.text + (frame.hasMore ? "+" : "."))
        }
        #expect(seen == ["d+", "uno+", "dos."])
    }

    @Test func `frames beyond the most are dropped, and the next message is whole again`() throws {
        let context = try Context()
        var router = try context.socket(.router)
        try router.bind(directory.ipc())
        var dealer = try Self.dealer("d", context, directory.ipc())
        let isSent = try dealer.sendWhole([[0]])
        #expect(isSent)
        for number in 1...20 as ClosedRange<UInt8> {
            var frame = Message(copying: [number])
            let outcome = try dealer.send(&frame, more: number < 20)
            #expect(outcome == .sent)
        }
        let isNextSent = try dealer.sendWhole([[99]])
        #expect(isNextSent)
        _ = try router.receiveWhole()
        var message = Multipart()
        let isReadable = try router.waitUntilReadable(timeoutMilliseconds: bound_ms)
        let isReceived = try router.receive(into: &message)
        let (count, isTruncated) = (message.count, message.isTruncated)
        #expect(isReadable && isReceived && isTruncated)
        #expect(count == Multipart.maximumFrames)
        #expect(message.bytes(at: 15) == [15])
        let isNextReceived = try router.waitUntilReadable(timeoutMilliseconds: bound_ms)
        _ = try router.receive(into: &message)
        let isNextTruncated = message.isTruncated
        #expect(isNextReceived && !isNextTruncated)
        #expect(message.bytes(at: 1) == [99])
    }

    @Test func `without a peer a message is refused and untouched`() throws {
        let context = try Context()
        var dealer = try context.socket(.dealer)
        var message = Multipart()
        message.append(Message("a"))
        message.append(Message(copying: [UInt8](repeating: 7, count: 1_000)))
        try dealer.connect(directory.ipc("nobody"))
        let outcome = try dealer.send(&message)
        #expect(outcome == .wouldBlock)
        let count = message.count
        #expect(count == 2)
        #expect(message.bytes(at: 1) == [UInt8](repeating: 7, count: 1_000))
    }

    @Test func `a router says that nobody has a routing id, and keeps the message for another try`() throws {
        let context = try Context()
        var router = try context.socket(.router)
        try router.bind(directory.ipc())
        var message = Multipart()
        message.append(Message("late"))
        message.append(Message("hola"))
        let outcome = try router.send(&message)
        #expect(outcome == .unreachable)
        let count = message.count
        #expect(count == 2)
        var dealer = try Self.dealer("late", context, directory.ipc())
        let isSent = try dealer.sendWhole([[1]])
        _ = try router.receiveWhole()
        let second = try router.send(&message)
        #expect(isSent)
        #expect(second == .sent)
        let answer = try dealer.receiveWhole()
        #expect(answer == [[UInt8]("hola")])
    }

    @Test func `a peer that comes back under its routing id takes over from itself`() throws {
        let context = try Context()
        var router = try context.socket(.router)
        try router.bind(directory.ipc())
        var old = try Self.dealer("d", context, directory.ipc())
        let isOldSent = try old.sendWhole([[1]])
        _ = try router.receiveWhole()
        var new = try Self.dealer("d", context, directory.ipc())
        let isNewSent = try new.sendWhole([[2]])
        let received = try router.receiveWhole()
        #expect(isOldSent && isNewSent)
        #expect(received == [[UInt8]("d"), [2]])
        let isAnswered = try router.sendWhole([[UInt8]("d"), [3]])
        let answer = try new.receiveWhole()
        #expect(isAnswered)
        #expect(answer == [[3]])
    }

    @Test func `a subscriber gets what begins with its prefix, and the publisher sees it come and go`() throws {
        let context = try Context()
        var publisher = try context.socket(.xpub)
        try publisher.bind(directory.ipc())
        var options = SocketOptions()
        options.subscriptions = [[UInt8]("nog")]
        var subscriber = try context.socket(.sub, options)
        try subscriber.connect(directory.ipc())
        let subscription = try Self.receive(&publisher, from: &subscriber)
        #expect(subscription == [[1] + [UInt8]("nog")])
        try subscriber.subscribe([UInt8]("dou"))
        let second = try Self.receive(&publisher, from: &subscriber)
        #expect(second == [[1] + [UInt8]("dou")])
        for topic in ["naco", "nogales", "douglas"] {
            let isSent = try publisher.sendWhole([[UInt8](topic), [0, 1]])
            #expect(isSent)
        }
        let received = [try subscriber.receiveWhole(), try subscriber.receiveWhole()]
        #expect(received == [[[UInt8]("nogales"), [0, 1]], [[UInt8]("douglas"), [0, 1]]])
        try subscriber.unsubscribe([UInt8]("nog"))
        let third = try Self.receive(&publisher, from: &subscriber)
        #expect(third == [[0] + [UInt8]("nog")])
    }

    @Test func `what a publisher sent before it went away arrives, whole and in order`() throws {
        let context = try Context()
        var options = SocketOptions.monitored
        options.subscriptions = [[]]
        var subscriber = try context.socket(.sub, options)
        try subscriber.connect(directory.ipc())
        try publishAndLeave(400, context, &subscriber)
        // The loss is on its way to the subscriber's socket while what came before lies unread in it.
        let lost = try subscriber.event(.disconnected)
        #expect(lost != nil)
        for number in 0..<400 {
            let message = try subscriber.receiveWhole()
            try #require(message == [[UInt8]("nogales/\(number)"), [1, 2, 3]])
        }
    }

    private func publishAndLeave(_ count: Int, _ context: borrowing Context, _ subscriber: inout Socket) throws {
        var options = SocketOptions()
        options.lingerMilliseconds = Int32(bound_ms)
        var publisher = try context.socket(.xpub, options)
        try publisher.bind(directory.ipc())
        let subscription = try Self.receive(&publisher, from: &subscriber)
        #expect(subscription == [[1]])
        for number in 0..<count {
            let isSent = try publisher.sendWhole([[UInt8]("nogales/\(number)"), [1, 2, 3]])
            #expect(isSent)
        }
    }

    @Test func `an adopted buffer is released once, and only when its last copy goes`() throws {
        let released = UnsafeMutablePointer<Int>.allocate(capacity: 1)
        released.initialize(to: 0)
        defer { released.deallocate() }
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: 5_000, alignment: 1)
        buffer.initializeMemory(as: UInt8.self, repeating: 9, count: 5_000)
        do {
            var message = Message(adopting: buffer, count: 5_000, hint: released) { pointer, hint in
                pointer?.deallocate()
                hint?.assumingMemoryBound(to: Int.self).pointee += 1
            }
            do {
                let copy = message.copy()
                let isSame = copy.bytes == message.bytes && copy.count == 5_000
                #expect(isSame)
            }
            #expect(released.pointee == 0)
        }
        #expect(released.pointee == 1)
    }

    @Test func `a box gives its frame once and is empty afterwards`() {
        let box = MessageBox(Message("contenido"))
        #expect(box.count == 9)
        let text = box.take().text
        #expect(text == "contenido")
        #expect(box.count == 0)
        #expect(box.withBytes { $0.count } == 0)
    }

    /// The next message at the publisher. libzmq sends a subscription when the subscriber's thread uses its socket, as
    /// one that waits for messages does.
    static func receive(_ publisher: inout Socket, from subscriber: inout Socket) throws -> [[UInt8]]? {
        let end = monotonicMilliseconds() + bound_ms
        while monotonicMilliseconds() < end {
            _ = try subscriber.waitUntilReadable(timeoutMilliseconds: 0)
            if let message = try publisher.receiveWhole(withinMilliseconds: 20) { return message }
        }
        return nil
    }

    static func dealer(_ identity: String, _ context: borrowing Context, _ endpoint: String) throws -> Socket {
        var options = SocketOptions()
        options.routingIdentity = [UInt8](identity)
        var dealer = try context.socket(.dealer, options)
        try dealer.connect(endpoint)
        return dealer
    }
}
