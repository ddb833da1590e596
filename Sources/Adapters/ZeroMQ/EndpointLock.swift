import CPlatform
import Glibc

/// The lock beside a bound ipc endpoint, `<path>.lock`; held until the value goes or the process ends, however it ends.
final class EndpointLock {
    /// The most bytes of the path of a unix socket on Linux, its terminating zero left out.
    static let maximumPathBytes = 107

    private let path: String
    private let descriptor: Int32

    init(path: String, endpoint: String) throws(ZeroMQError) {
        let lockPath = path + ".lock"
        let opened = enlace_lock_file(lockPath)
        guard opened >= 0 else {
            let number = errno
            guard number == EWOULDBLOCK else { throw .last("lock", endpoint: endpoint) }
            throw ZeroMQError(
                .endpointTaken,
                errorNumber: number,
                operation: "bind",
                endpoint: endpoint,
                detail: "the endpoint is taken by a running process\(Self.holder(of: lockPath)), which holds "
                    + "\(lockPath); stop it, or give this one another --run-dir or name"
            )
        }
        self.path = path
        descriptor = opened
        let text = "\(getpid())\n"
        _ = ftruncate(opened, 0)
        _ = text.withCString { pwrite(opened, $0, strlen($0), 0) }
    }

    deinit { enlace_unlock_file(descriptor) }

    /// Removes the socket file. Under the lock it is nobody else's: either ours or left by a process that was killed.
    func removeSocketFile() { unlink(path) }

    /// The filesystem path of an ipc endpoint; nil for other transports, abstract names and `ipc://*`.
    static func path(of endpoint: String, operation: String) throws(ZeroMQError) -> String? {
        guard endpoint.hasPrefix("ipc://") else { return nil }
        let path = String(endpoint.dropFirst("ipc://".count))
        guard !path.isEmpty else { throw ZeroMQError(.badEndpoint, operation: operation, endpoint: endpoint) }
        guard path.utf8.count <= maximumPathBytes else {
            throw ZeroMQError(
                .pathTooLong,
                errorNumber: ENAMETOOLONG,
                operation: operation,
                endpoint: endpoint,
                detail: "the path has \(path.utf8.count) bytes and may have \(maximumPathBytes); "
                    + "choose a shorter --run-dir"
            )
        }
        return path == "*" || path.hasPrefix("@") ? nil : path
    }

    /// " (process 123)" from what the holder wrote into the lock, or nothing.
    private static func holder(of lockPath: String) -> String {
        let descriptor = enlace_open(lockPath, O_RDONLY, 0)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { buffer in
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            let digits = buffer.prefix(max(count, 0)).prefix { (48...57).contains($0) }
            return digits.isEmpty ? "" : " (process \(String(decoding: digits, as: UTF8.self)))"
        }
    }
}
