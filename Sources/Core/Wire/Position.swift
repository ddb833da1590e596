import Bytes

/// A place in the archive: a station and an offset, dense from 0. Written `nogales@1234`.
public struct ArchivePosition: Hashable, Sendable, CustomStringConvertible {
    /// The station.
    public var station: StationName
    /// How many events of the station lie before it.
    public var offset: UInt64

    /// Joins the two.
    public init(station: StationName, offset: UInt64) {
        self.station = station
        self.offset = offset
    }

    /// Reads `nogales@1234`.
    public init?(_ text: some StringProtocol) {
        guard let at = text.lastIndex(of: "@"), let station = StationName(text[..<at]) else { return nil }
        let digits = text[text.index(after: at)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }), let offset = UInt64(digits) else {
            return nil
        }
        self.init(station: station, offset: offset)
    }

    /// `nogales@1234`.
    public var description: String { "\(station)@\(offset)" }
}
