import CLMDB
import CPlatform
import Glibc

/// An open LMDB environment and its named databases. Every commit is synced; reads may come from any thread.
final class Environment: @unchecked Sendable {
    /// The named databases.
    struct Databases {
        /// Identity, state and epochs.
        var meta: MDB_dbi = 0
        /// First sequence, big endian → the batch as it goes over the wire.
        var batches: MDB_dbi = 0
        /// Gateway → its lowest number that is not stale.
        var gateways: MDB_dbi = 0
        /// Length, gateway, request number big endian → the answer.
        var answers: MDB_dbi = 0
        /// Source of input → how far it is read.
        var inputs: MDB_dbi = 0
        /// Number, big endian → time and record.
        var rejects: MDB_dbi = 0
    }

    let path: String
    let capBytes: Int
    private(set) var databases = Databases()
    private let pointer: OpaquePointer

    /// Opens the environment in a directory that exists.
    init(path: String, mapBytes: Int, capBytes: Int) throws(OutboxError) {
        self.path = path
        self.capBytes = capBytes
        var made: OpaquePointer?
        let code = mdb_env_create(&made)
        guard code == 0, let made else { throw .code(code, "open", path, capBytes: capBytes) }
        pointer = made
        var failed = mdb_env_set_mapsize(made, mapBytes)
        if failed == 0 { failed = mdb_env_set_maxdbs(made, 8) }
        // LMDB writes the table of readers through a map: without room behind it, that ends the process (SIGBUS).
        if failed == 0 { failed = Self.reserveReaders(path) }
        // No MDB_WRITEMAP: a stray write could reach the map. No MDB_NOSYNC, no MDB_NOMETASYNC: a commit is durable.
        if failed == 0 { failed = mdb_env_open(made, path, UInt32(MDB_NOTLS), 0o600) }
        // Readers that died with their process would keep pages from being used again.
        var stale: Int32 = 0
        if failed == 0 { failed = mdb_reader_check(made, &stale) }
        // From here on `deinit` closes the environment.
        guard failed == 0 else { throw .code(failed, "open", path, capBytes: capBytes) }
        databases = try write { transaction throws(OutboxError) in
            var databases = Databases()
            databases.meta = try transaction.open("meta")
            databases.batches = try transaction.open("batches")
            databases.gateways = try transaction.open("gateways")
            databases.answers = try transaction.open("answers")
            databases.inputs = try transaction.open("inputs")
            databases.rejects = try transaction.open("rejects")
            return databases
        }
    }

    /// Opens an environment that is there, for reading only, beside whoever writes it; makes nothing and changes nothing
    /// but slots of readers. Databases that are not there yet keep the number 0 and must not be read.
    init(inspecting path: String) throws(OutboxError) {
        self.path = path
        capBytes = 0
        var made: OpaquePointer?
        let code = mdb_env_create(&made)
        guard code == 0, let made else { throw .code(code, "open", path, capBytes: 0) }
        pointer = made
        var flags = UInt32(MDB_NOTLS) | UInt32(MDB_RDONLY)
        // Without a lock file nobody writes, and LMDB would make one.
        if access(path + "/lock.mdb", F_OK) != 0 { flags |= UInt32(MDB_NOLOCK) }
        var failed = mdb_env_set_maxdbs(made, 8)
        if failed == 0 { failed = mdb_env_open(made, path, flags, 0o600) }
        // A reader that was killed as it looked would keep the producer from using pages again.
        var stale: Int32 = 0
        if failed == 0, flags & UInt32(MDB_NOLOCK) == 0 { failed = mdb_reader_check(made, &stale) }
        guard failed == 0 else { throw .code(failed, "open", path, capBytes: 0) }
        var transaction: OpaquePointer?
        failed = mdb_txn_begin(made, nil, UInt32(MDB_RDONLY), &transaction)
        guard failed == 0, let transaction else { throw .code(failed, "read", path, capBytes: 0) }
        var found = Databases()
        for (name, field) in [
            ("meta", \Databases.meta), ("batches", \Databases.batches), ("rejects", \Databases.rejects),
        ] {
            let code = mdb_dbi_open(transaction, name, 0, &found[keyPath: field])
            if code != 0, code != MDB_NOTFOUND { failed = code }
        }
        // Only a committed transaction leaves its databases open.
        let committed = mdb_txn_commit(transaction)
        guard failed == 0, committed == 0 else {
            throw .code(failed != 0 ? failed : committed, "read", path, capBytes: 0)
        }
        databases = found
    }

    deinit { mdb_env_close(pointer) }

    /// Asks the filesystem for the blocks of the lock file; 0 or the `errno`. Must not be called while the environment
    /// is open in this process: closing the file gives up the process's locks on it.
    private static func reserveReaders(_ path: String) -> Int32 {
        let descriptor = enlace_open(path + "/lock.mdb", O_RDWR | O_CREAT, 0o600)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        // 126 readers of 64 bytes and two pages of their own are less than this.
        guard enlace_reserve(descriptor, 0, 16_384) != 0 else { return 0 }
        return errno == EOPNOTSUPP || errno == ENOSYS ? 0 : errno
    }

    /// Runs `body` in a read transaction that ends with it.
    func read<Result>(
        _ body: (Transaction) throws(OutboxError) -> Result
    ) throws(OutboxError) -> Result {
        let transaction = try begin(UInt32(MDB_RDONLY))
        defer { mdb_txn_abort(transaction.pointer) }
        return try body(transaction)
    }

    /// Runs `body` in a write transaction and commits it durably; an error from the body undoes it.
    func write<Result>(
        _ body: (Transaction) throws(OutboxError) -> Result
    ) throws(OutboxError) -> Result {
        let transaction = try begin(0)
        let result: Result
        do throws(OutboxError) {
            result = try body(transaction)
        } catch {
            mdb_txn_abort(transaction.pointer)
            throw error
        }
        let code = mdb_txn_commit(transaction.pointer)
        guard code == 0 else { throw .code(code, "commit to", path, capBytes: capBytes) }
        return result
    }

    private func begin(_ flags: UInt32) throws(OutboxError) -> Transaction {
        var made: OpaquePointer?
        let code = mdb_txn_begin(pointer, nil, flags, &made)
        guard code == 0, let made else { throw .code(code, "begin a transaction of", path, capBytes: capBytes) }
        return Transaction(pointer: made, path: path, capBytes: capBytes)
    }
}

/// A transaction, lent to a closure and ended by whoever lent it: it must not outlive the closure.
struct Transaction {
    fileprivate let pointer: OpaquePointer
    fileprivate let path: String
    fileprivate let capBytes: Int

    /// Opens a named database and makes it when it is missing.
    fileprivate func open(_ name: String) throws(OutboxError) -> MDB_dbi {
        var database: MDB_dbi = 0
        try check(mdb_dbi_open(pointer, name, UInt32(MDB_CREATE), &database), "open \(name) of")
        return database
    }

    /// The value of a key, valid until the next change.
    func get(_ database: MDB_dbi, _ key: [UInt8]) throws(OutboxError) -> UnsafeRawBufferPointer? {
        var value = MDB_val()
        let code = withValue(of: key) { mdb_get(pointer, database, &$0, &value) }
        if code == MDB_NOTFOUND { return nil }
        try check(code, "read")
        return UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size)
    }

    /// Stores a value, over an older one.
    func put(_ database: MDB_dbi, _ key: [UInt8], _ bytes: UnsafeRawBufferPointer) throws(OutboxError) {
        var value = MDB_val(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
        try check(withValue(of: key) { mdb_put(pointer, database, &$0, &value, 0) }, "write to")
    }

    /// Stores a value of an array.
    func put(_ database: MDB_dbi, _ key: [UInt8], _ bytes: [UInt8]) throws(OutboxError) {
        let code = bytes.withUnsafeBytes { raw in
            var value = MDB_val(mv_size: raw.count, mv_data: UnsafeMutableRawPointer(mutating: raw.baseAddress))
            return withValue(of: key) { mdb_put(pointer, database, &$0, &value, 0) }
        }
        try check(code, "write to")
    }

    /// Makes room for a value under a key behind all others and returns it to be filled before the next change.
    func reserveLast(
        _ database: MDB_dbi,
        _ key: [UInt8],
        count: Int
    ) throws(OutboxError) -> UnsafeMutableRawBufferPointer {
        var value = MDB_val(mv_size: count, mv_data: nil)
        let flags = UInt32(MDB_RESERVE) | UInt32(MDB_APPEND)
        let code = withValue(of: key) { mdb_put(pointer, database, &$0, &value, flags) }
        if code == MDB_KEYEXIST { throw .damaged(path: path, what: "a sequence is in use already") }
        try check(code, "write to")
        return UnsafeMutableRawBufferPointer(start: value.mv_data, count: count)
    }

    /// Removes a key; false when it is not there.
    @discardableResult
    func delete(_ database: MDB_dbi, _ key: [UInt8]) throws(OutboxError) -> Bool {
        let code = withValue(of: key) { mdb_del(pointer, database, &$0, nil) }
        if code == MDB_NOTFOUND { return false }
        try check(code, "remove from")
        return true
    }

    /// Lends a cursor.
    func withCursor<Result>(
        _ database: MDB_dbi,
        _ body: (Cursor) throws(OutboxError) -> Result
    ) throws(OutboxError) -> Result {
        var made: OpaquePointer?
        let code = mdb_cursor_open(pointer, database, &made)
        guard code == 0, let made else { throw .code(code, "read", path, capBytes: capBytes) }
        defer { mdb_cursor_close(made) }
        var facts = MDB_stat()
        mdb_stat(pointer, database, &facts)
        return try body(Cursor(pointer: made, pageBytes: Int(facts.ms_psize), path: path, capBytes: capBytes))
    }

    private func withValue(of key: [UInt8], _ body: (inout MDB_val) -> Int32) -> Int32 {
        key.withUnsafeBytes { raw in
            var value = MDB_val(mv_size: raw.count, mv_data: UnsafeMutableRawPointer(mutating: raw.baseAddress))
            return body(&value)
        }
    }

    private func check(_ code: Int32, _ operation: String) throws(OutboxError) {
        guard code == 0 else { throw .code(code, operation, path, capBytes: capBytes) }
    }
}

/// A place in a database, lent to a closure.
struct Cursor {
    /// A key and its value, valid until the next change.
    typealias Entry = (key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)

    fileprivate let pointer: OpaquePointer
    fileprivate let pageBytes: Int
    fileprivate let path: String
    fileprivate let capBytes: Int

    /// Moves and returns what is there.
    func move(_ operation: MDB_cursor_op) throws(OutboxError) -> Entry? { try seek([], operation) }

    /// Moves to the first key that is not before `key`.
    func seek(_ key: [UInt8]) throws(OutboxError) -> Entry? { try seek(key, MDB_SET_RANGE) }

    /// Removes `entry`, which it is at.
    func delete(_ entry: Entry) throws(OutboxError) {
        // A long value lies behind a header of its own, whose count of pages LMDB believes when it gives them back. What
        // is long is told by LMDB's own rule: two entries must fit on a page.
        if 8 + entry.key.count + entry.value.count > ((pageBytes - 16) / 2 & ~1) - 2, let base = entry.value.baseAddress
        {
            let pages = base.loadUnaligned(fromByteOffset: -4, as: UInt32.self)
            // 4 is a long value, 16 one that this transaction wrote.
            let flags = base.loadUnaligned(fromByteOffset: -6, as: UInt16.self) & ~0x10
            guard flags == 0x04, pages == (15 + entry.value.count) / pageBytes + 1 else {
                throw .damaged(path: path, what: "data.mdb: the pages of a batch are not what was written")
            }
        }
        let code = mdb_cursor_del(pointer, 0)
        guard code == 0 else { throw .code(code, "remove from", path, capBytes: capBytes) }
    }

    private func seek(_ key: [UInt8], _ operation: MDB_cursor_op) throws(OutboxError) -> Entry? {
        var found = MDB_val()
        var value = MDB_val()
        let code = key.withUnsafeBytes { raw in
            found = MDB_val(mv_size: raw.count, mv_data: UnsafeMutableRawPointer(mutating: raw.baseAddress))
            return mdb_cursor_get(pointer, &found, &value, operation)
        }
        if code == MDB_NOTFOUND { return nil }
        guard code == 0 else { throw .code(code, "read", path, capBytes: capBytes) }
        return (
            UnsafeRawBufferPointer(start: found.mv_data, count: found.mv_size),
            UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size)
        )
    }
}

/// A number as a key that sorts as the number does.
func orderedKey(_ number: UInt64) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { [UInt8]($0) } }

/// The number at the end of a key.
func orderedNumber(_ key: UnsafeRawBufferPointer) -> UInt64? {
    guard key.count >= 8 else { return nil }
    return UInt64(bigEndian: key.loadUnaligned(fromByteOffset: key.count - 8, as: UInt64.self))
}
