import Bytes
import Crypto
import EventJSON

/// How far a file is read, and enough of its content to know it again.
///
/// Device and inode say which file it is; the hashes say that it still begins with what was read: an inode number is
/// used again, and a file may be written anew.
package struct InputRecord: Equatable {
    /// Bytes that are read and safe in the outbox.
    var offset: UInt64
    /// Lines before the offset.
    var lines: UInt64
    /// SHA-256 of the first bytes, at most `sampleBytes` and never more than `offset`.
    var headHash: String
    /// SHA-256 of the last bytes before the offset, at most `sampleBytes`.
    var tailHash: String
    /// For people.
    var path: String

    /// The most bytes that are hashed at either end.
    static let sampleBytes = 4096

    /// The record as it is stored.
    package var encoded: [UInt8] {
        var writer = ByteWriter(capacity: 512)
        writer.append("{\"offset\":")
        writer.append(string: String(offset))
        writer.append(",\"lines\":")
        writer.append(string: String(lines))
        writer.append(",\"head\":")
        writer.append(jsonString: headHash)
        writer.append(",\"tail\":")
        writer.append(jsonString: tailHash)
        writer.append(",\"path\":")
        writer.append(jsonString: path)
        writer.append("}")
        return writer.array
    }

    init(offset: UInt64, lines: UInt64, headHash: String, tailHash: String, path: String) {
        self.offset = offset
        self.lines = lines
        self.headHash = headHash
        self.tailHash = tailHash
        self.path = path
    }

    /// Reads a stored record; nil when it is not one.
    package init?(_ bytes: [UInt8]) {
        guard let value = try? JSONValue.parse(bytes), let offset = value["offset"]?.unsigned,
            let lines = value["lines"]?.unsigned, let head = value["head"]?.string, let tail = value["tail"]?.string
        else { return nil }
        self.init(
            offset: offset,
            lines: lines,
            headHash: head,
            tailHash: tail,
            path: value["path"]?.string ?? ""
        )
    }

    /// The hash that is compared.
    static func hash(_ bytes: some Sequence<UInt8>) -> String {
        SHA256.hash(data: Array(bytes)).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
