import CZeroMQ
import Glibc

/// What libzmq or the system refused: the operation, the endpoint and the reason, in words for people.
public struct ZeroMQError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of refusal it is. Kinds can be added without breaking a switch.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String {
            case endpointTaken, pathTooLong, badEndpoint, noPermission, noSuchDirectory, tooManySockets
            case terminated, afterFork, notSupported, outOfMemory, system
        }
        private let kind: Kind

        /// A running process holds the endpoint.
        public static let endpointTaken = Code(kind: .endpointTaken)
        /// The path of an ipc endpoint is longer than the system allows.
        public static let pathTooLong = Code(kind: .pathTooLong)
        /// The text is not an endpoint, or names an interface that is not there.
        public static let badEndpoint = Code(kind: .badEndpoint)
        /// The user may not make or open it.
        public static let noPermission = Code(kind: .noPermission)
        /// The directory of an ipc endpoint is not there.
        public static let noSuchDirectory = Code(kind: .noSuchDirectory)
        /// The process has no descriptor or no socket left.
        public static let tooManySockets = Code(kind: .tooManySockets)
        /// The context is being terminated: the stage is to stop.
        public static let terminated = Code(kind: .terminated)
        /// A context or socket of the parent process was used in a forked child.
        public static let afterFork = Code(kind: .afterFork)
        /// The socket's kind has no such operation or option.
        public static let notSupported = Code(kind: .notSupported)
        /// Memory is out.
        public static let outOfMemory = Code(kind: .outOfMemory)
        /// Anything else; the error number says what.
        public static let system = Code(kind: .system)

        /// The name of the kind.
        public var description: String { kind.rawValue }
    }

    /// The kind.
    public let code: Code
    /// The error number of libzmq or the system; 0 when the refusal is our own.
    public let errorNumber: Int32
    /// What was tried, such as "bind".
    public let operation: String
    /// The endpoint it was tried on; empty when there is none.
    public let endpoint: String
    private let detail: String

    init(_ code: Code, errorNumber: Int32 = 0, operation: String, endpoint: String = "", detail: String = "") {
        self.code = code
        self.errorNumber = errorNumber
        self.operation = operation
        self.endpoint = endpoint
        self.detail = detail
    }

    /// The error of the call that has just failed on this thread.
    static func last(_ operation: String, endpoint: String = "") -> ZeroMQError {
        let number = zmq_errno()
        return ZeroMQError(
            code(for: number),
            errorNumber: number,
            operation: operation,
            endpoint: endpoint
        )
    }

    /// Whether the same call can succeed later without anybody changing anything but time.
    public var isRetriable: Bool {
        switch code {
        case .endpointTaken, .tooManySockets, .outOfMemory: true
        default: errorNumber == EINTR || errorNumber == EAGAIN
        }
    }

    private static func code(for number: Int32) -> Code {
        switch number {
        case EADDRINUSE: .endpointTaken
        case ENAMETOOLONG: .pathTooLong
        case EINVAL, EPROTONOSUPPORT, ENOCOMPATPROTO, EADDRNOTAVAIL, ENODEV: .badEndpoint
        case EACCES, EPERM, EROFS: .noPermission
        case ENOENT, ENOTDIR: .noSuchDirectory
        case EMFILE, ENFILE: .tooManySockets
        case enlaceETERM: .terminated
        case ENOTSUP, EFSM: .notSupported
        case ENOMEM: .outOfMemory
        default: .system
        }
    }

    private var reason: String {
        switch code {
        case .endpointTaken: "the endpoint is taken by a running process; stop it, or choose another endpoint"
        case .badEndpoint where errorNumber == EADDRNOTAVAIL || errorNumber == ENODEV:
            "no such address or interface on this machine"
        case .badEndpoint: "not an endpoint; write ipc:///directory/name or tcp://host:port"
        case .noPermission: "no permission; give this user the directory, or choose another"
        case .noSuchDirectory: "the directory is not there; make it, or choose another"
        case .tooManySockets: "no descriptor left; raise the limit of open files (ulimit -n)"
        case .terminated: "the process is stopping"
        default: String(cString: zmq_strerror(errorNumber))
        }
    }

    /// One sentence for people.
    public var description: String {
        let target = endpoint.isEmpty ? "" : " \(endpoint)"
        return "cannot \(operation)\(target): \(detail.isEmpty ? reason : detail)"
    }
}

/// libzmq's own error numbers are sums of macros, which Swift does not import.
private let firstOwnNumber: Int32 = 156_384_712
/// The state of the socket forbids the operation.
let EFSM: Int32 = firstOwnNumber + 51
/// The transport does not fit the socket.
let ENOCOMPATPROTO: Int32 = firstOwnNumber + 52
/// The context is terminated.
let enlaceETERM: Int32 = firstOwnNumber + 53
