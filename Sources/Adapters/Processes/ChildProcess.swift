import CSupervisor
import Glibc

/// How a process ended.
public enum ProcessEnd: Hashable, Sendable {
    /// It returned this code.
    case code(Int32)
    /// This signal killed it.
    case signal(Int32)
}

/// A child process with two pipes: one holds its standard input open, so that it sees the end of it when this process
/// dies in whatever way; the other brings what it writes to standard output and error.
///
/// It leads a process group of its own: Ctrl-C in the terminal reaches only us, and whatever it has started can be
/// killed together with it. For one thread at a time.
public struct ChildProcess: ~Copyable {
    /// Its process id, which is also its process group's.
    public let processIdentifier: Int32
    /// Polls readable once it has ended.
    public let endDescriptor: Int32
    /// Polls readable when there is output, or the end of it. Does not block.
    public let outputDescriptor: Int32
    private let inputDescriptor: Int32
    private var isReaped = false

    /// Starts a program with this process's environment and working directory.
    ///
    /// - Parameters:
    ///   - program: The path of the program; nothing is searched for.
    ///   - arguments: What follows the program's name.
    /// - Throws: `ProcessError` when it cannot be started; then nothing is left behind.
    public init(program: String, arguments: [String]) throws(ProcessError) {
        enlace_expect_children()
        let input = try Pipe(program)
        let output: Pipe
        do throws(ProcessError) {
            output = try Pipe(program)
        } catch {
            input.closeBoth()
            throw error
        }
        var child: Int32 = 0
        var failure = Self.spawn(&child, program, arguments, input: input.reading, output: output.writing)
        close(input.reading)
        close(output.writing)
        var watch: Int32 = -1
        if failure == 0 {
            watch = enlace_watch_process(child)
            if watch < 0 {
                failure = errno
                kill(-child, SIGKILL)
                while waitpid(child, nil, 0) < 0, errno == EINTR {}
            }
        }
        guard failure == 0 else {
            close(input.writing)
            close(output.reading)
            throw ProcessError(operation: "start", program: program, errorNumber: failure)
        }
        _ = fcntl(output.reading, F_SETFL, O_NONBLOCK)
        processIdentifier = child
        endDescriptor = watch
        inputDescriptor = input.writing
        outputDescriptor = output.reading
    }

    /// A child that is let go without having been reaped is killed: nothing outlives its owner unseen.
    deinit {
        if !isReaped {
            kill(-processIdentifier, SIGKILL)
            while waitpid(processIdentifier, nil, 0) < 0, errno == EINTR {}
        }
        close(inputDescriptor)
        close(outputDescriptor)
        close(endDescriptor)
    }

    /// Asks it to stop (SIGTERM). What it started itself is its own business.
    public func terminate() {
        // Not yet reaped, so the number is still its own.
        if !isReaped { kill(processIdentifier, SIGTERM) }
    }

    /// Kills it and everything of its process group.
    public func killGroup() {
        if !isReaped { kill(-processIdentifier, SIGKILL) }
    }

    /// Collects it when it has ended, with what is left of its process group; nil while it runs.
    public mutating func reap() -> ProcessEnd? {
        guard !isReaped, hasEnded else { return nil }
        // It is dead but not collected: its number cannot belong to a stranger.
        kill(-processIdentifier, SIGKILL)
        var code: Int32 = 0
        var signal: Int32 = 0
        let result = enlace_reap(processIdentifier, &code, &signal)
        if result == 0 { return nil }
        isReaped = true
        // Somebody else collected it: it is gone, in a way that nobody can tell.
        if result < 0 { return .code(-1) }
        return signal != 0 ? .signal(signal) : .code(code)
    }

    /// Appends what it has written, at most one buffer's worth.
    ///
    /// - Returns: False at the end of its output.
    public func readOutput(into bytes: inout [UInt8]) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 1) { buffer in
            while true {
                let count = read(outputDescriptor, buffer.baseAddress, buffer.count)
                if count > 0 {
                    bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                    return true
                }
                if count == 0 { return false }
                if errno == EINTR { continue }
                return errno == EAGAIN
            }
        }
    }

    private var hasEnded: Bool {
        var entry = pollfd(fd: endDescriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) > 0
    }

    private static func spawn(
        _ child: inout Int32,
        _ program: String,
        _ arguments: [String],
        input: Int32,
        output: Int32
    ) -> Int32 {
        var pointers: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        guard pointers.allSatisfy({ $0 != nil }) else { return ENOMEM }
        pointers.append(nil)
        return enlace_spawn(&child, program, pointers, input, output)
    }

    private struct Pipe {
        let reading: Int32
        let writing: Int32

        init(_ program: String) throws(ProcessError) {
            var reading: Int32 = -1
            var writing: Int32 = -1
            guard enlace_pipe(&reading, &writing) == 0 else {
                throw ProcessError(operation: "make the pipes of", program: program, errorNumber: errno)
            }
            self.reading = reading
            self.writing = writing
        }

        func closeBoth() {
            close(reading)
            close(writing)
        }
    }
}
