import Bytes
import CSimdJSON
import EventJSON

enum JSONBody {
    nonisolated(unsafe) private static let parser = csj_parser_create(1 << 20, 1 << 16, 32)

    static func run(_ input: UnsafeRawBufferPointer) throws {
        let value: JSONValue
        do throws(JSONSyntaxError) { value = try JSONValue.parse(input) } catch {
            try expect((0...input.count).contains(error.offset), "a mistake at \(error.offset) of \(input.count) bytes")
            try expect(!isJSON(input), "simdjson reads what JSONValue refuses: \(error)")
            return
        }
        let text = value.text
        try expect(!text.utf8.contains { $0 < 0x20 }, "a control character in what is written")
        try expect((try? JSONValue.parse(text)) == value, "what is written is not read as the same: \(text)")
        _ = (value.integer, value.unsigned, value.double, value["a"])
        var copy = Array(text.utf8)
        let isSame = copy.withUnsafeMutableBytes { isJSON(UnsafeRawBufferPointer($0)) }
        try expect(isSame || hasNumber(value), "simdjson refuses what JSONValue writes: \(text)")
    }

    /// Whether the parser of events takes it: as deep as 32 levels, and numbers that fit.
    private static func isJSON(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var nodes: UnsafePointer<csj_node>?
        var count: UInt32 = 0
        let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let status = csj_parse(parser, start, bytes.count, bytes.count, &nodes, &count)
        return status == Int32(CSJ_OK.rawValue)
    }

    /// Whether simdjson may refuse it for a number that is out of range, or for its depth.
    private static func hasNumber(_ value: JSONValue, depth: Int = 1) -> Bool {
        switch value {
        case .number: true
        case .array(let elements): depth >= 31 || elements.contains { hasNumber($0, depth: depth + 1) }
        case .object(let members): depth >= 31 || members.contains { hasNumber($0.value, depth: depth + 1) }
        default: false
        }
    }
}

enum TimestampBody {
    static func run(_ input: UnsafeRawBufferPointer) throws {
        if let written = try? Timestamp.parse(Text(input)) {
            try expect(abs(written.offsetMinutes) < 24 * 60, "an offset of \(written.offsetMinutes) minutes")
            try check(written.timestamp)
        }
        guard input.count >= 8 else { return }
        try check(Timestamp(microseconds: input.loadUnaligned(as: Int64.self)))
    }

    private static func check(_ moment: Timestamp) throws {
        let text = moment.description
        var bytes = Array(text.utf8)
        let again = bytes.withUnsafeMutableBytes { raw in
            Result { () throws(Timestamp.ParseError) in try Timestamp.parse(Text(UnsafeRawBufferPointer(raw))) }
        }
        switch again {
        case .success(let written):
            let isWritable = Timestamp.writable.contains(moment)
            try expect(written.timestamp == moment || !isWritable, "\(moment.microseconds) is written as \(text)")
            try expect(written.offsetMinutes == 0, "\(text) is not in UTC")
        case .failure(let error): throw Finding("\(moment.microseconds) is written as \(text): \(error)")
        }
        try expect(moment.utcDate.utf8.count == 10, "the date of \(text) is \(moment.utcDate)")
    }
}
