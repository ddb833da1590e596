import Foundation
import Testing
import ZeroMQ

@Suite("What happens to connections")
struct MonitorTests {
    let directory = ShortDirectory()

    @Test(arguments: Transport.allCases)
    func `listening, coming, readiness and loss are reported on both sides`(transport: Transport) throws {
        let context = try Context()
        var router = try context.socket(.router, .monitored)
        let endpoint = try router.bind(transport.endpoint(in: directory))
        let listening = try router.event(.listening)
        #expect(listening?.endpoint == endpoint)
        #expect(listening?.description == "listening on \(endpoint)")
        var dealer = try context.socket(.dealer, .monitored)
        try dealer.connect(endpoint)
        let events = [
            try router.event(.accepted), try router.event(.ready), try dealer.event(.connected),
            try dealer.event(.ready),
        ]
        #expect(events.allSatisfy { $0 != nil && $0?.isProblem == false })
        #expect(events[2]?.description == "reached \(endpoint)")
        dealer.close()
        let lost = try router.event(.disconnected)
        #expect(lost != nil)
        #expect(lost?.isProblem == false)
    }

    @Test func `attempts at an endpoint where nobody is are reported, and end when somebody comes`() throws {
        let context = try Context()
        var dealer = try context.socket(.dealer, .monitored)
        try dealer.connect(directory.ipc())
        let retrying = try dealer.event(.retrying)
        #expect(retrying?.description.hasPrefix("nobody answers at \(directory.ipc()); next attempt in ") == true)
        var router = try context.socket(.router)
        try router.bind(directory.ipc())
        let ready = try dealer.event(.ready)
        #expect(ready != nil)
    }

    @Test func `a lost endpoint is reported, and the connection comes back with its successor`() throws {
        let context = try Context()
        var dealer = try context.socket(.dealer, .monitored)
        try dealer.connect(directory.ipc())
        for number in 0..<2 as Range<UInt8> {
            var router = try context.socket(.router)
            try router.bind(directory.ipc())
            let ready = try dealer.event(.ready)
            #expect(ready != nil)
            let isSent = try dealer.sendWhole([[number]])
            let received = try router.receiveWhole()
            #expect(isSent)
            #expect(received?.last == [number])
            router.close()
            let lost = try dealer.event(.disconnected)
            #expect(lost != nil)
        }
    }

    @Test func `a disconnected endpoint is not tried again, and disconnecting twice is no error`() throws {
        let context = try Context()
        var router = try context.socket(.router, .monitored)
        try router.bind(directory.ipc())
        var dealer = try context.socket(.dealer)
        try dealer.connect(directory.ipc())
        let isSent = try dealer.sendWhole([[1]])
        let received = try router.receiveWhole()
        #expect(isSent)
        #expect(received?.last == [1])
        try dealer.disconnect(directory.ipc())
        try dealer.disconnect(directory.ipc())
        // libzmq ends the connection in the background, while the socket is used.
        var outcome = SendOutcome.sent
        let end = monotonicMilliseconds() + bound_ms
        while outcome == .sent, monotonicMilliseconds() < end {
            _ = try dealer.waitUntilReadable(timeoutMilliseconds: 1)
            var frame = Message("x")
            outcome = try dealer.send(&frame)
        }
        #expect(outcome == .wouldBlock)
        let lost = try router.event(.disconnected)
        #expect(lost != nil)
    }

    @Test func `a peer of the wrong kind is refused as a problem, and never becomes ready`() throws {
        let context = try Context()
        var publisher = try context.socket(.xpub, .monitored)
        try publisher.bind(directory.ipc())
        var dealer = try context.socket(.dealer, .monitored)
        try dealer.connect(directory.ipc())
        let events = try Self.events(&publisher, until: .disconnected) + Self.events(&dealer, until: .disconnected)
        #expect(events.filter { $0.kind == .disconnected }.count == 2)
        #expect(!events.contains { $0.kind == .ready })
        let problems = events.filter(\.isProblem)
        #expect(!problems.isEmpty)
        #expect(problems.allSatisfy { $0.kind == .refused && $0.endpoint == directory.ipc() })
        #expect(problems.allSatisfy { $0.description.hasPrefix("the handshake at \(directory.ipc()) ") })
    }

    /// All events up to the first of this kind, or as many as come in time.
    static func events(_ socket: inout Socket, until kind: ConnectionEvent.Kind) throws -> [ConnectionEvent] {
        var events: [ConnectionEvent] = []
        var poller = Poller()
        _ = poller.addMonitor(of: socket)
        let end = monotonicMilliseconds() + bound_ms
        while monotonicMilliseconds() < end {
            while let event = try socket.nextEvent() {
                events.append(event)
                if event.kind == kind { return events }
            }
            try poller.wait(timeoutMilliseconds: 100)
        }
        return events
    }

    @Test func `a socket that is not monitored reports nothing`() throws {
        let context = try Context()
        var router = try context.socket(.router)
        try router.bind(directory.ipc())
        var poller = Poller()
        let slot = poller.addMonitor(of: router)
        #expect(slot == nil)
        let event = try router.nextEvent()
        #expect(event == nil)
    }

    @Test func `monitored sockets are closed without waiting for the reader of their events`() throws {
        let context = try Context()
        let ending = context.share()
        for number in 0..<20 {
            var router = try context.socket(.router, .monitored)
            try router.bind(directory.ipc("\(number)"))
            var dealer = try context.socket(.dealer, .monitored)
            try dealer.connect(directory.ipc("\(number)"))
        }
        let isEnded = ending.terminate(withinMilliseconds: bound_ms)
        #expect(isEnded)
    }
}
