import Bytes
import EventJSON
import Incident
import ProducerStage
import ReferenceData
import Wire

enum EventBody {
    // One input runs at a time: libFuzzer has one thread, and the tests run one after the other.
    nonisolated(unsafe) private static let reader = EventReader(checker: Seeds.checker)
    nonisolated(unsafe) private static let second = EventReader(checker: Seeds.checker)

    /// An event as it came.
    static func run(_ input: UnsafeRawBufferPointer) throws { _ = try accepted(input) }

    /// An event as it came, and the same in a CloudEvent's envelope.
    static func runWrapped(_ input: UnsafeRawBufferPointer) throws {
        guard let plain = try accepted(input) else { return }
        let head = Array(#"{"specversion":"1.0","id":"a","source":"s","type":"t","data":"#.utf8)
        let wrapped = head + plain + Array("}".utf8)
        let line = try wrapped.withUnsafeBytes { try accepted($0) }
        guard let line else {
            // It may have become too long or too deep.
            let isNear = wrapped.count > Limits.eventBytes || plain.count { $0 == 0x5B || $0 == 0x7B } > 6
            return try expect(isNear, "an event is taken, but not in a CloudEvent")
        }
        let hasID = plain.withUnsafeBytes { TopLevelReader.value(of: "id", in: $0) } != nil
        let expected = hasID ? plain : Array(#"{"id":"a","#.utf8) + plain.dropFirst()
        try expect(line == expected, "a CloudEvent's event is another one: \(String(decoding: line, as: UTF8.self))")
    }

    /// The line that an event becomes; nil when it is refused.
    static func accepted(_ input: UnsafeRawBufferPointer) throws -> [UInt8]? {
        var writer = ByteWriter()
        writer.append("before")
        let incident: Incident
        do throws(Refusal) { incident = try reader.normalise(input, into: &writer, station: .known) } catch {
            try expect(writer.count == 6, "a refused event leaves something behind")
            try check(error, of: input)
            return nil
        }
        let line = Array(writer.bytes.dropFirst(6))
        try expect(!line.contains { $0 < 0x20 }, "a control character in an accepted event")
        guard String(validating: line, as: UTF8.self) != nil, case .object(let members)? = try? JSONValue.parse(line)
        else { throw Finding("an accepted event is not a JSON object") }
        let names = members.map(\.name)
        try expect(Set(names).count == names.count, "an accepted event says something twice")
        for name in ["ingest", "cross_border", "release", "specversion"] {
            try expect(!names.contains(name), "an accepted event has \(name)")
        }
        try line.withUnsafeBytes { raw in
            try checkScans(raw, incident)
            try checkAgain(raw, incident)
        }
        try checkPadding(input, line)
        return line
    }

    /// A refusal is one record, and of personal data it keeps nothing but names.
    private static func check(_ refusal: Refusal, of input: UnsafeRawBufferPointer) throws {
        try expect(!refusal.reason.isEmpty, "a refusal without a reason")
        let station = Seeds.bundle.taxonomy.stations[0].name
        let record = RefusalRecord(source: "test", line: 1, station: station).encode(
            input,
            length: input.count,
            refusal: refusal,
            at: Timestamp(microseconds: 0)
        )
        try expect(!record.contains(10), "a refusal's record of several lines")
        guard let value = try? JSONValue.parse(record) else { throw Finding("a refusal's record is not JSON") }
        let isKept = value["event"] != nil || value["event_hex"] != nil
        try expect(isKept != refusal.isPersonal, "a refusal keeps what it should not, or does not keep what it should")
    }

    /// What finds members without parsing finds what the parser found.
    private static func checkScans(_ line: UnsafeRawBufferPointer, _ incident: Incident) throws {
        guard let station = TopLevelReader.string(of: "station", in: line), station == incident.station else {
            throw Finding("the station is not found in the line")
        }
        let category = Seeds.bundle.taxonomy.categories[Int(incident.category.index)].name
        try expect(
            TopLevelReader.string(of: "category", in: line)?.string == category,
            "the category is not found in the line"
        )
        guard let text = TopLevelReader.string(of: "occurred_at", in: line), let time = try? Timestamp.parse(text),
            time == incident.occurredAt
        else { throw Finding("occurred_at is not found in the line") }
        guard Timestamp.writable.contains(time.timestamp) else {
            throw Finding("occurred_at cannot be written: \(time.timestamp.microseconds)")
        }
    }

    /// An accepted line is accepted again, as the same.
    private static func checkAgain(_ line: UnsafeRawBufferPointer, _ incident: Incident) throws {
        let station = incident.station.string
        let occurredAt = incident.occurredAt
        var again = ByteWriter()
        do throws(Refusal) { _ = try second.normalise(line, into: &again, station: .known) } catch {
            throw Finding("an accepted event is refused the second time: \(error)")
        }
        try expect(again.bytes.elementsEqual(line), "an accepted event changes the second time")
        do throws(Refusal) {
            let read = try second.read(line, isPadded: false, station: .known)
            guard read.station.string == station, read.occurredAt == occurredAt else {
                throw Refusal(field: nil, reason: "reads as another event")
            }
        } catch { throw Finding("an enricher refuses an accepted event: \(error)") }
    }

    /// Parsing in place and parsing a copy are the same.
    private static func checkPadding(_ input: UnsafeRawBufferPointer, _ line: [UInt8]) throws {
        var writer = ByteWriter()
        let isTaken = Seeds.withPadding(input) { bytes in
            (try? second.normalise(bytes, isPadded: true, into: &writer, station: .known)) != nil
        }
        try expect(isTaken && writer.bytes.elementsEqual(line), "parsed in place, an event is another one")
    }
}
