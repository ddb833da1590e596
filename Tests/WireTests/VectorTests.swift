import Bytes
import Testing
import Wire

@Suite("The test vector of the wire's description")
struct VectorTests {
    static let batch =
        "454e4c42010060006e6f67616c6573000000000000000000000000000000000000000000000000000102030405060708"
        + "090a0b0c0d0e0f1088776655443322110700000000000000010000000300000040420f0000000000279d1ff0f93b2bdb"
        + "7b7d0a"

    @Test("is a batch, field by field, and is what this program writes")
    func vector() throws {
        var bytes: [UInt8] = []
        var digits = Self.batch[...]
        while let byte = UInt8(digits.prefix(2), radix: 16) {
            bytes.append(byte)
            digits = digits.dropFirst(2)
        }
        let header = try bytes.withUnsafeBytes { try BatchHeader.decodeBatch($0, checksum: .portable).header }
        #expect(header.station.description == "nogales")
        #expect(header.producer.description == "0102030405060708090a0b0c0d0e0f10")
        #expect(header.epoch == 0x1122_3344_5566_7788)
        #expect(header.firstSequence == 7)
        #expect(header.count == 1)
        #expect(header.receivedAt == Timestamp(microseconds: 1_000_000))
        var writer = ByteWriter()
        header.encode(into: &writer, checksum: .portable)
        #expect(writer.array + Array("{}\n".utf8) == bytes)
    }
}
