/// Reads a message front to back. Every read checks the bound; a short message throws, nothing traps.
public struct ByteReader {
    /// The message ended before the value did, or holds a value that cannot be.
    public struct Malformed: Error, Sendable {
        /// Nothing more is known.
        public init() {}
    }

    private let bytes: UnsafeRawBufferPointer
    /// How many bytes are read.
    public private(set) var position = 0

    /// Reads from the front of `bytes`.
    public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// How many bytes are left.
    public var remaining: Int { bytes.count - position }

    /// The next little-endian integer.
    public mutating func read<Value: FixedWidthInteger>(_ type: Value.Type) throws(Malformed) -> Value {
        let size = MemoryLayout<Value>.size
        guard remaining >= size else { throw Malformed() }
        defer { position += size }
        return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: type))
    }

    /// The next `count` bytes, as a view.
    public mutating func read(count: Int) throws(Malformed) -> UnsafeRawBufferPointer {
        guard count >= 0, remaining >= count else { throw Malformed() }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
    }

    /// The next identifier: 16 bytes, most significant first.
    public mutating func readIdentifier() throws(Malformed) -> Identifier128 {
        Identifier128(high: try read(UInt64.self).byteSwapped, low: try read(UInt64.self).byteSwapped)
    }

    /// The next text: a length byte and UTF-8.
    public mutating func readText() throws(Malformed) -> String {
        let count = Int(try read(UInt8.self))
        let text = try read(count: count)
        guard let string = String(validating: text, as: UTF8.self) else { throw Malformed() }
        return string
    }
}

extension ByteWriter {
    /// Appends an identifier: 16 bytes, most significant first.
    public mutating func append(identifier: Identifier128) {
        append(littleEndian: identifier.high.byteSwapped)
        append(littleEndian: identifier.low.byteSwapped)
    }

    /// Appends a text of at most 255 bytes: a length byte and UTF-8. What is longer is cut.
    public mutating func append(shortText text: String) {
        let bytes = Array(text.utf8.prefix(255))
        append(UInt8(bytes.count))
        append(bytes)
    }
}
