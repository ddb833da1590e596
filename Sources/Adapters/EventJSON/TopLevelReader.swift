import Bytes
import CSimdJSON

/// Finds members of a JSON object by scanning its bytes: for lines that were checked before, such as archived ones.
/// Stays inside the bytes whatever they hold; allocates nothing.
public enum TopLevelReader {
    /// The raw bytes of a top-level member's value, quotes of a string included.
    public static func value(of name: StaticString, in line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        value(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount), in: line)
    }

    /// The same for a name that is known only when the program runs.
    static func value(of name: String, in line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        var name = name
        return name.withUTF8 { value($0, in: line) }
    }

    private static func value(
        _ name: UnsafeBufferPointer<UInt8>,
        in line: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        var start = 0
        var end = 0
        let found = csj_member(
            line.baseAddress?.assumingMemoryBound(to: UInt8.self),
            line.count,
            name.baseAddress,
            name.count,
            &start,
            &end
        )
        guard found == 1, start <= end, end <= line.count else { return nil }
        return UnsafeRawBufferPointer(rebasing: line[start..<end])
    }

    /// Whether some top-level name is written with escapes, so that no search by its bytes finds it.
    static func hasEscapedName(_ line: UnsafeRawBufferPointer) -> Bool {
        csj_has_escaped_key(line.baseAddress?.assumingMemoryBound(to: UInt8.self), line.count) == 1
    }

    /// The text of a top-level string member; nil when it is no string or holds an escape.
    public static func string(of name: StaticString, in line: UnsafeRawBufferPointer) -> Text? {
        guard let raw = value(of: name, in: line), raw.count >= 2, raw[0] == 0x22, raw[raw.count - 1] == 0x22,
            !raw.contains(0x5C)
        else { return nil }
        return Text(UnsafeRawBufferPointer(rebasing: raw[1..<raw.count - 1]))
    }

    /// The text of a string member of a top-level object, such as `level` inside `cross_border`.
    public static func string(
        of name: StaticString,
        inside outer: StaticString,
        in line: UnsafeRawBufferPointer
    ) -> Text? {
        value(of: outer, in: line).flatMap { string(of: name, in: $0) }
    }
}
