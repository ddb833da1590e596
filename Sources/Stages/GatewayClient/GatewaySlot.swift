import Bytes
import EventJSON
import Platform

/// A gateway's identity on this machine: an id that stays, and request numbers that are never used twice.
///
/// Numbers are reserved on disk a thousand at a time before the first of them is used, so a kill skips some and repeats
/// none. One process at a time has a slot.
struct GatewaySlot: ~Copyable {
    /// The gateway's id.
    let gateway: String
    private let path: String
    private let lock: FileLock
    private var next: UInt64
    private var reserved: UInt64

    private static let step: UInt64 = 1000

    /// Takes the first free slot of a directory; makes a new one when all are taken.
    init(directory: String) throws {
        try Files.makeDirectories(directory)
        var found: FileLock?
        var path = ""
        for index in 0..<256 where found == nil {
            path = "\(directory)/publish-\(index)"
            do throws(PlatformError) {
                found = try FileLock(path: path + ".lock", purpose: "a gateway identity")
            } catch {
                guard error.code == .taken else { throw error }
            }
        }
        guard let lock = found.take() else {
            throw PlatformError(operation: "find a free gateway identity in", path: directory, errorNumber: 16)
        }
        self.lock = lock
        self.path = path + ".json"
        if let bytes = try? Files.read(self.path), let value = try? JSONValue.parse(bytes),
            let name = value["gateway"]?.string, let number = value["next"]?.unsigned
        {
            gateway = name
            next = number
        } else {
            gateway = "publish-" + Random.identifier().description.prefix(16)
            next = 1
        }
        reserved = next
    }

    /// The next request number, safe from being used again.
    mutating func takeNumber() throws(PlatformError) -> UInt64 {
        if next == reserved {
            reserved += Self.step
            let text = "{\"gateway\":\"\(gateway)\",\"next\":\(reserved)}\n"
            try Files.writeAtomically(path, Array(text.utf8), mode: 0o600)
        }
        defer { next += 1 }
        return next
    }
}
