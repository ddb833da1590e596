import Bytes
import CPlatform
import Glibc

/// The two clocks of the system. Timers use the monotonic one, records the other.
public enum Clock {
    /// Nanoseconds since some moment in the past, never going back; for timers.
    public static func monotonicNanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    /// The moment by the wall clock, microseconds resolution.
    public static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }
}

/// Random numbers of the kernel, fit for identifiers.
public enum Random {
    /// 64 random bits.
    public static func uint64() -> UInt64 {
        var value: UInt64 = 0
        withUnsafeMutableBytes(of: &value) { fill($0) }
        return value
    }

    /// 128 random bits.
    public static func identifier() -> Identifier128 { Identifier128(high: uint64(), low: uint64()) }

    /// Fills memory with random bytes.
    public static func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        if enlace_random(buffer.baseAddress, buffer.count) == 0 { return }
        // A kernel without the call, or a sandbox that forbids it: the standard library knows other sources.
        var generator = SystemRandomNumberGenerator()
        for index in buffer.indices { buffer[index] = UInt8.random(in: 0...255, using: &generator) }
    }
}
