import Bytes
import CSimdJSON
import Glibc
import Incident

/// Reads events: parses, checks, normalises. One a thread; nothing is allocated for an event that is taken.
///
/// What it returns views its own memory and lives until the next call.
public final class EventReader {
    /// Bytes that must be readable behind an event that is given as padded.
    public static let padding = Int(CSJ_PADDING)

    /// What events are checked against.
    public let checker: IncidentChecker
    private let parser: OpaquePointer
    private var scratch = ByteWriter(capacity: 4096)

    /// Makes a reader with memory for the longest event that the checker's limits allow.
    public init(checker: IncidentChecker) {
        self.checker = checker
        let limits = checker.limits
        guard let parser = csj_parser_create(limits.eventBytes + 1024, UInt32(limits.nodes), UInt32(limits.depth))
        else { fatalError("no memory for an event reader") }
        self.parser = parser
    }

    deinit { csj_parser_destroy(parser) }

    /// Parses and checks one event of our own form. `isPadded` promises `padding` readable bytes behind it.
    public func read(
        _ raw: UnsafeRawBufferPointer,
        isPadded: Bool,
        station: StationPolicy
    ) throws(Refusal) -> Incident {
        let tape = try parse(raw, isPadded: isPadded)
        return try check(tape, raw: raw, station: station)
    }

    /// Checks an event as a gateway sent it, in our own form or as a CloudEvent, and appends it as one line.
    ///
    /// The bytes stay as they came, but for line breaks and tabs between tokens, which become spaces, white space
    /// and a byte order mark around the event, which go, and a CloudEvent's envelope: its `data` is the event,
    /// its `id` and `traceparent` are put in where `data` has none. No line feed is appended. When the event is
    /// refused, nothing is. `isPadded` promises `padding` readable bytes behind the event.
    public func normalise(
        _ event: UnsafeRawBufferPointer,
        isPadded: Bool = false,
        into writer: inout ByteWriter,
        station: StationPolicy
    ) throws(Refusal) -> Incident {
        let body = trimmed(event)
        let tape = try parse(body, isPadded: isPadded)
        if tape.member("specversion") != nil {
            do throws(Refusal) { try unwrap(tape, body) } catch { throw checker.personalFirst(error, tape) }
            let inner = try parse(scratch.bytes, isPadded: false)
            let incident = try check(inner, raw: scratch.bytes, station: station)
            try checkPlain(scratch.bytes)
            appendLine(scratch.bytes, to: &writer)
            return incident
        }
        let incident = try check(tape, raw: body, station: station)
        try checkPlain(body)
        appendLine(body, to: &writer)
        return incident
    }

    private func check(
        _ tape: EventTape,
        raw: UnsafeRawBufferPointer,
        station: StationPolicy
    ) throws(Refusal) -> Incident {
        let incident = try checker.check(tape, station: station)
        let most = checker.limits.extraBytes
        if raw.count > most, let extra = TopLevelReader.value(of: "extra", in: raw), extra.count > most {
            throw Refusal(field: "extra", reason: "is longer than \(most) bytes; shorten it")
        }
        return incident
    }

    /// Whoever reads the line later finds these by their bytes, without parsing: the archive when it filters by time,
    /// the live stream when it makes a topic. Written with escapes they would be missed there, silently.
    private func checkPlain(_ raw: UnsafeRawBufferPointer) throws(Refusal) {
        guard let start = raw.baseAddress, memchr(start, 0x5C, raw.count) != nil else { return }
        guard !TopLevelReader.hasEscapedName(raw) else {
            throw Refusal(field: nil, reason: "has a field whose name is written with a backslash; write it plainly")
        }
        for name in ["occurred_at", "station", "category"] as [StaticString] {
            guard TopLevelReader.string(of: name, in: raw) != nil else {
                throw Refusal(field: "\(name)", reason: "is written with a backslash; write it plainly")
            }
        }
    }

    private func parse(_ raw: UnsafeRawBufferPointer, isPadded: Bool) throws(Refusal) -> EventTape {
        guard raw.count <= checker.limits.eventBytes else { throw refusal(CSJ_TOO_LONG) }
        var nodes: UnsafePointer<csj_node>?
        var count: UInt32 = 0
        let status = csj_parse(
            parser,
            raw.baseAddress?.assumingMemoryBound(to: UInt8.self),
            raw.count,
            isPadded ? raw.count + Self.padding : raw.count,
            &nodes,
            &count
        )
        guard status == Int32(CSJ_OK.rawValue), let nodes else { throw refusal(csj_status(UInt32(status))) }
        let start = UnsafeRawPointer(nodes).assumingMemoryBound(to: EventNode.self)
        return EventTape(UnsafeBufferPointer(start: start, count: Int(count)))
    }

    private func refusal(_ status: csj_status) -> Refusal {
        let limits = checker.limits
        let reason =
            switch status {
            case CSJ_NOT_UTF8: "is not UTF-8; save or send the text as UTF-8"
            case CSJ_TOO_DEEP: "is nested deeper than \(limits.depth) levels; flatten it"
            case CSJ_TOO_LONG: "is longer than \(limits.eventBytes) bytes; shorten it"
            case CSJ_TRAILING: "has trailing content behind the event; write one JSON object a line"
            case CSJ_TOO_MANY_NODES: "is longer than \(limits.nodes) values; shorten it"
            case CSJ_BAD_NUMBER: "is not JSON: a number is badly written or out of range"
            case CSJ_EMPTY: "is not JSON: there is nothing but white space"
            case CSJ_NO_MEMORY: "cannot be read: no memory; send it again"
            default: "is not JSON; write one complete JSON object a line"
            }
        return Refusal(field: nil, reason: reason)
    }

    private func trimmed(_ event: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var start = 0
        var end = event.count
        if event.count >= 3, event[0] == 0xEF, event[1] == 0xBB, event[2] == 0xBF { start = 3 }
        while start < end, isSpace(event[start]) { start += 1 }
        while end > start, isSpace(event[end - 1]) { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: event[start..<end])
    }

    /// Appends an event; what is below a space can only stand between tokens, strings hold none.
    private func appendLine(_ body: UnsafeRawBufferPointer, to writer: inout ByteWriter) {
        let start = writer.count
        writer.append(body)
        var at = 0
        while at < body.count {
            // Eight at a time: a byte below a space borrows into its highest bit, which it does not have itself.
            if at &+ 8 <= body.count {
                let word = body.loadUnaligned(fromByteOffset: at, as: UInt64.self)
                if (word &- 0x2020_2020_2020_2020) & ~word & 0x8080_8080_8080_8080 == 0 {
                    at &+= 8
                    continue
                }
            }
            let end = min(at &+ 8, body.count)
            while at < end {
                if body[at] < 0x20 { writer.overwrite(at: start + at, littleEndian: UInt8(0x20)) }
                at &+= 1
            }
        }
    }

    /// Writes a CloudEvent's `data`, with what the envelope adds, to `scratch`.
    private func unwrap(_ tape: EventTape, _ body: UnsafeRawBufferPointer) throws(Refusal) {
        for name in ["specversion", "id", "source", "type"] as [StaticString] {
            guard let at = tape.member(name) else {
                throw Refusal(field: "\(name)", reason: "is missing; a CloudEvent needs it")
            }
            guard let text = tape.nodes[at].string, !text.isEmpty else {
                throw Refusal(field: "\(name)", reason: "must be a string that is not empty")
            }
            if name.description == "specversion", !(text == "1.0") {
                throw Refusal(field: "specversion", reason: "must be 1.0")
            }
        }
        guard let at = tape.member("data"), let data = TopLevelReader.value(of: "data", in: body) else {
            throw Refusal(field: "data", reason: "is missing; it holds the event")
        }
        let event = tape.nodes[at]
        guard event.isObject else { throw Refusal(field: "data", reason: "must be an object: the event") }
        try checkEnvelopeNames(tape)
        scratch.removeAll()
        scratch.append("{")
        var isFirst = true
        for name in ["id", "traceparent"] as [StaticString] {
            guard let text = tape.member(name).flatMap({ tape.nodes[$0].string }),
                !holds(name, tape, at)
            else { continue }
            if !isFirst { scratch.append(",") }
            isFirst = false
            scratch.append("\"")
            scratch.append(name)
            scratch.append("\":")
            scratch.append(jsonString: text)
        }
        if !isFirst, event.childCount > 0 { scratch.append(",") }
        scratch.append(UnsafeRawBufferPointer(rebasing: data[1...]))
    }

    private func holds(_ name: StaticString, _ tape: EventTape, _ object: Int) -> Bool {
        var at = object + 1
        while at < Int(tape.nodes[object].next) {
            if tape.nodes[at].keyText == name { return true }
            at = Int(tape.nodes[at].next)
        }
        return false
    }

    /// The envelope may have extensions, but nothing twice and, as the event itself, nothing about a person.
    private func checkEnvelopeNames(_ tape: EventTape) throws(Refusal) {
        if let field = checker.personalField(tape) {
            throw checker.personalFirst(Refusal(field: field, reason: ""), tape)
        }
        var names: Set<String> = []
        for name in tape.fieldNames {
            guard names.insert(name).inserted else {
                throw Refusal(field: name, reason: "is a duplicate key; keep one of them")
            }
        }
    }
}

@inline(__always)
private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }
