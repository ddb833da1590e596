import Bytes
import EventJSON
import Platform
import Wire

/// A refused event as it lies in its file.
public struct StoredReject: Sendable {
    /// The file.
    public var file: String
    /// Its line there, from 1.
    public var fileLine: Int
    /// The record.
    public var value: JSONValue
    /// The line as it lies there, without its line feed.
    public var text: String

    /// Joins the fields.
    public init(file: String, fileLine: Int, value: JSONValue, text: String) {
        self.file = file
        self.fileLine = fileLine
        self.value = value
        self.text = text
    }

    /// Dense from 1 within the producer that refused it.
    public var number: UInt64 { value["number"]?.unsigned ?? 0 }
    /// The producer that refused it.
    public var producer: String { value["producer"]?.string ?? "" }
    /// That producer's station.
    public var station: String { value["station"]?.string ?? "" }
    /// Who brought the event.
    public var source: String { value["source"]?.string ?? "" }
    /// Its line or place there.
    public var line: UInt64 { value["line"]?.unsigned ?? 0 }
    /// The field that was wrong, when it was one.
    public var field: String? { value["field"]?.string }
    /// What was wrong.
    public var reason: String { value["reason"]?.string ?? "" }
    /// When it was refused.
    public var at: String { value["at"]?.string ?? "" }
    /// The event as it came; nil when it was not kept, was cut, or is no text.
    public var event: String? { isCut ? nil : value["event"]?.string }
    /// Whether only its beginning was kept.
    public var isCut: Bool { value["is_cut"]?.boolean ?? false }
    /// Names the record among all of a state directory.
    public var key: String { "\(producer)-\(number)" }

    /// Why it cannot be sent again; nil when it can.
    public var hindrance: String? {
        if event != nil { return nil }
        if isCut { return "it is too long and was cut: only its beginning is kept; shorten the event at its source" }
        if value["fields"] != nil {
            return "it named or profiled a person, so that only field names and a hash are kept; "
                + "send it again from its source without these fields"
        }
        return "it is not UTF-8 text; send it again from its source as UTF-8"
    }
}

/// Reads the files of refused events: `STATE/rejects/station=S/DATE.jsonl`.
public enum RejectFiles {
    /// Gives every record, by station, day and place. `body` returns false to end.
    public static func read(
        _ stateDirectory: String,
        stations: [StationName] = [],
        holding needle: [UInt8] = [],
        _ body: (StoredReject) throws -> Bool
    ) throws {
        let root = stateDirectory + "/rejects"
        guard Files.isDirectory(root) else { return }
        for folder in try Files.list(root) where folder.hasPrefix("station=") {
            guard let name = StationName(folder.dropFirst("station=".count)),
                stations.isEmpty || stations.contains(name)
            else { continue }
            for file in try Files.list("\(root)/\(folder)") where file.hasSuffix(".jsonl") {
                let path = "\(root)/\(folder)/\(file)"
                // Files of days long past are removed by the producers.
                guard let bytes = try? Files.read(path) else { continue }
                guard try read(bytes, path, needle, body) else { return }
            }
        }
    }

    private static func read(
        _ bytes: [UInt8],
        _ path: String,
        _ needle: [UInt8],
        _ body: (StoredReject) throws -> Bool
    ) throws -> Bool {
        try bytes.withUnsafeBytes { raw in
            guard needle.isEmpty || ByteSearch.find(needle, in: raw) != nil else { return true }
            var (at, number) = (0, 0)
            // What has no line feed is being written.
            while let end = raw[at...].firstIndex(of: 0x0A) {
                let line = UnsafeRawBufferPointer(rebasing: raw[at..<end])
                at = end + 1
                number += 1
                guard needle.isEmpty || ByteSearch.find(needle, in: line) != nil,
                    let value = try? JSONValue.parse(line)
                else { continue }
                let text = String(decoding: line, as: UTF8.self)
                guard try body(StoredReject(file: path, fileLine: number, value: value, text: text)) else {
                    return false
                }
            }
            return true
        }
    }
}
