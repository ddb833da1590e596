import Bytes
import CLMDB
import Glibc
import Wire

/// What an outbox belonged to before it was given to another archive.
public struct OutboxAdoption: Hashable, Sendable {
    /// What the archive before had committed; its archive is `.zero` when the outbox belonged to none yet.
    public var before: OutboxCommitted
    /// The oldest sequence that the outbox still has, or the next one when it has none: the sink records what lies
    /// before it as a gap.
    public var oldest: UInt64
}

extension Outbox {
    /// Gives the outbox to another archive, in one durable commit; nil when it belongs to it, or to none yet.
    ///
    /// What it holds goes to that archive from now on. What the archive before had committed stays committed, so that the
    /// sink finds it missing and records the gap. Its producer must not run. Blocks on the disk.
    public static func adopt(
        archive: Identifier128,
        directory: String,
        crc: CRC32C
    ) throws(OutboxError) -> OutboxAdoption? {
        let lock = try OutboxLock(directory)
        defer { withExtendedLifetime(lock) {} }
        try EnvironmentCheck.run(directory)
        // 0: as large as it is.
        let environment = try Environment(path: directory, mapBytes: 0, capBytes: 0)
        return try environment.write { transaction throws(OutboxError) in
            let meta = environment.databases.meta
            guard let stored = try transaction.get(meta, Keys.state), var state = OutboxState(stored, crc: crc) else {
                throw .damaged(path: directory, what: "its state cannot be read")
            }
            let before = state.committed
            guard before.archive != .zero, before.archive != archive else { return nil }
            state.committed.archive = archive
            try transaction.put(meta, Keys.state, state.encoded(crc: crc))
            return OutboxAdoption(before: before, oldest: state.oldest)
        }
    }
}
