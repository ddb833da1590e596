import Bytes

/// Finds the value of a key at the top level of an event's line, or inside one object at the top level, without
/// parsing the rest. The lines were checked before they were archived; what is not JSON after all yields nothing.
enum EventScanner {
    /// The raw value of a key at the top level: a string without its quotes, or the bytes of another value.
    static func value(of key: StaticString, in line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let bytes = UnsafeRawBufferPointer(line)
        var at = 0
        var depth = 0
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "\""):
                let start = at + 1
                at = endOfString(bytes, start)
                guard depth == 1, at < bytes.count else { break }
                var after = skipSpace(bytes, at + 1)
                guard after < bytes.count, bytes[after] == UInt8(ascii: ":") else { break }
                after = skipSpace(bytes, after + 1)
                let isKey = Text(UnsafeRawBufferPointer(rebasing: bytes[start..<at])) == key
                if isKey { return valueBytes(bytes, after) }
                // A string value is stepped over here, so that it is never taken for a key.
                if after < bytes.count, bytes[after] == UInt8(ascii: "\"") { at = endOfString(bytes, after + 1) }
            default: break
            }
            at += 1
        }
        return nil
    }

    /// When the event happened.
    static func occurredAt(_ line: UnsafeRawBufferPointer) -> Timestamp? {
        guard let text = value(of: "occurred_at", in: line) else { return nil }
        return try? Timestamp.parse(Text(text)).timestamp
    }

    /// What the producer stamped on an enriched event.
    static func ingest(
        _ line: UnsafeRawBufferPointer
    ) -> (producer: Identifier128, epoch: UInt64, sequence: UInt64, receivedAt: Timestamp)? {
        guard let object = value(of: "ingest", in: line), let producer = value(of: "producer", in: object),
            let epoch = value(of: "epoch", in: object), let sequence = value(of: "seq", in: object),
            let id = Identifier128(Text(producer).string), let number = UInt64(Text(sequence).string),
            number < UInt64(Int64.max)
        else { return nil }
        let text = Text(epoch).string
        guard let named = text.utf8.count == 16 ? UInt64(text, radix: 16) : UInt64(text) else { return nil }
        let received = value(of: "received_at", in: object).flatMap { try? Timestamp.parse(Text($0)).timestamp }
        return (id, named, number, received ?? Timestamp(microseconds: 0))
    }

    private static func valueBytes(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> UnsafeRawBufferPointer? {
        guard start < bytes.count else { return nil }
        if bytes[start] == UInt8(ascii: "\"") {
            let end = endOfString(bytes, start + 1)
            guard end < bytes.count else { return nil }
            return UnsafeRawBufferPointer(rebasing: bytes[start + 1..<end])
        }
        var at = start
        var depth = 0
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "\""): at = endOfString(bytes, at + 1)
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return UnsafeRawBufferPointer(rebasing: bytes[start..<at]) }
                depth -= 1
                if depth == 0 { return UnsafeRawBufferPointer(rebasing: bytes[start...at]) }
            case UInt8(ascii: ","), 0x20, 0x09, 0x0A, 0x0D:
                if depth == 0 { return UnsafeRawBufferPointer(rebasing: bytes[start..<at]) }
            default: break
            }
            at += 1
        }
        return nil
    }

    private static func endOfString(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
        var at = start
        while at < bytes.count, bytes[at] != UInt8(ascii: "\"") { at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1 }
        return min(at, bytes.count)
    }

    private static func skipSpace(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
        var at = start
        while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x09 || bytes[at] == 0x0A || bytes[at] == 0x0D {
            at += 1
        }
        return at
    }
}
