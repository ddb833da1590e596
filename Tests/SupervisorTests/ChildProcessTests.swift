import Glibc
import Processes
import Testing

/// What a child does, seen from here; every wait has a bound.
@Suite("Child processes")
struct ChildProcessTests {
    static let bound_ms: Int32 = 20_000

    static func shell(_ script: String, _ arguments: [String] = []) throws -> ChildProcess {
        try ChildProcess(program: "/bin/sh", arguments: ["-c", script, "sh"] + arguments)
    }

    static func isReadable(_ descriptor: Int32, within milliseconds: Int32 = bound_ms) -> Bool {
        var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&item, 1, milliseconds) > 0
    }

    /// All that comes until the end of the output; nil when the end does not come in time.
    static func wholeOutput(of child: borrowing ChildProcess) -> [UInt8]? {
        var bytes: [UInt8] = []
        while isReadable(child.outputDescriptor) {
            if !child.readOutput(into: &bytes) { return bytes }
        }
        return nil
    }

    /// The first line that comes; nil when it does not come in time.
    static func firstLine(of child: borrowing ChildProcess) -> String? {
        var bytes: [UInt8] = []
        while isReadable(child.outputDescriptor) {
            guard child.readOutput(into: &bytes) else { return nil }
            if let end = bytes.firstIndex(of: 10) { return String(decoding: bytes[..<end], as: UTF8.self) }
        }
        return nil
    }

    static func end(of child: inout ChildProcess) -> ProcessEnd? {
        guard isReadable(child.endDescriptor) else { return nil }
        return child.reap()
    }

    @Test(arguments: [0, 1, 64, 75, 255] as [Int32])
    func `an exit code comes back as it was`(code: Int32) throws {
        var child = try Self.shell("exit \(code)")
        #expect(Self.end(of: &child) == .code(code))
    }

    @Test(arguments: [SIGKILL, SIGTERM, SIGSEGV])
    func `a death by signal says which`(signal: Int32) throws {
        var child = try Self.shell("ulimit -c 0; kill -\(signal) $$; read line")
        #expect(Self.end(of: &child) == .signal(signal))
    }

    @Test func `a child that runs is not reaped, and one that is reaped is so once`() throws {
        var child = try Self.shell("echo up; read line")
        #expect(Self.firstLine(of: child) == "up")
        #expect(child.reap() == nil)
        #expect(!Self.isReadable(child.endDescriptor, within: 0))
        child.killGroup()
        #expect(Self.end(of: &child) == .signal(SIGKILL))
        #expect(child.reap() == nil)
        child.terminate()
        child.killGroup()
    }

    @Test func `output and errors come through one pipe, byte for byte, to their end`() throws {
        var child = try Self.shell("printf 'a\\000\\377'; printf 'b\\n' >&2; printf c")
        #expect(Self.wholeOutput(of: child) == [97, 0, 255, 98, 10, 99])
        #expect(Self.end(of: &child) == .code(0))
    }

    @Test func `reading where there is nothing yet neither blocks nor says that it is the end`() throws {
        var child = try Self.shell("read line")
        var bytes: [UInt8] = [1]
        let isOpen = child.readOutput(into: &bytes)
        #expect(isOpen)
        #expect(bytes == [1])
        child.killGroup()
        #expect(Self.end(of: &child) == .signal(SIGKILL))
    }

    @Test func `more output than a pipe holds arrives whole, one buffer at a time`() throws {
        var child = try Self.shell("head -c 1000000 /dev/zero | tr '\\000' x; echo .")
        #expect(Self.isReadable(child.outputDescriptor))
        var first: [UInt8] = []
        let isOpen = child.readOutput(into: &first)
        #expect(isOpen)
        #expect(first.count <= 16_384)
        let rest = Self.wholeOutput(of: child) ?? []
        #expect(first.count + rest.count == 1_000_002)
        #expect((first + rest).dropLast(2).allSatisfy { $0 == 120 })
        #expect(Self.end(of: &child) == .code(0))
    }

    @Test func `output written before the end is still there after it was reaped`() throws {
        var child = try Self.shell("echo last words")
        #expect(Self.end(of: &child) == .code(0))
        #expect(Self.wholeOutput(of: child) == Array("last words\n".utf8))
    }

    @Test func `arguments arrive as they are, with spaces, quotes and nothing in them`() throws {
        let child = try Self.shell("for word; do echo \"<$word>\"; done", ["a b", "", "'\"$HOME", "ñ"])
        let words = Self.wholeOutput(of: child).map { String(decoding: $0, as: UTF8.self) }
        #expect(words == "<a b>\n<>\n<'\"$HOME>\n<ñ>\n")
    }

    @Test func `asked to stop, a child may do so in its own way`() throws {
        var child = try Self.shell("trap 'kill $!; exit 5' TERM; sleep 1000 & echo up; wait")
        #expect(Self.firstLine(of: child) == "up")
        child.terminate()
        #expect(Self.end(of: &child) == .code(5))
    }

    @Test func `asking to stop reaches the child alone, killing reaches all that it started`() throws {
        var child = try Self.shell("trap '' TERM; (trap 'echo asked' TERM; echo up; while :; do sleep 1; done) & wait")
        #expect(Self.firstLine(of: child) == "up")
        child.terminate()
        #expect(child.reap() == nil)
        child.killGroup()
        #expect(Self.end(of: &child) == .signal(SIGKILL))
        // The grandchild holds the pipe: its end says that it is dead.
        #expect(Self.wholeOutput(of: child) == [])
    }

    @Test func `what a child leaves running is killed when it is collected`() throws {
        var child = try Self.shell("sleep 1000 & echo up; exit 3")
        #expect(Self.firstLine(of: child) == "up")
        #expect(Self.isReadable(child.endDescriptor))
        var bytes: [UInt8] = []
        let isOpen = child.readOutput(into: &bytes)
        #expect(isOpen)
        #expect(child.reap() == .code(3))
        #expect(Self.wholeOutput(of: child) == [])
    }

    @Test func `a child that is let go is killed with its group`() throws {
        var identifier: Int32 = 0
        var copy: Int32 = -1
        do {
            let child = try Self.shell("sleep 1000 & echo up; wait")
            #expect(Self.firstLine(of: child) == "up")
            identifier = child.processIdentifier
            copy = dup(child.outputDescriptor)
        }
        defer { close(copy) }
        #expect(kill(identifier, 0) == -1)
        #expect(Self.isReadable(copy))
        var byte: UInt8 = 0
        #expect(read(copy, &byte, 1) == 0)
    }

    @Test func `a child leads a group of its own`() throws {
        var child = try Self.shell("read line")
        #expect(getpgid(child.processIdentifier) == child.processIdentifier)
        #expect(child.processIdentifier != getpgrp())
        child.killGroup()
        #expect(Self.end(of: &child) == .signal(SIGKILL))
    }

    @Test func `standard input stays open while its owner lives and ends with it`() throws {
        var child = try Self.shell("echo up; read line; echo \"<$line>\"; exit 7")
        #expect(Self.firstLine(of: child) == "up")
        #expect(!Self.isReadable(child.endDescriptor, within: 50))
        let descriptor = try #require(Self.ourEnd(ofStandardInputOf: child.processIdentifier))
        // As if this process had died: the pipe goes, the number stays taken until the child is let go.
        let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
        #expect(dup2(nothing, descriptor) == descriptor)
        close(nothing)
        #expect(Self.end(of: &child) == .code(7))
        #expect(Self.wholeOutput(of: child) == Array("<>\n".utf8))
    }

    @Test func `no descriptor and no blocked signal is inherited`() throws {
        let plain = open("/dev/null", O_RDONLY)
        let high = fcntl(plain, F_DUPFD, 200)
        defer {
            close(plain)
            close(high)
        }
        var blocked = sigset_t()
        var before = sigset_t()
        sigemptyset(&blocked)
        sigaddset(&blocked, SIGUSR1)
        pthread_sigmask(SIG_BLOCK, &blocked, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let child = try Self.shell(
            "[ -e /proc/$$/fd/\(high) ] && echo leaked; while read -r k v; do [ $k = SigBlk: ] && echo $v; done "
                + "< /proc/$$/status"
        )
        #expect(Self.wholeOutput(of: child).map { String(decoding: $0, as: UTF8.self) } == "0000000000000000\n")
    }

    @Test func `a missing program is named, for good, with advice`() {
        let error = #expect(throws: ProcessError.self) {
            _ = try ChildProcess(program: "/nowhere/enlace-sink", arguments: [])
        }
        #expect(error?.errorNumber == ENOENT)
        #expect(error?.isPermanent == true)
        #expect(error?.program == "/nowhere/enlace-sink")
        #expect(
            error?.description
                == "cannot start /nowhere/enlace-sink: No such file or directory "
                + "(is it installed there? scripts need their interpreter as well)"
        )
    }

    @Test func `what is no program is refused for good as well`() {
        let error = #expect(throws: ProcessError.self) { _ = try ChildProcess(program: "/tmp", arguments: []) }
        #expect(error?.errorNumber == EACCES)
        #expect(error?.isPermanent == true)
        #expect(error?.description.contains("it must be executable") == true)
    }

    @Test func `a program is not searched for`() {
        #expect(throws: ProcessError.self) { _ = try ChildProcess(program: "sh", arguments: ["-c", "exit 0"]) }
    }

    /// Our descriptor of the pipe that is a process's standard input.
    static func ourEnd(ofStandardInputOf process: Int32) -> Int32? {
        guard let pipe = link("/proc/\(process)/fd/0"), pipe.hasPrefix("pipe:") else { return nil }
        return (0..<4_096).first { link("/proc/self/fd/\($0)") == pipe }
    }

    static func link(_ path: String) -> String? {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let count = readlink(path, start, buffer.count)
            return count < 0 ? nil : String(decoding: buffer.prefix(count), as: UTF8.self)
        }
    }
}
