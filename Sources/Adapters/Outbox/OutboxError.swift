import CLMDB
import Glibc

/// Why the outbox did not do what it was asked to.
public enum OutboxError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The outbox holds as much as it may; it goes on when the sink has archived some of it.
    case full(capBytes: Int)
    /// The filesystem is full, or as full as the reserve allows.
    case noSpace(path: String, availableBytes: Int)
    /// As many gateways are remembered as may be.
    case tooManyGateways(limit: Int)
    /// What is on the disk is not what was written.
    case damaged(path: String, what: String)
    /// Another process has the outbox open.
    case taken(path: String)
    /// The outbox belongs to another station or another producer of the station.
    case otherStation(path: String, found: String, wanted: String)
    /// The directory lies where an outbox cannot be safe.
    case unsupported(path: String, what: String)
    /// The caller asked for something that cannot be stored.
    case invalid(String)
    /// The operating system refused; the outbox must not be written again by this process.
    case system(operation: String, path: String, errorNumber: Int32)

    /// Whether to refuse the event and go on. Every other error means: stop, and say so.
    public var isTemporary: Bool {
        switch self {
        case .full, .noSpace, .tooManyGateways: true
        default: false
        }
    }

    /// In words, with what to do about it.
    public var description: String {
        switch self {
        case .full(let cap):
            "the outbox is full: it holds its \(cap / 1_048_576) MiB of events that are not archived yet; "
                + "start the sink, or raise the outbox's cap"
        case .noSpace(let path, let available):
            "the disk that holds \(path) is too full (\(available / 1_048_576) MiB available): free some space"
        case .tooManyGateways(let limit):
            "\(limit) gateways are remembered already: forget those that are gone"
        case .damaged(let path, let what):
            "the outbox \(path) is damaged: \(what); keep a copy of the directory, then give the producer a new one"
        case .taken(let path):
            "another running producer has the outbox \(path): stop it first, or give this one another name"
        case .otherStation(let path, let found, let wanted):
            "the outbox \(path) belongs to \(found), not to \(wanted): use another state directory"
        case .unsupported(let path, let what):
            "the outbox cannot be in \(path), which is on \(what): use a directory on a local disk"
        case .invalid(let what): what
        case .system(let operation, let path, let number):
            "cannot \(operation) \(path): \(String(cString: strerror(number)))"
        }
    }

    /// The present `errno` as an error; a full disk is recognised.
    static func last(_ operation: String, _ path: String) -> OutboxError {
        let number = errno
        if number == ENOSPC || number == EDQUOT {
            return .noSpace(path: path, availableBytes: Space(at: path)?.available ?? 0)
        }
        return .system(operation: operation, path: path, errorNumber: number)
    }

    /// What a return code of LMDB means. A full disk comes as EIO after a short write: statvfs decides.
    static func code(_ code: Int32, _ operation: String, _ path: String, capBytes: Int) -> OutboxError {
        switch code {
        case MDB_MAP_FULL, MDB_TXN_FULL: return .full(capBytes: capBytes)
        case MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID, MDB_VERSION_MISMATCH, MDB_INCOMPATIBLE, MDB_NOTFOUND,
            MDB_CURSOR_FULL:
            return .damaged(path: path, what: String(cString: mdb_strerror(code)))
        case MDB_BAD_VALSIZE: return .invalid("a key or value of \(path) has a length that cannot be stored")
        case MDB_PANIC, MDB_BAD_TXN: return .system(operation: operation, path: path, errorNumber: EIO)
        case EIO, ENOSPC, EDQUOT:
            let space = Space(at: path)
            if code != EIO || space?.isExhausted == true {
                return .noSpace(path: path, availableBytes: space?.available ?? 0)
            }
            return .system(operation: operation, path: path, errorNumber: code)
        default:
            return .system(operation: operation, path: path, errorNumber: code > 0 ? code : EINVAL)
        }
    }
}

/// What statvfs says about the filesystem of a path.
struct Space {
    /// The filesystem's size in bytes.
    let total: Int
    /// The bytes that an ordinary user may still write.
    let available: Int

    /// Asks; nil when it cannot be known.
    init?(at path: String) {
        var answer = statvfs()
        guard statvfs(path, &answer) == 0 else { return nil }
        let block = UInt64(answer.f_frsize)
        total = Int(clamping: UInt64(answer.f_blocks).multipliedReportingOverflow(by: block).partialValue)
        available = Int(clamping: UInt64(answer.f_bavail).multipliedReportingOverflow(by: block).partialValue)
    }

    /// Whether so little is left that a short write is explained by it.
    var isExhausted: Bool { available < min(64 * 1_048_576, total / 20) }
}
