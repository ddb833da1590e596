import Foundation
import Testing
import ZeroMQ

@Suite("Endpoints, their locks and errors in words")
struct EndpointTests {
    let directory = ShortDirectory()

    @Test func `a second bind of a live ipc endpoint is refused and the first goes on`() throws {
        let context = try Context()
        var first = try context.socket(.router)
        try first.bind(directory.ipc())
        let other = try Context()
        for _ in 0..<2 {
            var second = try other.socket(.router)
            let error = #expect(throws: ZeroMQError.self) { try second.bind(directory.ipc()) }
            #expect(error?.code == .endpointTaken)
            #expect(error?.isRetriable == true)
            #expect(error?.operation == "bind")
            #expect(error?.endpoint == directory.ipc())
            #expect(
                error?.description
                    == "cannot bind \(directory.ipc()): the endpoint is taken by a running process "
                    + "(process \(getpid())), which holds \(directory.path)/a.lock; "
                    + "stop it, or give this one another --run-dir or name"
            )
        }
        var dealer = try other.socket(.dealer)
        try dealer.connect(directory.ipc())
        let isSent = try dealer.sendWhole([[1]])
        let received = try first.receiveWhole()
        #expect(isSent)
        #expect(received?.last == [1])
    }

    @Test func `a closed endpoint is free again and leaves no socket file`() throws {
        let context = try Context()
        for _ in 0..<3 {
            var router = try context.socket(.router)
            try router.bind(directory.ipc())
            #expect(FileManager.default.fileExists(atPath: directory.path + "/a"))
            router.close()
            #expect(!FileManager.default.fileExists(atPath: directory.path + "/a"))
        }
    }

    @Test func `a lock that another process holds is respected, with that process's number`() throws {
        let holder = Process()
        holder.executableURL = URL(fileURLWithPath: "/bin/sh")
        holder.arguments = [
            "-c", "exec 9>>\"$0\"; flock 9; echo $$ >&9; echo held; read line", directory.path + "/a.lock",
        ]
        let output = Pipe()
        let input = Pipe()
        holder.standardOutput = output
        holder.standardInput = input
        try holder.run()
        defer {
            try? input.fileHandleForWriting.close()
            holder.waitUntilExit()
        }
        #expect(output.fileHandleForReading.availableData == Data("held\n".utf8))
        let context = try Context()
        var router = try context.socket(.router)
        let error = #expect(throws: ZeroMQError.self) { try router.bind(directory.ipc()) }
        #expect(error?.code == .endpointTaken)
        #expect(error?.description.contains("(process \(holder.processIdentifier))") == true)
        #expect(!FileManager.default.fileExists(atPath: directory.path + "/a"))
    }

    @Test func `a socket file and a lock file that a killed process left are no obstacle`() throws {
        #expect(FileManager.default.createFile(atPath: directory.path + "/a", contents: Data("stale".utf8)))
        #expect(FileManager.default.createFile(atPath: directory.path + "/a.lock", contents: Data("999999999\n".utf8)))
        let context = try Context()
        var router = try context.socket(.router)
        try router.bind(directory.ipc())
        let lock = try String(contentsOfFile: directory.path + "/a.lock", encoding: .utf8)
        #expect(lock == "\(getpid())\n")
        var dealer = try context.socket(.dealer)
        try dealer.connect(directory.ipc())
        let isSent = try dealer.sendWhole([[1]])
        let received = try router.receiveWhole()
        #expect(isSent)
        #expect(received?.last == [1])
    }

    @Test func `one socket may have several endpoints, each with its lock`() throws {
        let context = try Context()
        var router = try context.socket(.router)
        try router.bind(directory.ipc("a"))
        try router.bind(directory.ipc("b"))
        let port = try router.bind("tcp://127.0.0.1:*")
        for endpoint in [directory.ipc("a"), directory.ipc("b"), port] {
            var other = try context.socket(.router)
            let error = #expect(throws: ZeroMQError.self) { try other.bind(endpoint) }
            #expect(error?.code == .endpointTaken, "\(endpoint)")
            var dealer = try context.socket(.dealer)
            try dealer.connect(endpoint)
            let isSent = try dealer.sendWhole([Array(endpoint.utf8)])
            let received = try router.receiveWhole()
            #expect(isSent)
            #expect(received?.last == Array(endpoint.utf8))
        }
    }

    @Test func `a tcp port that is taken is refused in words`() throws {
        let context = try Context()
        var first = try context.socket(.router)
        let endpoint = try first.bind("tcp://127.0.0.1:*")
        var second = try context.socket(.router)
        let error = #expect(throws: ZeroMQError.self) { try second.bind(endpoint) }
        #expect(error?.errorNumber == EADDRINUSE)
        #expect(
            error?.description
                == "cannot bind \(endpoint): the endpoint is taken by a running process; stop it, "
                + "or choose another endpoint"
        )
    }

    @Test(arguments: ["nonsense", "", "ipc://", "tcp://127.0.0.1", "smtp://x"])
    func `what is no endpoint is shown, with what one looks like`(endpoint: String) throws {
        let context = try Context()
        var socket = try context.socket(.dealer)
        let binding = #expect(throws: ZeroMQError.self) { try socket.bind(endpoint) }
        let connecting = #expect(throws: ZeroMQError.self) { try socket.connect(endpoint) }
        for (error, operation) in [(binding, "bind"), (connecting, "connect to")] {
            #expect(error?.code == .badEndpoint)
            #expect(error?.isRetriable == false)
            let target = endpoint.isEmpty ? "" : " \(endpoint)"
            #expect(
                error?.description
                    == "cannot \(operation)\(target): not an endpoint; write ipc:///directory/name or tcp://host:port"
            )
        }
    }

    @Test func `an address that is not of this machine is refused as such`() throws {
        let context = try Context()
        var socket = try context.socket(.router)
        let error = #expect(throws: ZeroMQError.self) { try socket.bind("tcp://192.0.2.1:5555") }
        #expect(error?.code == .badEndpoint)
        #expect(
            error?.description == "cannot bind tcp://192.0.2.1:5555: no such address or interface on this machine"
        )
    }

    @Test func `a path too long is refused with its length, the longest is not`() throws {
        let context = try Context()
        var socket = try context.socket(.router)
        let longest = directory.path + "/" + String(repeating: "x", count: 107 - directory.path.utf8.count - 1)
        try socket.bind("ipc://" + longest)
        let binding = #expect(throws: ZeroMQError.self) { try socket.bind("ipc://" + longest + "x") }
        let connecting = #expect(throws: ZeroMQError.self) { try socket.connect("ipc://" + longest + "x") }
        for error in [binding, connecting] {
            #expect(error?.code == .pathTooLong)
            #expect(
                error?.description.hasSuffix("the path has 108 bytes and may have 107; choose a shorter --run-dir")
                    == true
            )
        }
    }

    @Test func `a directory that is not there is told as that`() throws {
        let context = try Context()
        var socket = try context.socket(.router)
        let endpoint = "ipc://\(directory.path)/none/a"
        let error = #expect(throws: ZeroMQError.self) { try socket.bind(endpoint) }
        #expect(error?.code == .noSuchDirectory)
        #expect(error?.description == "cannot lock \(endpoint): the directory is not there; make it, or choose another")
    }

    @Test func `what a kind of socket cannot do is refused as not supported`() throws {
        let context = try Context()
        var options = SocketOptions()
        options.subscriptions = [[]]
        var subscriber = try context.socket(.sub, options)
        var frame = Message("x")
        let sending = #expect(throws: ZeroMQError.self) { _ = try subscriber.send(&frame) }
        #expect(sending?.code == .notSupported)
        #expect(sending?.description == "cannot send: Operation not supported")
    }

    @Test func `a context without a socket left says so`() throws {
        let context = try Context(maximumSockets: 1)
        let first = try context.socket(.dealer)
        let error = #expect(throws: ZeroMQError.self) { _ = try context.socket(.dealer) }
        #expect(error?.code == .tooManySockets)
        #expect(error?.isRetriable == true)
        first.close()
    }
}
