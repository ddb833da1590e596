import Glibc
import Wire

/// How a file is opened.
public enum DiskMode: Sendable {
    /// It must be there.
    case read
    /// It is made when it is not there.
    case update
    /// It is made, or emptied.
    case replace
}

/// What a name in a directory stands for. Other kinds (sockets, devices) are nobody's.
public enum DiskEntry: Sendable {
    /// An ordinary file.
    case file
    /// A directory.
    case directory
}

/// An open file, closed when nobody refers to it any more.
public protocol DiskFile: AnyObject {
    /// What it was opened as; for messages.
    var path: String { get }
    /// Its size in bytes.
    func size() throws(ArchiveError) -> Int
    /// Writes all bytes at a place; what it wrote before an error stays.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ArchiveError)
    /// Reads up to `buffer.count` bytes; less only at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(ArchiveError) -> Int
    /// Cuts it off, or lengthens it with zeros.
    func truncate(to size: Int) throws(ArchiveError)
    /// Puts its bytes and its size on the disk.
    func sync() throws(ArchiveError)
    /// Asks for room behind `start` without changing the size. A disk that cannot is no error.
    func reserve(from start: Int, count: Int)
    /// Whether its path still leads to it: what is written to a file that was replaced or removed is lost when it is closed.
    var isInPlace: Bool { get }
}

extension DiskFile {
    /// Where nobody else changes names.
    public var isInPlace: Bool { true }
}

/// The few things that the archive asks of a filesystem. The shipped one is `SystemDisk`; a simulation brings one
/// that forgets what was not synced, tears writes, and fails when it is told to.
public protocol Disk: Sendable {
    /// Opens a file.
    func open(_ path: String, _ mode: DiskMode) throws(ArchiveError) -> any DiskFile
    /// Opens a file and takes it for this process; throws `.taken` when another one has it.
    func lock(_ path: String) throws(ArchiveError) -> any DiskFile
    /// Whether there is a file or a directory.
    func exists(_ path: String) -> Bool
    /// The names of files, or of directories, in a directory, sorted; none when it is not there.
    func list(_ path: String, _ kind: DiskEntry) throws(ArchiveError) -> [String]
    /// Makes one directory; one that is there is no error.
    func makeDirectory(_ path: String) throws(ArchiveError)
    /// Makes the names in a directory durable.
    func syncDirectory(_ path: String) throws(ArchiveError)
    /// Gives a file another name, over one that is there. Durable once the directory is synced.
    func rename(_ from: String, to: String) throws(ArchiveError)
    /// Takes a file's name away; one that is not there is no error.
    func remove(_ path: String)
    /// Puts the bytes of several files on the disk side by side; 0, or the `errno` of one that failed.
    func sync(_ files: [any DiskFile]) -> Int32
    /// Lets other threads go on, before something that another process is writing is read again.
    func pause()
}

extension Disk {
    /// `sync` for a disk without threads of its own: one file after the other, until one fails.
    package func syncInTurn(_ files: [any DiskFile]) -> Int32 {
        for file in files {
            do throws(ArchiveError) { try file.sync() } catch {
                return error.errorNumber == 0 ? EIO : error.errorNumber
            }
        }
        return 0
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Makes a directory and those above it, each durable in its parent.
    func makeDirectories(_ path: String) throws(ArchiveError) {
        guard !path.isEmpty, !exists(path) else { return }
        let parent = Self.parent(of: path)
        if parent != path { try makeDirectories(parent) }
        try makeDirectory(path)
        try syncDirectory(parent)
    }

    /// Gives a finished and synced file its name, durably.
    func publish(_ temporary: String, as path: String) throws(ArchiveError) {
        try rename(temporary, to: path)
        try syncDirectory(Self.parent(of: path))
    }

    /// Replaces a small file as a whole, durably. The temporary name begins with a dot and never ends in `.jsonl`.
    func write(_ bytes: [UInt8], to path: String) throws(ArchiveError) {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let stem = name.split(separator: ".").first.map(String.init) ?? name
        let suffix = name.split(separator: ".").last.map(String.init) ?? ""
        let temporary = Self.parent(of: path) + "/.\(stem)-\(suffix).tmp"
        do throws(ArchiveError) {
            let file = try open(temporary, .replace)
            try bytes.withUnsafeBytes { raw in
                Result { () throws(ArchiveError) in try file.write(raw, at: 0) }
            }.get()
            try file.sync()
        } catch {
            remove(temporary)
            throw error
        }
        try publish(temporary, as: path)
    }

    /// A file's bytes; nothing when it is not there.
    func read(_ path: String) throws(ArchiveError) -> [UInt8]? {
        guard exists(path) else { return nil }
        let file = try open(path, .read)
        let size = try file.size()
        // Room for nothing is storage that all threads share, and its count would be written.
        guard size > 0 else { return [] }
        var failure: ArchiveError?
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            do throws(ArchiveError) {
                count = try file.read(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
            } catch { failure = error }
        }
        if let failure { throw failure }
        return bytes
    }
}
