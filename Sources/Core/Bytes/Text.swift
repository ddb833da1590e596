/// UTF-8 that belongs to somebody else: a view into a buffer that outlives it.
///
/// Used where a `String` would cost an allocation for each event. Never stored beyond the call that got it.
public struct Text {
    /// The bytes, not terminated.
    public let bytes: UnsafeRawBufferPointer

    /// Views raw bytes that are known to be UTF-8.
    @inline(__always)
    public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Views bytes that are known to be UTF-8.
    @inline(__always)
    public init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = UnsafeRawBufferPointer(bytes) }

    /// Views `count` bytes at `start`.
    @inline(__always)
    public init(start: UnsafeRawPointer?, count: Int) { bytes = UnsafeRawBufferPointer(start: start, count: count) }

    /// How many bytes.
    @inline(__always)
    public var count: Int { bytes.count }

    /// Whether there is nothing.
    @inline(__always)
    public var isEmpty: Bool { bytes.count == 0 }

    /// A copy. Not for the hot path.
    public var string: String { String(decoding: bytes, as: UTF8.self) }

    /// Whether the bytes are those of a literal.
    @inline(__always)
    public static func == (text: Text, literal: StaticString) -> Bool {
        guard text.count == literal.utf8CodeUnitCount else { return false }
        var index = 0
        while index < text.count {
            if text.bytes[index] != literal.utf8Start[index] { return false }
            index &+= 1
        }
        return true
    }

    /// Whether two views hold the same bytes.
    public static func == (left: Text, right: Text) -> Bool { left.bytes.elementsEqual(right.bytes) }
}
