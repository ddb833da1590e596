import Archive
import Mutation

/// A filesystem in memory that behaves as badly as a real one may.
///
/// A write is visible at once and durable after a sync; names are durable after their directory is synced. A kill keeps
/// what is visible; a power cut keeps what is durable and, of the rest, what chance keeps: some writes, some torn, some
/// names. Belongs to one thread.
final class SimulatedDisk: Disk, @unchecked Sendable {
    // `@unchecked`: `Disk` is shared between threads in the real programs; a simulation has one.
    final class Inode {
        var visible: [UInt8] = []
        var durable: [UInt8] = []
        /// What was done since the last sync, in order.
        var unsynced: [Change] = []

        enum Change {
            case write(at: Int, bytes: [UInt8])
            case truncate(Int)
        }

        func copy() -> Inode {
            let other = Inode()
            (other.visible, other.durable, other.unsynced) = (visible, durable, unsynced)
            return other
        }
    }

    enum Naming {
        case put(String, Inode)
        case rename(String, String, Inode)
        case remove(String)
        case directory(String)
    }

    var names: [String: Inode] = [:]
    var directories: Set<String> = [""]
    private var durableNames: [String: Inode] = [:]
    private var durableDirectories: Set<String> = [""]
    /// What was done to names since their directory was synced, in order.
    private var unsyncedNames: [(parent: String, naming: Naming)] = []

    /// The process dies at the operation that brings this to zero.
    var operationsUntilCrash: Int?
    /// Whether the process that used the disk has died in the middle of an operation.
    private(set) var hasCrashed = false
    /// So many bytes more fit; nil when there is no end of them.
    var room_bytes: Int?
    /// No byte more fits.
    var isFull: Bool {
        get { (room_bytes ?? 1) <= 0 }
        set { room_bytes = newValue ? 0 : nil }
    }
    /// The next sync fails, and what was not synced stays visible and never becomes durable.
    var failsNextSync = false
    /// Operations so far.
    private(set) var operations = 0

    /// The process that uses it runs again.
    func revive() {
        hasCrashed = false
        operationsUntilCrash = nil
    }

    /// Counts an operation; throws when the process dies at it.
    func step(_ path: String) throws(ArchiveError) {
        operations += 1
        if let left = operationsUntilCrash {
            operationsUntilCrash = left - 1
            if left <= 0 { hasCrashed = true }
        }
        if hasCrashed { throw ArchiveError(code: .closed, operation: "go on after the crash at", path: path) }
    }

    // MARK: - Losing

    /// The power goes: chance decides about everything that was not synced.
    func cutPower(_ dice: inout Dice) {
        var stopped: Set<String> = []
        for (parent, naming) in unsyncedNames where !stopped.contains(parent) {
            // Names of one directory become durable in their order, as far as chance lets them.
            guard dice.chance(perMille: 500) else {
                stopped.insert(parent)
                continue
            }
            Self.apply(naming, &durableNames, &durableDirectories)
        }
        unsyncedNames = []
        names = durableNames.filter { durableDirectories.contains(Self.parent(of: $0.key)) }
        durableNames = names
        directories = durableDirectories
        for path in names.keys.sorted() {
            guard let inode = names[path] else { continue }
            var bytes = inode.durable
            for change in inode.unsynced where dice.chance(perMille: 500) {
                switch change {
                case .truncate(let size): Self.resize(&bytes, size)
                case .write(let at, let written):
                    let kept = dice.chance(perMille: 300) ? dice.roll(written.count) : written.count
                    Self.write(&bytes, at, written[..<kept])
                }
            }
            inode.durable = bytes
            inode.visible = bytes
            inode.unsynced = []
        }
    }

    /// A copy of all that is there, as a backup or a check takes it.
    func copy() -> SimulatedDisk {
        let other = SimulatedDisk()
        var seen: [ObjectIdentifier: Inode] = [:]
        func copied(_ inode: Inode) -> Inode {
            if let known = seen[ObjectIdentifier(inode)] { return known }
            let made = inode.copy()
            seen[ObjectIdentifier(inode)] = made
            return made
        }
        other.names = names.mapValues(copied)
        other.durableNames = durableNames.mapValues(copied)
        (other.directories, other.durableDirectories) = (directories, durableDirectories)
        other.unsyncedNames = unsyncedNames.map { entry in
            switch entry.naming {
            case .put(let path, let inode): (entry.parent, .put(path, copied(inode)))
            case .rename(let from, let to, let inode): (entry.parent, .rename(from, to, copied(inode)))
            case .remove, .directory: entry
            }
        }
        return other
    }

    /// Makes all that is visible durable, as a backup that was put back is.
    func settle() {
        for inode in names.values {
            inode.durable = inode.visible
            inode.unsynced = []
        }
        (durableNames, durableDirectories, unsyncedNames) = (names, directories, [])
    }

    /// Flips one bit of a file, on the disk as well.
    func flipBit(_ path: String, _ dice: inout Dice) {
        guard let inode = names[path], !inode.visible.isEmpty, inode.visible == inode.durable else { return }
        let (at, bit) = (dice.roll(inode.visible.count), UInt8(1) << UInt8(dice.roll(8)))
        inode.visible[at] ^= bit
        inode.durable = inode.visible
    }

    /// Every file with its size, for the trace.
    var listing: String {
        names.keys.sorted().map { "\($0.split(separator: "=").last ?? ""):\(names[$0]?.visible.count ?? 0)" }.joined(
            separator: " "
        )
    }

    // MARK: - Disk

    func open(_ path: String, _ mode: DiskMode) throws(ArchiveError) -> any DiskFile {
        try step(path)
        if let inode = names[path] {
            let file = File(path, inode, self)
            if mode == .replace { try file.truncate(to: 0) }
            return file
        }
        guard mode != .read, directories.contains(Self.parent(of: path)) else {
            throw ArchiveError(code: .system, operation: "open", path: path, errorNumber: 2)
        }
        if isFull { throw ArchiveError(code: .full, operation: "open", path: path, errorNumber: 28) }
        let inode = Inode()
        note(path, .put(path, inode))
        return File(path, inode, self)
    }

    func lock(_ path: String) throws(ArchiveError) -> any DiskFile { try open(path, .update) }

    func exists(_ path: String) -> Bool { names[path] != nil || directories.contains(path) }

    func list(_ path: String, _ kind: DiskEntry) throws(ArchiveError) -> [String] {
        try step(path)
        let prefix = path + "/"
        func name(_ entry: String) -> String? {
            guard entry.utf8.count > prefix.utf8.count, entry.hasPrefix(prefix) else { return nil }
            let rest = entry.utf8.dropFirst(prefix.utf8.count)
            return rest.contains(UInt8(ascii: "/")) ? nil : String(Substring(rest))
        }
        return (kind == .file ? names.keys.compactMap(name) : directories.compactMap(name)).sorted()
    }

    func makeDirectory(_ path: String) throws(ArchiveError) {
        try step(path)
        if isFull { throw ArchiveError(code: .full, operation: "make the directory", path: path, errorNumber: 28) }
        if !directories.contains(path) { note(path, .directory(path)) }
    }

    func syncDirectory(_ path: String) throws(ArchiveError) {
        try step(path)
        if isMutated(.skipDirectorySync) { return }
        var rest: [(parent: String, naming: Naming)] = []
        for entry in unsyncedNames {
            if entry.parent == path {
                Self.apply(entry.naming, &durableNames, &durableDirectories)
            } else {
                rest.append(entry)
            }
        }
        unsyncedNames = rest
    }

    func rename(_ from: String, to: String) throws(ArchiveError) {
        try step(to)
        guard let inode = names[from] else {
            throw ArchiveError(code: .system, operation: "rename to", path: to, errorNumber: 2)
        }
        note(to, .rename(from, to, inode))
    }

    func remove(_ path: String) { if names[path] != nil, !hasCrashed { note(path, .remove(path)) } }

    func sync(_ files: [any DiskFile]) -> Int32 { syncInTurn(files) }

    func pause() {}

    private func note(_ path: String, _ naming: Naming) {
        unsyncedNames.append((Self.parent(of: path), naming))
        Self.apply(naming, &names, &directories)
    }

    private static func apply(_ naming: Naming, _ names: inout [String: Inode], _ directories: inout Set<String>) {
        switch naming {
        case .put(let path, let inode): names[path] = inode
        case .rename(let from, let to, let inode): (names[from], names[to]) = (nil, inode)
        case .remove(let path): names[path] = nil
        case .directory(let path): directories.insert(path)
        }
    }

    static func parent(of path: String) -> String {
        path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? ""
    }

    fileprivate static func resize(_ bytes: inout [UInt8], _ size: Int) {
        if size < bytes.count {
            bytes.removeLast(bytes.count - size)
        } else {
            bytes.append(contentsOf: repeatElement(0, count: size - bytes.count))
        }
    }

    fileprivate static func write(_ bytes: inout [UInt8], _ at: Int, _ written: ArraySlice<UInt8>) {
        if bytes.count < at + written.count { resize(&bytes, at + written.count) }
        bytes.replaceSubrange(at..<at + written.count, with: written)
    }
}

extension SimulatedDisk {
    /// An open file. Its writes go on after its name is gone, as on a real disk.
    final class File: DiskFile {
        let path: String
        private let inode: Inode
        private let disk: SimulatedDisk

        init(_ path: String, _ inode: Inode, _ disk: SimulatedDisk) {
            self.path = path
            self.inode = inode
            self.disk = disk
        }

        func size() throws(ArchiveError) -> Int { inode.visible.count }

        func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ArchiveError) {
            var written = Array(bytes)
            let growth = max(0, offset + bytes.count - inode.visible.count)
            let isShort = growth > disk.room_bytes ?? .max
            if isShort { written.removeLast(written.count - max(0, min(written.count / 2, bytes.count))) }
            do throws(ArchiveError) { try disk.step(path) } catch {
                // Half of it may have got through.
                written.removeLast(written.count - written.count / 2)
                apply(written, at: offset)
                throw error
            }
            apply(written, at: offset)
            if !isShort { disk.room_bytes = disk.room_bytes.map { $0 - growth } }
            if isShort { throw ArchiveError(code: .full, operation: "write", path: path, errorNumber: 28) }
        }

        private func apply(_ written: [UInt8], at offset: Int) {
            guard !written.isEmpty else { return }
            SimulatedDisk.write(&inode.visible, offset, written[...])
            inode.unsynced.append(.write(at: offset, bytes: written))
        }

        func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(ArchiveError) -> Int {
            try disk.step(path)
            guard offset < inode.visible.count else { return 0 }
            let count = min(buffer.count, inode.visible.count - offset)
            inode.visible[offset..<offset + count].withUnsafeBytes { buffer.copyMemory(from: $0) }
            return count
        }

        func truncate(to size: Int) throws(ArchiveError) {
            try disk.step(path)
            guard size != inode.visible.count else { return }
            disk.room_bytes = disk.room_bytes.map { $0 + max(0, inode.visible.count - size) }
            SimulatedDisk.resize(&inode.visible, size)
            inode.unsynced.append(.truncate(size))
        }

        func sync() throws(ArchiveError) {
            try disk.step(path)
            if disk.failsNextSync {
                disk.failsNextSync = false
                // As Linux does: the pages count as clean, and no later sync writes them.
                inode.unsynced = []
                throw ArchiveError(code: .syncFailed, operation: "sync", path: path, errorNumber: 5)
            }
            // Only what was noted becomes durable: what a failed sync lost stays lost.
            for change in inode.unsynced {
                switch change {
                case .truncate(let size): SimulatedDisk.resize(&inode.durable, size)
                case .write(let at, let written): SimulatedDisk.write(&inode.durable, at, written[...])
                }
            }
            inode.unsynced = []
        }

        func reserve(from start: Int, count: Int) {}
    }
}
