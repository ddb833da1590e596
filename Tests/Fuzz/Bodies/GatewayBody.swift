import Bytes
import EventJSON
import ProducerStage
import SinkStage

enum GatewayBody {
    /// A header, and the answer that a malformed one gets.
    static func run(_ input: UnsafeRawBufferPointer) throws {
        let header: GatewayHeader
        do throws(GatewayHeader.Malformed) { header = try GatewayHeader(input) } catch {
            try expect(!error.reason.isEmpty, "a refusal without a reason")
            let answer = GatewayAnswer.failed(gateway: nil, request: error.request, reason: error.reason, retry: false)
            try expect((try? JSONValue.parse(answer)) != nil, "an answer is not JSON")
            return
        }
        try expect(input.count <= GatewayHeader.maximumBytes, "a header of \(input.count) bytes is taken")
        let name = header.gateway.utf8
        try expect((1...64).contains(name.count) && name.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "a gateway's name")
        if case .publish(let request, let lowest) = header.wish {
            try expect(lowest > 0 && lowest <= request, "request \(request) with lowest \(lowest)")
            let answer = GatewayAnswer.failed(gateway: nil, request: request, reason: "\"\n", retry: true)
            try expect((try? JSONValue.parse(answer))?["request"]?.unsigned == request, "an answer to another request")
        }
    }

    /// A request to the replay endpoint.
    static func runReplay(_ input: UnsafeRawBufferPointer) throws {
        guard let request = ReplayRequest(input) else { return }
        if case .events(_, _, let limit, _) = request {
            try expect(limit > 0, "a limit of \(limit) bytes")
        }
    }

    /// The record of how far a file is read.
    static func runInputRecord(_ input: UnsafeRawBufferPointer) throws {
        guard let record = InputRecord(Array(input)) else { return }
        try expect(InputRecord(record.encoded) == record, "a record changes")
    }
}
