import Bytes
import EventJSON
import Incident
import ReferenceData
import Relevance

/// The repository's own reference data and rules, loaded once.
enum Seeds {
    static let directory =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
        .joined(separator: "/") + "/seeds"

    static let bundle: ReferenceBundle = {
        do { return try ReferenceBundle.load(directory: directory) } catch {
            fatalError("the reference data cannot be loaded: \(error)")
        }
    }()
    static let checker = bundle.makeChecker()

    /// Calls `body` with a copy of the bytes that has as many readable bytes behind it as a parser may want.
    static func withPadding<Result>(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        let padded = Array(bytes) + [UInt8](repeating: 0x7D, count: EventReader.padding)
        return try padded.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[..<bytes.count])) }
    }
}
