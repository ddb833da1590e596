import Bytes
import CPlatform

extension CRC32C {
    /// The processor's own instruction where it has one, `portable` elsewhere. The same results either way.
    public static let hardware: CRC32C =
        enlace_has_crc32c() != 0
        ? CRC32C { checksum, start, count in enlace_crc32c_hardware(checksum, start, count) } : .portable
}
