/// CRC-32C (Castagnoli, polynomial 0x1EDC6F41), as iSCSI and many file formats use it.
///
/// A value that holds the function which computes it: the pure libraries take one, and the programs hand them
/// the processor's own instruction (`CRC32C.hardware` in Platform) instead of `portable`.
public struct CRC32C: Sendable {
    /// Extends a finished checksum over `count` more bytes; start with 0.
    public typealias Extend = @convention(c) @Sendable (UInt32, UnsafeRawPointer?, Int) -> UInt32

    private let function: Extend

    /// Wraps a function that extends a checksum.
    public init(_ function: @escaping Extend) { self.function = function }

    /// The checksum of some bytes.
    @inline(__always)
    public func checksum(of bytes: UnsafeRawBufferPointer) -> UInt32 { function(0, bytes.baseAddress, bytes.count) }

    /// Extends `checksum` over more bytes.
    @inline(__always)
    public func extend(_ checksum: UInt32, over bytes: UnsafeRawBufferPointer) -> UInt32 {
        function(checksum, bytes.baseAddress, bytes.count)
    }

    /// A table-driven version that needs no particular processor.
    public static let portable = CRC32C { checksum, start, count in
        var crc = ~checksum
        let bytes = UnsafeRawBufferPointer(start: start, count: count)
        for byte in bytes { crc = portableTable[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ (crc >> 8) }
        return ~crc
    }
}

/// The table of the reflected polynomial, one entry a byte value.
private let portableTable: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { crc, _ in crc & 1 == 1 ? (crc >> 1) ^ 0x82F6_3B78 : crc >> 1 }
}
