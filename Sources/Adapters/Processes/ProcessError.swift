import Glibc

/// What stood in the way of starting a process.
public struct ProcessError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was tried, such as "start".
    public let operation: String
    /// The program it was tried with.
    public let program: String
    /// The system's error number.
    public let errorNumber: Int32

    init(operation: String, program: String, errorNumber: Int32) {
        self.operation = operation
        self.program = program
        self.errorNumber = errorNumber
    }

    /// Whether trying again soon cannot help: the program is missing, or cannot be run by this user or system.
    public var isPermanent: Bool {
        switch errorNumber {
        case ENOENT, EACCES, EPERM, ENOEXEC, ENOTDIR, ELOOP, EINVAL, E2BIG, ENAMETOOLONG, ENOSYS: true
        default: false
        }
    }

    /// One sentence for people.
    public var description: String {
        let reason = strerror(errorNumber).map { String(cString: $0) } ?? "error \(errorNumber)"
        return "cannot \(operation) \(program): \(reason)\(advice)"
    }

    private var advice: String {
        switch errorNumber {
        case ENOENT: " (is it installed there? scripts need their interpreter as well)"
        case EACCES: " (it must be executable for this user)"
        case EMFILE, ENFILE: " (raise the limit of open files: ulimit -n)"
        case EAGAIN, ENOMEM: " (too many processes, or too little memory)"
        case ENOSYS: " (Linux 5.3 or later is needed)"
        default: ""
        }
    }
}
