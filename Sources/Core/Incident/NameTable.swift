import Bytes

/// Finds the index of a name among fixed names by its bytes, without a String: open addressing over a hash of
/// length, first and last bytes. Immutable once made, so any thread may read it.
final class NameTable: @unchecked Sendable {
    private struct Slot {
        var start: UInt32 = 0
        var length: UInt32 = .max
        var index: UInt32 = 0
    }

    private let slots: UnsafeMutablePointer<Slot>
    private let mask: Int
    private let bytes: UnsafeMutablePointer<UInt8>

    /// Holds names; of two that are equal the first counts.
    init(_ names: [String]) {
        var size = 8
        while size < names.count * 4 { size *= 2 }
        mask = size - 1
        slots = .allocate(capacity: size)
        slots.initialize(repeating: Slot(), count: size)
        let total = names.reduce(0) { $0 + $1.utf8.count }
        bytes = .allocate(capacity: max(total, 1))
        var start = 0
        for (index, name) in names.enumerated() {
            let text = Array(name.utf8)
            for (place, byte) in text.enumerated() { bytes[start + place] = byte }
            let view = Text(start: UnsafeRawPointer(bytes + start), count: text.count)
            if self.index(of: view) == nil {
                var at = Self.hash(view) & mask
                while slots[at].length != .max { at = (at + 1) & mask }
                slots[at] = Slot(start: UInt32(start), length: UInt32(text.count), index: UInt32(index))
            }
            start += text.count
        }
    }

    deinit {
        slots.deallocate()
        bytes.deallocate()
    }

    /// The place of a name in the list.
    @inline(__always)
    func index(of name: Text) -> Int? {
        var at = Self.hash(name) & mask
        while slots[at].length != .max {
            if Int(slots[at].length) == name.count, equals(slots[at].start, name) { return Int(slots[at].index) }
            at = (at &+ 1) & mask
        }
        return nil
    }

    @inline(__always)
    private func equals(_ start: UInt32, _ name: Text) -> Bool {
        let known = UnsafeRawPointer(bytes + Int(start))
        guard let other = name.bytes.baseAddress else { return true }
        var at = 0
        while at &+ 8 <= name.count {
            let left = known.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            if left != other.loadUnaligned(fromByteOffset: at, as: UInt64.self) { return false }
            at &+= 8
        }
        while at < name.count {
            if known.load(fromByteOffset: at, as: UInt8.self) != other.load(fromByteOffset: at, as: UInt8.self) {
                return false
            }
            at &+= 1
        }
        return true
    }

    @inline(__always)
    private static func hash(_ name: Text) -> Int {
        guard let start = name.bytes.baseAddress, name.count > 0 else { return 0 }
        let count = name.count
        let first = UInt64(start.load(as: UInt8.self))
        let middle = UInt64(start.load(fromByteOffset: count / 2, as: UInt8.self))
        let last = UInt64(start.load(fromByteOffset: count &- 1, as: UInt8.self))
        let mixed = (UInt64(count) | first << 16 | middle << 32 | last << 48) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed >> 40)
    }
}
