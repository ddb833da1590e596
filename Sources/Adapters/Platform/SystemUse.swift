import Glibc

/// What the process and the filesystem have used and have left.
public enum SystemUse {
    /// The room of the filesystem that holds a path.
    public struct Space: Hashable, Sendable {
        /// Bytes that an ordinary user may still write.
        public let free_bytes: UInt64
        /// Bytes of the whole filesystem.
        public let total_bytes: UInt64

        /// Whether less than `percent` of the filesystem is free.
        public func isBelow(percent: Int) -> Bool { free_bytes / 100 < total_bytes / 10_000 * UInt64(percent) }
    }

    /// The room of the filesystem that holds `path`.
    public static func space(at path: String) throws(PlatformError) -> Space {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { throw .last("ask for the free space at", path) }
        let unit = UInt64(status.f_frsize)
        return Space(free_bytes: UInt64(status.f_bavail) * unit, total_bytes: UInt64(status.f_blocks) * unit)
    }

    /// Bytes of this process's own memory (RssAnon: without files that are mapped), or 0 when unknown.
    public static func residentBytes() -> UInt64 { residentBytes(ofProcess: "self") }

    /// Bytes of a process's own memory; `process` is its number or "self". 0 when unknown.
    public static func residentBytes(ofProcess process: String) -> UInt64 {
        guard let bytes = try? Files.read("/proc/\(process)/status", limit: 64 * 1024) else { return 0 }
        for line in bytes.split(separator: UInt8(ascii: "\n")) where line.starts(with: "RssAnon:".utf8) {
            let digits = line.filter { (48...57).contains($0) }
            return (UInt64(String(decoding: digits, as: UTF8.self)) ?? 0) * 1024
        }
        return 0
    }

    /// Seconds of processor time that this process has used, its own and the kernel's for it.
    public static func processorSeconds() -> Double {
        var usage = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    /// Makes the calling thread give way to others: 0 is usual, 19 the most polite.
    public static func setThreadNice(_ nice: Int32) {
        // On Linux the niceness is a thread's; who = 0 is the calling one.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, nice)
    }

    /// Allows this process as many open files as it may have, up to 65,536; returns how many it may have now. A connection
    /// is one, and the limit that a shell hands down is often too low for a thousand of them.
    @discardableResult
    public static func raiseFileLimit() -> UInt64 {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return 0 }
        let before = limit.rlim_cur
        limit.rlim_cur = min(limit.rlim_max, 65_536)
        guard before < limit.rlim_cur else { return UInt64(before) }
        return setrlimit(resource, &limit) == 0 ? UInt64(limit.rlim_cur) : UInt64(before)
    }

    /// The number of this process.
    public static var processIdentifier: Int32 { getpid() }

    /// Whether the process runs as root.
    public static var isRoot: Bool { geteuid() == 0 }
}
