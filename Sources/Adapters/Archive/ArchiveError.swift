import Glibc

/// Why the archive could not do something, in words for people.
public struct ArchiveError: Error, Sendable, CustomStringConvertible {
    /// What kind of trouble it is; decides what the caller does.
    public enum Code: String, Sendable {
        /// Another process writes this archive.
        case taken
        /// The disk is full. Everything appended since the last sync is forgotten; try again later.
        case full
        /// A sync failed: nobody knows what is on the disk. The program must stop and start again.
        case syncFailed
        /// What the disk holds is not what was written.
        case damaged
        /// The caller or the directory asks for something that cannot be.
        case invalid
        /// An earlier error ended this writer.
        case closed
        /// The operating system refused.
        case system
    }

    /// What kind of trouble it is.
    public let code: Code
    /// What was being done, such as "sync the segment".
    public let operation: String
    /// The file or directory.
    public let path: String
    /// `errno`, or 0.
    public let errorNumber: Int32

    /// Joins the fields.
    public init(code: Code, operation: String, path: String, errorNumber: Int32 = 0) {
        self.code = code
        self.operation = operation
        self.path = path
        self.errorNumber = errorNumber
    }

    /// Whether the same may succeed later.
    public var isTemporary: Bool { code == .full }

    /// Whether the name stands for a directory and not for a file.
    var isDirectory: Bool { errorNumber == EISDIR }

    /// Whether there is no file of that name.
    var isMissing: Bool { errorNumber == ENOENT || isDirectory }

    /// One sentence.
    public var description: String {
        let reason = errorNumber == 0 ? "" : ": \(String(cString: strerror(errorNumber)))"
        return "cannot \(operation) \(path)\(reason)"
    }

    /// What `errno` says now.
    static func last(_ operation: String, _ path: String) -> ArchiveError {
        let number = errno
        let code: Code = number == ENOSPC || number == EDQUOT ? .full : .system
        return ArchiveError(code: code, operation: operation, path: path, errorNumber: number)
    }
}
