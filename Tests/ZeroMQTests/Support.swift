import Foundation
import ZeroMQ

/// A directory of a test's own with a path short enough for ipc, removed when the last owner lets go of it.
final class ShortDirectory: Sendable {
    let path = "/tmp/enlace-zmq-\(UUID().uuidString.prefix(8))"

    init() {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            fatalError("no temporary directory: \(error)")
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// An ipc endpoint in it.
    func ipc(_ name: String = "a") -> String { "ipc://\(path)/\(name)" }
}

/// How the peers of a test reach each other.
enum Transport: CaseIterable, Sendable {
    case ipc, tcp

    /// What to bind; the bound endpoint has the port.
    func endpoint(in directory: ShortDirectory) -> String {
        switch self {
        case .ipc: directory.ipc()
        case .tcp: "tcp://127.0.0.1:*"
        }
    }
}

/// The longest that anything is waited for.
let bound_ms = 10_000

/// Milliseconds since some moment, never going back.
func monotonicMilliseconds() -> Int {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * 1_000 + now.tv_nsec / 1_000_000
}

extension SocketOptions {
    /// The defaults, monitored.
    static var monitored: SocketOptions {
        var options = SocketOptions()
        options.isMonitored = true
        return options
    }
}

extension Socket {
    /// Sends a message once there is a peer with room.
    ///
    /// - Returns: Whether that came in time.
    mutating func sendWhole(_ frames: [[UInt8]]) throws -> Bool {
        var message = Multipart()
        for frame in frames { message.append(Message(copying: frame)) }
        let end = monotonicMilliseconds() + bound_ms
        while monotonicMilliseconds() < end {
            if try send(&message) == .sent { return true }
            try waitUntilWritable(timeoutMilliseconds: 100)
        }
        return false
    }

    /// The next message; nil when none comes in time.
    mutating func receiveWhole(withinMilliseconds bound: Int = bound_ms) throws -> [[UInt8]]? {
        var message = Multipart()
        let end = monotonicMilliseconds() + bound
        repeat {
            if try receive(into: &message) { return (0..<message.count).map { message.bytes(at: $0) } }
        } while try waitUntilReadable(timeoutMilliseconds: max(end - monotonicMilliseconds(), 0))
        return nil
    }

    /// The next event of this kind; those before it are dropped. Nil when it does not come in time.
    mutating func event(_ kind: ConnectionEvent.Kind) throws -> ConnectionEvent? {
        var poller = Poller()
        guard poller.addMonitor(of: self) != nil else { return nil }
        let end = monotonicMilliseconds() + bound_ms
        while monotonicMilliseconds() < end {
            while let event = try nextEvent() { if event.kind == kind { return event } }
            try poller.wait(timeoutMilliseconds: 100)
        }
        return nil
    }

    private mutating func waitUntilWritable(timeoutMilliseconds: Int) throws {
        var poller = Poller()
        _ = poller.add(self, .writable)
        try poller.wait(timeoutMilliseconds: timeoutMilliseconds)
    }
}

extension [UInt8] {
    /// The UTF-8 of a text.
    init(_ text: String) { self = Array(text.utf8) }
}

/// What an operation is refused with; nil when it is not.
func refusal(_ body: () throws(ZeroMQError) -> Void) -> ZeroMQError? {
    do throws(ZeroMQError) {
        try body()
        return nil
    } catch { return error }
}
