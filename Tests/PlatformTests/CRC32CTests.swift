import Bytes
import Platform
import Testing

@Suite("CRC-32C")
struct CRC32CTests {
    /// Vectors of RFC 3720, appendix B.4.
    static let vectors: [(name: String, bytes: [UInt8], checksum: UInt32)] = [
        ("32 zeros", [UInt8](repeating: 0, count: 32), 0x8A91_36AA),
        ("32 ones", [UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
        ("0 to 31", Array(0..<32), 0x46DD_794E),
        ("31 to 0", Array((0..<32).reversed()), 0x113F_DB5C),
        (
            "an iSCSI read command",
            [
                0x01, 0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0,
                0, 0, 0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0,
            ], 0xD996_3A56
        ),
        ("123456789", Array("123456789".utf8), 0xE306_9283),
        ("nothing", [], 0),
    ]

    @Test(arguments: vectors.indices)
    func `both versions give the published checksums`(index: Int) {
        let (name, bytes, checksum) = Self.vectors[index]
        bytes.withUnsafeBytes { raw in
            #expect(CRC32C.portable.checksum(of: raw) == checksum, "\(name)")
            #expect(CRC32C.hardware.checksum(of: raw) == checksum, "\(name)")
        }
    }

    @Test func `the two versions agree at every length and alignment`() {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<300).map { _ in UInt8.random(in: 0...255, using: &generator) }
        bytes.withUnsafeBytes { raw in
            for start in 0..<9 {
                for count in 0...(raw.count - start) {
                    let part = UnsafeRawBufferPointer(rebasing: raw[start..<start + count])
                    #expect(CRC32C.hardware.checksum(of: part) == CRC32C.portable.checksum(of: part))
                }
            }
        }
    }

    @Test func `a checksum extended in pieces is the checksum of the whole`() {
        let bytes = Array("Nogales — Agua Prieta — Sásabe".utf8)
        bytes.withUnsafeBytes { raw in
            let whole = CRC32C.hardware.checksum(of: raw)
            for cut in 0...raw.count {
                let head = CRC32C.hardware.checksum(of: UnsafeRawBufferPointer(rebasing: raw[..<cut]))
                let both = CRC32C.hardware.extend(head, over: UnsafeRawBufferPointer(rebasing: raw[cut...]))
                #expect(both == whole)
            }
        }
    }
}
