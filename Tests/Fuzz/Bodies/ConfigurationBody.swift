import Dispatch
import Glibc
import Settings
import Synchronization

/// `enlace.yaml`.
public enum ConfigurationBody {
    private static let path = "/tmp/enlace-fuzz-\(getpid()).yaml"

    /// Loads a file of these bytes; what is wrong with it is said in one line.
    public static func run(_ input: [UInt8]) async throws {
        try write(input)
        defer { unlink(path) }
        let settings: EnlaceSettings
        do throws(SettingsError) {
            settings = try await EnlaceSettings.load(
                flags: [:],
                configPath: path,
                environment: [:],
                defaults: (run: "/default/run", state: "/default/state"),
                exists: { _ in false }
            )
        } catch {
            return try expect(error.description.utf8.count > error.source.utf8.count, "a refusal without a reason")
        }
        try expect(!settings.runDirectory.isEmpty && !settings.stateDirectory.isEmpty, "a directory without a name")
        try expect((1...64).contains(settings.workers), "\(settings.workers) workers")
        try expect(settings.segmentBytes > 0 && settings.outboxBytes > 0, "sizes that are not positive")
    }

    /// The same for a caller that is not on the cooperative pool and may wait.
    static func runBlocking(_ input: UnsafeRawBufferPointer) throws {
        let bytes = Array(input)
        let done = DispatchSemaphore(value: 0)
        let finding = Mutex<(any Error)?>(nil)
        Task.detached {
            do { try await run(bytes) } catch { finding.withLock { $0 = error } }
            done.signal()
        }
        done.wait()
        if let found = finding.withLock({ $0 }) { throw found }
    }

    private static func write(_ bytes: [UInt8]) throws {
        guard let file = fopen(path, "w") else { throw Finding("no temporary file \(path)") }
        let count = fwrite(bytes, 1, bytes.count, file)
        fclose(file)
        try expect(count == bytes.count, "the temporary file cannot be written")
    }
}
