import Foundation
import Glibc
import Platform
import Testing

@Suite("Files and locks")
struct FilesTests {
    let directory = TemporaryDirectory()

    @Test func `directories are made with those above them and stay as they are the second time`() throws {
        let path = directory.path + "/estación/días/x"
        try Files.makeDirectories(path, mode: 0o750)
        try Files.makeDirectories(path)
        #expect(Files.isDirectory(path))
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o750)
    }

    @Test func `a file in the way of a directory is named`() throws {
        try Files.writeAtomically(directory.path + "/f", [1])
        let error = #expect(throws: PlatformError.self) {
            try Files.makeDirectories(directory.path + "/f/below")
        }
        #expect(error?.description.contains("/f") == true)
        #expect(throws: PlatformError.self) { try Files.makeDirectories(directory.path + "/f") }
    }

    @Test func `what is written atomically is read back, and no temporary file stays`() throws {
        let path = directory.path + "/datos.json"
        try Files.writeAtomically(path, Array("viejo".utf8))
        let large = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
        try Files.writeAtomically(path, large)
        #expect(try Files.read(path) == large)
        #expect(try Files.read(path, limit: 5) == [0, 1, 2, 3, 4])
        #expect(try Files.list(directory.path) == ["datos.json"])
    }

    @Test func `files of the kernel, which have no size, are read`() throws {
        #expect(try !Files.read("/proc/self/status").isEmpty)
    }

    @Test func `a missing file says which one`() {
        let error = #expect(throws: PlatformError.self) { try Files.read(directory.path + "/none") }
        #expect(error?.errorNumber == ENOENT)
        #expect(error?.description.contains("/none: No such file or directory") == true)
    }

    @Test func `removing what is not there is no error`() throws {
        try Files.remove(directory.path + "/none")
    }

    @Test func `the directory above a path`() {
        #expect(Files.parent(of: "/a/b") == "/a")
        #expect(Files.parent(of: "/a") == "/")
        #expect(Files.parent(of: "a") == ".")
    }

    @Test func `a lock that is held is refused with its path and its holder, and free again afterwards`() throws {
        let path = directory.path + "/outbox.lock"
        do {
            let held = try FileLock(path: path, purpose: "the outbox of nogales.main")
            let error = #expect(throws: PlatformError.self) {
                _ = try FileLock(path: path, purpose: "the outbox of nogales.main")
            }
            #expect(error?.code == .taken)
            let words = error?.description ?? ""
            #expect(words.contains(path))
            #expect(words.contains("process \(getpid())"))
            #expect(words.contains("the outbox of nogales.main"))
            #expect(held.path == path)
        }
        _ = try FileLock(path: path, purpose: "the outbox of nogales.main")
    }

    @Test func `a lock is free again although a child that was just forked has a copy of it`() throws {
        let path = directory.path + "/lock"
        var copy: Int32 = -1
        do {
            let held = try FileLock(path: path, purpose: "the archive")
            // What a child has until it runs its own program: the same open file under another number.
            let names = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
            let number = names.compactMap { Int32($0) }.first { number in
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")) == held.path
            }
            copy = dup(try #require(number))
        }
        #expect(copy >= 0)
        defer { close(copy) }
        _ = try FileLock(path: path, purpose: "the archive")
    }

    @Test func `a lock in a directory that is not there fails by its reason, not as taken`() {
        let error = #expect(throws: PlatformError.self) {
            _ = try FileLock(path: directory.path + "/none/lock", purpose: "the archive")
        }
        #expect(error?.code == .system)
        #expect(error?.errorNumber == ENOENT)
    }

    @Test func `the room of a filesystem and the memory of the process are known`() throws {
        let space = try SystemUse.space(at: directory.path)
        #expect(space.total_bytes > 0)
        #expect(space.free_bytes <= space.total_bytes)
        #expect(!space.isBelow(percent: 0))
        #expect(space.isBelow(percent: 101))
        #expect(SystemUse.residentBytes() > 100_000)
        #expect(SystemUse.residentBytes(ofProcess: "0") == 0)
        #expect(SystemUse.processorSeconds() > 0)
    }
}
