import CPlatform

/// Finds bytes in memory, as fast as the C library does.
public enum ByteSearch {
    /// Where `needle` first begins at or behind `from`; nil when it does not.
    public static func find(_ needle: [UInt8], in bytes: UnsafeRawBufferPointer, from: Int = 0) -> Int? {
        guard let base = bytes.baseAddress, from < bytes.count,
            let found = enlace_find_bytes(base + from, bytes.count - from, needle, needle.count)
        else { return nil }
        return found - base
    }
}
