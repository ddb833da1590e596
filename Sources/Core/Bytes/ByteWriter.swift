/// A growable run of bytes that is written once, front to back, and reused.
///
/// The hot path builds every batch and every splice in one of these: `removeAll` keeps the memory, so that
/// after the first few events nothing is allocated. Stays on the thread that made it.
public struct ByteWriter: ~Copyable {
    /// The first byte. Moves when the writer grows.
    public private(set) var base: UnsafeMutableRawPointer
    /// How many bytes are written.
    public private(set) var count = 0
    /// How many bytes fit before the writer must grow.
    public private(set) var capacity: Int

    /// Makes an empty writer with room for `capacity` bytes.
    public init(capacity: Int = 4096) {
        self.capacity = max(capacity, 64)
        base = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    /// What is written so far. Valid until the next change.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// Forgets what is written and keeps the memory.
    public mutating func removeAll() { count = 0 }

    /// Forgets what is written behind the first `count` bytes.
    public mutating func truncate(to count: Int) {
        precondition(count >= 0 && count <= self.count)
        self.count = count
    }

    /// Makes room for `extra` more bytes.
    @inline(__always)
    public mutating func reserve(_ extra: Int) {
        if count &+ extra > capacity { grow(by: extra) }
    }

    @inline(never)
    private mutating func grow(by extra: Int) {
        let wanted = max(capacity * 2, count + extra)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
        larger.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = larger
        capacity = wanted
    }

    /// Appends one byte.
    @inline(__always)
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    /// Appends bytes from memory that does not belong to this writer.
    @inline(__always)
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        base.advanced(by: count).copyMemory(from: start, byteCount: bytes.count)
        count &+= bytes.count
    }

    /// Appends unowned UTF-8.
    @inline(__always)
    public mutating func append(_ text: Text) { append(text.bytes) }

    /// Appends a literal.
    @inline(__always)
    public mutating func append(_ literal: StaticString) {
        append(UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    /// Appends the bytes of an array.
    public mutating func append(_ array: [UInt8]) {
        array.withUnsafeBytes { append($0) }
    }

    /// Appends a string's UTF-8. Not for the hot path.
    public mutating func append(string: String) {
        var copy = string
        copy.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Appends an integer in decimal digits.
    public mutating func append(decimal value: Int64) {
        reserve(20)
        var magnitude = value.magnitude
        if value < 0 { append(UInt8(ascii: "-")) }
        var digits = 1
        var probe = magnitude
        while probe >= 10 {
            probe /= 10
            digits &+= 1
        }
        var at = count &+ digits
        repeat {
            at &-= 1
            base.storeBytes(of: UInt8(truncatingIfNeeded: magnitude % 10) &+ 48, toByteOffset: at, as: UInt8.self)
            magnitude /= 10
        } while magnitude > 0
        count &+= digits
    }

    /// Appends the low `digits` decimal digits of a value that is not negative, with leading zeros.
    public mutating func append(padded value: Int, digits: Int) {
        reserve(digits)
        var rest = value
        var at = count &+ digits
        while at > count {
            at &-= 1
            base.storeBytes(of: UInt8(truncatingIfNeeded: rest % 10) &+ 48, toByteOffset: at, as: UInt8.self)
            rest /= 10
        }
        count &+= digits
    }

    /// Appends 16 lower-case hexadecimal digits.
    public mutating func append(hex value: UInt64) {
        reserve(16)
        for index in 0..<16 {
            let nibble = UInt8(truncatingIfNeeded: value >> UInt64(60 &- 4 &* index)) & 15
            let digit = nibble < 10 ? nibble &+ 48 : nibble &+ 87
            base.storeBytes(of: digit, toByteOffset: count &+ index, as: UInt8.self)
        }
        count &+= 16
    }

    /// Appends UTF-8 as a JSON string, quotes included; control characters, quotes and backslashes are escaped.
    public mutating func append(jsonString text: Text) {
        append(UInt8(ascii: "\""))
        for byte in text.bytes {
            switch byte {
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\\"): append("\\\\")
            case 0x0A: append("\\n")
            case 0x0D: append("\\r")
            case 0x09: append("\\t")
            case 0..<0x20:
                append("\\u00")
                append(byte >> 4 &+ 48)
                let low = byte & 15
                append(low < 10 ? low &+ 48 : low &+ 87)
            default: append(byte)
            }
        }
        append(UInt8(ascii: "\""))
    }

    /// Appends a string as a JSON string, quotes included. Not for the hot path.
    public mutating func append(jsonString string: String) {
        var copy = string
        copy.withUTF8 { append(jsonString: Text($0)) }
    }

    /// Appends a little-endian integer.
    @inline(__always)
    public mutating func append<Value: FixedWidthInteger>(littleEndian value: Value) {
        let size = MemoryLayout<Value>.size
        reserve(size)
        base.storeBytes(of: value.littleEndian, toByteOffset: count, as: Value.self)
        count &+= size
    }

    /// Overwrites a little-endian integer that is already written at `offset`.
    public mutating func overwrite<Value: FixedWidthInteger>(at offset: Int, littleEndian value: Value) {
        precondition(offset >= 0 && offset + MemoryLayout<Value>.size <= count)
        base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Value.self)
    }

    /// A copy of what is written. Not for the hot path.
    public var array: [UInt8] { [UInt8](bytes) }
}
