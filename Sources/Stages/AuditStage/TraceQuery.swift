import Bytes
import Wire

/// What is looked for.
public enum TraceQuery: Hashable, Sendable {
    /// An event's id, its own or the pipeline's.
    case identifier(String)
    /// A place in the archive.
    case position(ArchivePosition)
    /// A producer's sequence.
    case sequence(Identifier128, UInt64)

    /// Reads `ID`, `STATION@OFFSET` or `PRODUCER:SEQUENCE`; nil when it is none of them.
    public init?(_ text: String) {
        if let position = ArchivePosition(text) {
            self = .position(position)
            return
        }
        if let colon = text.lastIndex(of: ":"), let producer = Identifier128(text[..<colon]),
            let sequence = UInt64(text[text.index(after: colon)...]), sequence > 0
        {
            self = .sequence(producer, sequence)
            return
        }
        let isIdentifier = text.utf8.allSatisfy { byte in
            switch byte {
            case 48...57, 65...90, 97...122, 45, 46, 58, 95: true
            default: false
            }
        }
        guard isIdentifier, (1...64).contains(text.utf8.count) else { return nil }
        self = .identifier(text)
    }

    /// The millisecond in an id that the pipeline may have made: a UUIDv7.
    static func milliseconds(of identifier: String) -> Int64? {
        let bytes = Array(identifier.utf8)
        guard bytes.count == 36, bytes[8] == 45, bytes[13] == 45, bytes[14] == UInt8(ascii: "7") else { return nil }
        return Int64(identifier.prefix(8) + identifier.dropFirst(9).prefix(4), radix: 16)
    }
}
