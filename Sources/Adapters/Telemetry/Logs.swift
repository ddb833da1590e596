import Bytes
import Glibc
import Logging

/// Log lines on standard error: each one a single write, so that lines of several threads never mix.
public struct LineLogHandler: LogHandler {
    /// How a line is written.
    public enum Format: Sendable { case text, json }

    /// For every line of this handler.
    public var metadata: Logger.Metadata = [:]
    /// The least important lines that are written.
    public var logLevel: Logger.Level

    private let program: String
    private let format: Format
    private let now: @Sendable () -> Timestamp
    private let descriptor: Int32

    /// Makes a handler.
    ///
    /// - Parameters:
    ///   - program: Stands in every line.
    ///   - now: The wall clock.
    ///   - descriptor: Where lines go.
    public init(
        program: String,
        level: Logger.Level,
        format: Format,
        now: @escaping @Sendable () -> Timestamp,
        descriptor: Int32 = 2
    ) {
        self.program = program
        logLevel = level
        self.format = format
        self.now = now
        self.descriptor = descriptor
    }

    /// One entry of the metadata.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one line.
    public func log(event: LogEvent) {
        var line = ByteWriter(capacity: 256)
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        switch format {
        case .text: appendText(event, fields, to: &line)
        case .json: appendJSON(event, fields, to: &line)
        }
        line.append(0x0A)
        let bytes = line.bytes
        // Nobody listens any more, or the disk behind the redirection is full: there is nowhere to say so.
        while write(descriptor, bytes.baseAddress, bytes.count) < 0, errno == EINTR {}
    }

    private func appendText(
        _ event: LogEvent,
        _ fields: [(key: String, value: Logger.MetadataValue)],
        to line: inout ByteWriter
    ) {
        line.append(timestamp: now())
        line.append(string: " \(event.level.rawValue) \(program): ")
        line.append(string: Self.plain("\(event.message)"))
        for (key, value) in fields {
            line.append(string: " \(key)=")
            let text = "\(value)"
            if text.isEmpty || text.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) {
                line.append(jsonString: text)
            } else {
                line.append(string: Self.plain(text))
            }
        }
    }

    private func appendJSON(
        _ event: LogEvent,
        _ fields: [(key: String, value: Logger.MetadataValue)],
        to line: inout ByteWriter
    ) {
        line.append("{\"time\":\"")
        line.append(timestamp: now())
        line.append("\",\"level\":\"")
        line.append(string: event.level.rawValue)
        line.append("\",\"program\":")
        line.append(jsonString: program)
        line.append(",\"message\":")
        line.append(jsonString: "\(event.message)")
        for (key, value) in fields {
            line.append(",")
            line.append(jsonString: key)
            line.append(":")
            line.append(jsonString: "\(value)")
        }
        line.append("}")
    }

    /// Control characters would let a message pretend to be another line.
    private static func plain(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) else { return text }
        return String(
            text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? "\u{FFFD}" : Character($0) }
        )
    }
}
