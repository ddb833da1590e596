import CPlatform
import Glibc

/// An exclusive advisory lock on a file, held until the value goes away or the process ends, however it ends.
///
/// The file stays: removing it would let two processes lock two files of one name. It holds the process number of
/// the last holder.
public struct FileLock: ~Copyable {
    /// The locked file.
    public let path: String
    private let descriptor: Int32

    /// Takes the lock or throws `PlatformError` with code `.taken` when another holder has it.
    ///
    /// - Parameters:
    ///   - path: The file to lock; it is made when it is missing, its directory is not.
    ///   - purpose: What the lock guards, such as "the outbox of nogales.main", for the message.
    ///   - advice: What the reader of the message can do.
    public init(
        path: String,
        purpose: String,
        advice: String = "stop it first, or give this one a directory of its own"
    ) throws(PlatformError) {
        let opened = enlace_lock_file(path)
        guard opened >= 0 else {
            if errno == EWOULDBLOCK {
                let holder = Self.holder(of: path).map { " (process \($0))" } ?? ""
                throw PlatformError(
                    code: .taken,
                    operation: "take \(purpose), lock",
                    path: path,
                    advice: "a running process\(holder) holds it; \(advice)"
                )
            }
            throw .last("take \(purpose), lock", path)
        }
        self.path = path
        descriptor = opened
        let text = "\(getpid())\n"
        _ = ftruncate(opened, 0)
        _ = text.withCString { pwrite(opened, $0, strlen($0), 0) }
    }

    deinit { enlace_unlock_file(descriptor) }

    /// The process number that the last holder of a lock wrote into it.
    private static func holder(of path: String) -> Int32? {
        guard let bytes = try? Files.read(path, limit: 32) else { return nil }
        return Int32(String(decoding: bytes.prefix { (48...57).contains($0) }, as: UTF8.self))
    }
}
