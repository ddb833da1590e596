import Bytes
import Crypto
import Incident
import Wire

/// The record that is kept of a refused event or line: one JSON object.
package struct RefusalRecord {
    /// Who brought it, such as `gateway:dispatch-7` or `file:incidents.jsonl`.
    var source: String
    /// Line of a file or place in a request, from 1.
    var line: Int
    /// The station of the producer that refused it.
    var station: StationName

    /// Joins the fields.
    package init(source: String, line: Int, station: StationName) {
        self.source = source
        self.line = line
        self.station = station
    }

    /// Builds the record. Of an event with personal data only field names and a hash are kept.
    ///
    /// - Parameter length: how long the event was when `event` holds only its beginning.
    package func encode(
        _ event: UnsafeRawBufferPointer,
        length: Int,
        refusal: Refusal,
        at time: Timestamp
    ) -> [UInt8] {
        var writer = ByteWriter(capacity: event.count + 512)
        writer.append("{\"at\":\"")
        writer.append(timestamp: time)
        writer.append("\",\"station\":")
        writer.append(jsonString: station.description)
        writer.append(",\"source\":")
        writer.append(jsonString: source)
        writer.append(",\"line\":")
        writer.append(decimal: Int64(line))
        writer.append(",\"field\":")
        if let field = refusal.field { writer.append(jsonString: field) } else { writer.append("null") }
        writer.append(",\"reason\":")
        writer.append(jsonString: refusal.reason)
        writer.append(",\"bytes\":")
        writer.append(decimal: Int64(length))
        if length == event.count {
            writer.append(",\"sha256\":\"")
            for byte in SHA256.hash(data: event) { writer.append(hex: byte) }
            writer.append("\"")
        }
        if refusal.isPersonal {
            writer.append(",\"fields\":[")
            for (index, name) in refusal.fieldNames.enumerated() {
                if index > 0 { writer.append(",") }
                writer.append(jsonString: name)
            }
            writer.append("]}")
            return writer.array
        }
        appendContent(event, to: &writer)
        if length != event.count { writer.append(",\"is_cut\":true") }
        writer.append("}")
        return writer.array
    }

    /// The event as it came: as text when it is text, else in hexadecimal digits.
    private func appendContent(_ event: UnsafeRawBufferPointer, to writer: inout ByteWriter) {
        if let text = String(validating: event, as: UTF8.self) {
            writer.append(",\"event\":")
            writer.append(jsonString: text)
        } else {
            writer.append(",\"event_hex\":\"")
            for byte in event { writer.append(hex: byte) }
            writer.append("\"")
        }
    }
}

extension ByteWriter {
    fileprivate mutating func append(hex byte: UInt8) {
        for nibble in [byte >> 4, byte & 15] { append(nibble < 10 ? nibble + 48 : nibble + 87) }
    }
}
