import Bytes
import Wire

/// The bodies of the answers that a producer gives to gateways. `docs/wire.md` describes them.
///
/// Each names the gateway that is meant: ZeroMQ delivers by the connection's routing id, and two gateways that chose the
/// same one, or share a connection, must not take each other's answers for their own.
package enum GatewayAnswer {
    /// One refused event of a request.
    struct Refused: Sendable {
        /// Its place in the request, from 1.
        var event: Int
        var field: String?
        var reason: String
    }

    /// What was taken and what was not; definitive.
    static func taken(
        gateway: String,
        request: UInt64,
        producer: Identifier128,
        epoch: UInt64,
        first: UInt64,
        accepted: Int,
        refused: [Refused]
    ) -> [UInt8] {
        var writer = begin(gateway)
        writer.append("\"request\":")
        writer.append(string: String(request))
        writer.append(accepted > 0 || refused.isEmpty ? ",\"status\":\"accepted\"" : ",\"status\":\"refused\"")
        writer.append(",\"producer\":\"")
        writer.append(string: producer.description)
        writer.append("\",\"epoch\":\"")
        writer.append(hex: epoch)
        writer.append("\",\"first\":")
        if accepted > 0 { writer.append(string: String(first)) } else { writer.append("null") }
        writer.append(",\"accepted\":")
        writer.append(decimal: Int64(accepted))
        writer.append(",\"refused\":[")
        for (index, entry) in refused.enumerated() {
            if index > 0 { writer.append(",") }
            writer.append("{\"event\":")
            writer.append(decimal: Int64(entry.event))
            writer.append(",\"field\":")
            if let field = entry.field { writer.append(jsonString: field) } else { writer.append("null") }
            writer.append(",\"reason\":")
            writer.append(jsonString: entry.reason)
            writer.append("}")
        }
        writer.append("]}")
        return writer.array
    }

    /// The request as a whole was not taken. With `retry` the same request may be sent again later.
    package static func failed(gateway: String?, request: UInt64?, reason: String, retry: Bool) -> [UInt8] {
        var writer = begin(gateway)
        writer.append("\"request\":")
        if let request { writer.append(string: String(request)) } else { writer.append("null") }
        writer.append(retry ? ",\"status\":\"unavailable\"" : ",\"status\":\"error\"")
        writer.append(",\"reason\":")
        writer.append(jsonString: reason)
        writer.append(retry ? ",\"retry\":true}" : ",\"retry\":false}")
        return writer.array
    }

    /// How far the producer and the archive are.
    static func progress(gateway: String, producer: Identifier128, epoch: UInt64, accepted: UInt64, archived: UInt64)
        -> [UInt8]
    {
        var writer = begin(gateway)
        writer.append("\"status\":\"progress\",\"producer\":\"")
        writer.append(string: producer.description)
        writer.append("\",\"epoch\":\"")
        writer.append(hex: epoch)
        writer.append("\",\"accepted_through\":")
        writer.append(string: String(accepted))
        writer.append(",\"archived_through\":")
        writer.append(string: String(archived))
        writer.append("}")
        return writer.array
    }

    /// The gateway's record is gone.
    static func forgotten(gateway: String, known: Bool) -> [UInt8] {
        var writer = begin(gateway)
        writer.append(string: "\"status\":\"forgotten\",\"known\":\(known)}")
        return writer.array
    }

    private static func begin(_ gateway: String?) -> ByteWriter {
        var writer = ByteWriter(capacity: 256)
        writer.append("{\"gateway\":")
        if let gateway { writer.append(jsonString: gateway) } else { writer.append("null") }
        writer.append(",")
        return writer
    }
}
