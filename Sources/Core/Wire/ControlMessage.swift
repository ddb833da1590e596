import Bytes

/// One stretch of a producer's sequences: those that it accepted between two openings of its outbox.
public struct EpochStart: Hashable, Sendable {
    /// The random name of the epoch.
    public var epoch: UInt64
    /// The first sequence it may have accepted.
    public var firstSequence: UInt64

    /// Joins the two.
    public init(epoch: UInt64, firstSequence: UInt64) {
        self.epoch = epoch
        self.firstSequence = firstSequence
    }
}

/// What a producer tells the sink about itself, every quarter of a second.
public struct Hello: Hashable, Sendable {
    /// The producer's id.
    public var producer: Identifier128
    /// Its station.
    public var station: StationName
    /// Its epochs that still have sequences in the outbox, oldest first; the last one is the current one.
    public var epochs: [EpochStart]
    /// The oldest sequence still in the outbox, or `next` when it is empty.
    public var oldest: UInt64
    /// The sequence that the next event will get.
    public var next: UInt64
    /// The archive that committed last, or zero.
    public var archive: Identifier128
    /// The last sequence that that archive committed.
    public var committed: UInt64
    /// The newest generation of that archive that the producer has heard of; 0 for none.
    public var generation: UInt32

    /// Joins the fields.
    public init(
        producer: Identifier128,
        station: StationName,
        epochs: [EpochStart],
        oldest: UInt64,
        next: UInt64,
        archive: Identifier128,
        committed: UInt64,
        generation: UInt32
    ) {
        self.producer = producer
        self.station = station
        self.epochs = epochs
        self.oldest = oldest
        self.next = next
        self.archive = archive
        self.committed = committed
        self.generation = generation
    }

    /// The most epochs a hello may list.
    public static let maximumEpochs = 256
}

/// The sink's answer to a hello.
public struct Welcome: Hashable, Sendable {
    /// The producer that is meant.
    public var producer: Identifier128
    /// The current epoch of the hello that is answered: a copy of the producer's outbox has another one.
    public var epoch: UInt64
    /// This run of the sink.
    public var sink: Identifier128
    /// The archive's id.
    public var archive: Identifier128
    /// The archive's generation.
    public var generation: UInt32
    /// The last sequence of the producer's current line of epochs that is on the archive's disk.
    public var watermark: UInt64
    /// How many raw payload bytes the producer may have dispatched above the watermark; 0 when refused.
    public var windowBytes: UInt64
    /// Why the sink takes nothing from this producer, empty when it does.
    public var refusal: String

    /// Joins the fields.
    public init(
        producer: Identifier128,
        epoch: UInt64,
        sink: Identifier128,
        archive: Identifier128,
        generation: UInt32,
        watermark: UInt64,
        windowBytes: UInt64,
        refusal: String
    ) {
        self.producer = producer
        self.epoch = epoch
        self.sink = sink
        self.archive = archive
        self.generation = generation
        self.watermark = watermark
        self.windowBytes = windowBytes
        self.refusal = refusal
    }
}

/// What producer and sink say to each other.
public enum ControlMessage: Hashable, Sendable {
    case hello(Hello)
    case welcome(Welcome)
    /// Everything of the line that `epoch` belongs to is on disk through `through`.
    case commit(producer: Identifier128, epoch: UInt64, through: UInt64)
    /// Everything of the line that `epoch` belongs to from `from` on was dropped; send it again later.
    case nack(producer: Identifier128, epoch: UInt64, from: UInt64)

    /// Appends the frame.
    public func encode(into writer: inout ByteWriter) {
        switch self {
        case .hello(let hello):
            writer.append(frame: .hello)
            writer.append(identifier: hello.producer)
            writer.append(shortText: hello.station.description)
            writer.append(littleEndian: UInt16(hello.epochs.count))
            for start in hello.epochs {
                writer.append(littleEndian: start.epoch)
                writer.append(littleEndian: start.firstSequence)
            }
            writer.append(littleEndian: hello.oldest)
            writer.append(littleEndian: hello.next)
            writer.append(identifier: hello.archive)
            writer.append(littleEndian: hello.committed)
            writer.append(littleEndian: hello.generation)
        case .welcome(let welcome):
            writer.append(frame: .welcome)
            writer.append(identifier: welcome.producer)
            writer.append(littleEndian: welcome.epoch)
            writer.append(identifier: welcome.sink)
            writer.append(identifier: welcome.archive)
            writer.append(littleEndian: welcome.generation)
            writer.append(littleEndian: welcome.watermark)
            writer.append(littleEndian: welcome.windowBytes)
            writer.append(shortText: welcome.refusal)
        case .commit(let producer, let epoch, let sequence), .nack(let producer, let epoch, let sequence):
            if case .commit = self { writer.append(frame: .commit) } else { writer.append(frame: .nack) }
            writer.append(identifier: producer)
            writer.append(littleEndian: epoch)
            writer.append(littleEndian: sequence)
        }
    }

    /// Reads the frame.
    public static func decode(_ bytes: UnsafeRawBufferPointer) throws(FrameError) -> ControlMessage {
        var (kind, reader) = try openFrame(bytes)
        do throws(ByteReader.Malformed) {
            switch kind {
            case .hello: return .hello(try decodeHello(&reader))
            case .welcome:
                return .welcome(
                    Welcome(
                        producer: try reader.readIdentifier(),
                        epoch: try reader.read(UInt64.self),
                        sink: try reader.readIdentifier(),
                        archive: try reader.readIdentifier(),
                        generation: try reader.read(UInt32.self),
                        watermark: try reader.read(UInt64.self),
                        windowBytes: try reader.read(UInt64.self),
                        refusal: try reader.readText()
                    )
                )
            case .commit:
                return .commit(
                    producer: try reader.readIdentifier(),
                    epoch: try reader.read(UInt64.self),
                    through: try reader.read(UInt64.self)
                )
            case .nack:
                return .nack(
                    producer: try reader.readIdentifier(),
                    epoch: try reader.read(UInt64.self),
                    from: try reader.read(UInt64.self)
                )
            default: throw ByteReader.Malformed()
            }
        } catch { throw .short }
    }

    private static func decodeHello(_ reader: inout ByteReader) throws(ByteReader.Malformed) -> Hello {
        let producer = try reader.readIdentifier()
        guard let station = StationName(try reader.readText()) else { throw ByteReader.Malformed() }
        let count = try reader.read(UInt16.self)
        guard count > 0, count <= Hello.maximumEpochs else { throw ByteReader.Malformed() }
        var epochs: [EpochStart] = []
        for _ in 0..<count {
            let epoch = try reader.read(UInt64.self)
            let first = try reader.read(UInt64.self)
            guard first > 0, first >= epochs.last?.firstSequence ?? 0, first < UInt64(Int64.max) else {
                throw ByteReader.Malformed()
            }
            epochs.append(EpochStart(epoch: epoch, firstSequence: first))
        }
        let hello = Hello(
            producer: producer,
            station: station,
            epochs: epochs,
            oldest: try reader.read(UInt64.self),
            next: try reader.read(UInt64.self),
            archive: try reader.readIdentifier(),
            committed: try reader.read(UInt64.self),
            generation: try reader.read(UInt32.self)
        )
        guard hello.oldest > 0, hello.oldest <= hello.next, hello.next < UInt64(Int64.max),
            hello.committed < hello.next,
            hello.generation < .max / 2
        else { throw ByteReader.Malformed() }
        return hello
    }
}
