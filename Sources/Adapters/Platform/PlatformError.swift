import Glibc

/// What the operating system refused: the call, the path and the reason, in words for people.
public struct PlatformError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of refusal it is, for those that decide by it.
    public enum Code: String, Hashable, Sendable {
        /// Another process holds the lock.
        case taken
        /// A name or path does not fit the bound that the system or the pipeline sets.
        case nameTooLong
        /// A name has characters that it may not have.
        case invalidName
        /// The system call failed; `errorNumber` says why.
        case system
    }

    /// The kind.
    public let code: Code
    /// What was tried, such as "make the directory".
    public let operation: String
    /// The path it was tried on; empty when there is none.
    public let path: String
    /// The system's error number; 0 when the refusal is our own.
    public let errorNumber: Int32
    /// What to do about it; empty when there is nothing particular.
    public let advice: String

    /// Joins the parts.
    public init(
        code: Code = .system,
        operation: String,
        path: String = "",
        errorNumber: Int32 = 0,
        advice: String = ""
    ) {
        self.code = code
        self.operation = operation
        self.path = path
        self.errorNumber = errorNumber
        self.advice = advice
    }

    /// The error of the call that has just failed on this thread.
    static func last(_ operation: String, _ path: String = "", advice: String = "") -> PlatformError {
        let number = errno
        return PlatformError(
            operation: operation,
            path: path,
            errorNumber: number,
            advice: advice.isEmpty ? Self.advice(for: number) : advice
        )
    }

    private static func advice(for number: Int32) -> String {
        switch number {
        case EACCES, EPERM: "give this user the permission, or choose another directory"
        case EROFS: "the filesystem is read-only: choose another directory"
        case ENOSPC, EDQUOT: "free some space, or choose another filesystem"
        case ENOTDIR: "a part of the path is a file, not a directory"
        case EMFILE, ENFILE: "raise the limit of open files (ulimit -n)"
        default: ""
        }
    }

    /// One sentence for people.
    public var description: String {
        var words = "cannot \(operation)"
        if !path.isEmpty { words += " \(path)" }
        if errorNumber != 0 { words += ": \(Self.text(of: errorNumber))" }
        if !advice.isEmpty { words += errorNumber != 0 ? " (\(advice))" : ": \(advice)" }
        return words
    }

    /// The system's words for an error number.
    public static func text(of number: Int32) -> String {
        // Thread-safe in glibc since 2.32.
        guard let words = strerror(number) else { return "error \(number)" }
        return String(cString: words)
    }
}
