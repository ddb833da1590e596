import ArgumentParser
import Bytes
import Glibc
import Logging
import Platform
import Settings
import Synchronization
import Telemetry

/// What every program does before and after its work: settings, logs, words for a failure.
public enum Program {
    /// The process's environment.
    public static var environment: [String: String] {
        var variables: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            next += 1
        }
        return variables
    }

    /// The path of this program's file.
    public static var executablePath: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer in
            guard let start = buffer.baseAddress else { return "" }
            let count = readlink("/proc/self/exe", start, buffer.count)
            return String(
                decoding: UnsafeRawBufferPointer(start: start, count: max(0, count)),
                as: UTF8.self
            )
        }
    }

    /// Reads the settings and sets up the log; `flags` are those of the command besides the common ones.
    public static func prepare(
        _ name: String,
        _ common: CommonOptions,
        flags: [SettingsKey: String] = [:]
    ) async throws -> (settings: EnlaceSettings, log: Logger) {
        do throws(CrashPointError) { try CrashPoint.arm(environment: environment) } catch {
            throw SettingsError(source: error.variable, reason: error.reason)
        }
        let settings = try await EnlaceSettings.load(
            flags: common.flags.merging(flags) { $1 },
            configPath: common.config,
            environment: environment,
            defaults: (DefaultDirectories.run, DefaultDirectories.state),
            exists: Files.exists
        )
        let level = Logger.Level(rawValue: settings.logLevel) ?? .info
        let format: LineLogHandler.Format = settings.logFormat == .json ? .json : .text
        let log = Logger(label: name) { label in
            LineLogHandler(program: label, level: level, format: format, now: Clock.now)
        }
        return (settings, log)
    }

    /// Runs a command's work and ends the process as it says; a failure is told in one line on standard error.
    ///
    /// - Parameter isTemporary: Whether the same may succeed later without anybody changing the configuration, as on
    ///   a full disk: then the exit code says so, and a supervisor never gives up.
    public static func run(
        _ name: String,
        isTemporary: (any Error) -> Bool = { _ in false },
        _ body: () async throws -> ExitStatus
    ) async throws {
        // A reader that went away is no reason to die: `put` says so.
        signal(SIGPIPE, SIG_IGN)
        let status: ExitStatus
        do { status = try await body() } catch let error as ExitCode { throw error } catch let error as ValidationError
        {
            throw error
        } catch {
            say("\(name): \(error)")
            let status: ExitStatus =
                if error is SettingsError { .usage } else if isTemporary(error) { .tryAgain } else { .failed }
            throw ExitCode(status.rawValue)
        }
        if status == .done, let reason = outputFailure.withLock({ $0 }) {
            say("\(name): \(reason)")
            throw ExitCode(ExitStatus.failed.rawValue)
        }
        if status != .done { throw ExitCode(status.rawValue) }
    }

    /// Why standard output took no more, unless its reader went away.
    private static let outputFailure = Mutex<String?>(nil)

    /// Writes a line for people to standard error.
    public static func say(_ text: String) {
        let line = Array((text + "\n").utf8)
        _ = line.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
    }

    /// Writes a line of data to standard output; false when nobody reads it any more.
    @discardableResult
    public static func put(_ text: String) -> Bool {
        Array((text + "\n").utf8).withUnsafeBytes { write($0) }
    }

    /// Writes data to standard output; false when it takes no more. That its reader went away is quiet; anything else, as
    /// a full disk, ends the command with 1.
    public static func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        do throws(PlatformError) {
            try Files.writeAll(1, bytes, path: "standard output")
            return true
        } catch {
            if error.errorNumber != EPIPE { outputFailure.withLock { $0 = $0 ?? "\(error)" } }
            return false
        }
    }
}
