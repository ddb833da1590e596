import Bytes

/// The kinds of first frames that our own processes send each other. `docs/wire.md` has the layouts.
public enum FrameKind: UInt8, Sendable, CaseIterable {
    /// Worker to producer: I live, I can hold so many batches, I hold these.
    case workerHeartbeat = 1
    /// Worker to producer: this batch has gone to the sink.
    case workerDone = 2
    /// Worker to producer: I stop; what I held I give back.
    case workerGoodbye = 3
    /// Worker to producer: a run before me died while it enriched this event.
    case workerDied = 4
    /// Producer to worker: a batch follows in the next frame.
    case dispatch = 16
    /// Worker to sink: an enriched batch follows in the next frame.
    case append = 32
    /// Producer to sink: an event that no worker survives follows, as a batch, in the next frame.
    case deadLetter = 33
    /// Producer to sink: who I am, what I have, which archive I know.
    case hello = 48
    /// Sink to producer: the answer to hello.
    case welcome = 49
    /// Sink to producer: on disk through this sequence.
    case commit = 50
    /// Sink to producer: these sequences were dropped, send them again later.
    case nack = 51
}

/// The first byte of every first frame between our own processes.
public let frameVersion: UInt8 = 1

/// Why a first frame was not understood.
public enum FrameError: Error, Hashable, Sendable, CustomStringConvertible {
    case short
    case version(UInt8)
    case kind(UInt8)

    /// In words.
    public var description: String {
        switch self {
        case .short: "a frame that ends too early or holds an impossible value"
        case .version(let version): "a frame of protocol version \(version); this program speaks \(frameVersion)"
        case .kind(let kind): "a frame of unknown kind \(kind)"
        }
    }
}

/// Reads the two bytes that every first frame begins with.
func openFrame(_ bytes: UnsafeRawBufferPointer) throws(FrameError) -> (kind: FrameKind, reader: ByteReader) {
    guard bytes.count >= 2 else { throw .short }
    guard bytes[0] == frameVersion else { throw .version(bytes[0]) }
    guard let kind = FrameKind(rawValue: bytes[1]) else { throw .kind(bytes[1]) }
    return (kind, ByteReader(UnsafeRawBufferPointer(rebasing: bytes[2...])))
}

extension ByteWriter {
    /// Begins a first frame.
    mutating func append(frame kind: FrameKind) {
        append(frameVersion)
        append(kind.rawValue)
    }
}

/// What a worker says to a producer.
public enum WorkerMessage: Hashable, Sendable {
    /// A batch by the sequences that identify it within one producer.
    public struct BatchKey: Hashable, Sendable {
        /// The epoch of the batch.
        public var epoch: UInt64
        /// The batch's first sequence.
        public var firstSequence: UInt64

        /// Names a batch.
        public init(epoch: UInt64, firstSequence: UInt64) {
            self.epoch = epoch
            self.firstSequence = firstSequence
        }
    }

    /// The end of a worker's run, as the next run on its machine found it recorded.
    public struct Death: Hashable, Sendable {
        /// The run that died.
        public var dead: Identifier128
        /// Whose batch it was enriching.
        public var producer: Identifier128
        /// The batch.
        public var batch: BatchKey
        /// The event that it was at.
        public var sequence: UInt64
        /// How it ended.
        public var cause: Cause

        /// Joins the fields.
        public init(
            dead: Identifier128,
            producer: Identifier128,
            batch: BatchKey,
            sequence: UInt64,
            cause: Cause
        ) {
            self.dead = dead
            self.producer = producer
            self.batch = batch
            self.sequence = sequence
            self.cause = cause
        }
    }

    /// How a worker's run ended.
    public enum Cause: Hashable, Sendable, CustomStringConvertible {
        /// Nothing was recorded: killed from outside, by hand or for want of memory.
        case unknown
        /// It crashed by this signal.
        case signal(UInt8)
        /// It did not come back from one event and was ended for it.
        case hang

        /// One byte: 0 unknown, 255 hang, else the signal.
        public init(code: UInt8) { self = code == 0 ? .unknown : code == 255 ? .hang : .signal(code) }
        /// The byte.
        public var code: UInt8 {
            switch self {
            case .unknown: 0
            case .signal(let number): number
            case .hang: 255
            }
        }
        /// In words.
        public var description: String {
            switch self {
            case .unknown: "killed from outside"
            case .signal(let number): "signal \(number)"
            case .hang: "did not come back"
            }
        }
    }

    /// The worker lives, can hold `capacity` batches in all and holds these. `isAlone`: no other worker is in its
    /// process.
    case heartbeat(worker: Identifier128, capacity: UInt16, held: [BatchKey], isAlone: Bool)
    /// A run before this worker's died while it enriched an event.
    case died(worker: Identifier128, Death)
    /// The batch is handed to the sink's socket.
    case done(worker: Identifier128, batch: BatchKey)
    /// The worker stops; whatever it held is to go to another.
    case goodbye(worker: Identifier128)

    /// Appends the frame.
    public func encode(into writer: inout ByteWriter) {
        switch self {
        case .heartbeat(let worker, let capacity, let held, let isAlone):
            writer.append(frame: .workerHeartbeat)
            writer.append(identifier: worker)
            writer.append(littleEndian: capacity)
            writer.append(littleEndian: UInt16(held.count))
            for batch in held {
                writer.append(littleEndian: batch.epoch)
                writer.append(littleEndian: batch.firstSequence)
            }
            writer.append(isAlone ? 1 : 0)
        case .died(let worker, let death):
            writer.append(frame: .workerDied)
            writer.append(identifier: worker)
            writer.append(identifier: death.dead)
            writer.append(identifier: death.producer)
            writer.append(littleEndian: death.batch.epoch)
            writer.append(littleEndian: death.batch.firstSequence)
            writer.append(littleEndian: death.sequence)
            writer.append(death.cause.code)
        case .done(let worker, let batch):
            writer.append(frame: .workerDone)
            writer.append(identifier: worker)
            writer.append(littleEndian: batch.epoch)
            writer.append(littleEndian: batch.firstSequence)
        case .goodbye(let worker):
            writer.append(frame: .workerGoodbye)
            writer.append(identifier: worker)
        }
    }

    /// Reads the frame.
    public static func decode(_ bytes: UnsafeRawBufferPointer) throws(FrameError) -> WorkerMessage {
        var (kind, reader) = try openFrame(bytes)
        do throws(ByteReader.Malformed) {
            let worker = try reader.readIdentifier()
            switch kind {
            case .workerHeartbeat:
                let capacity = try reader.read(UInt16.self)
                var held: [BatchKey] = []
                let count = try reader.read(UInt16.self)
                guard count <= Limits.heartbeatBatches else { throw ByteReader.Malformed() }
                for _ in 0..<count {
                    held.append(
                        BatchKey(epoch: try reader.read(UInt64.self), firstSequence: try reader.read(UInt64.self))
                    )
                }
                let isAlone = try reader.read(UInt8.self) & 1 == 1
                return .heartbeat(worker: worker, capacity: capacity, held: held, isAlone: isAlone)
            case .workerDied:
                let death = Death(
                    dead: try reader.readIdentifier(),
                    producer: try reader.readIdentifier(),
                    batch: BatchKey(epoch: try reader.read(UInt64.self), firstSequence: try reader.read(UInt64.self)),
                    sequence: try reader.read(UInt64.self),
                    cause: Cause(code: try reader.read(UInt8.self))
                )
                return .died(worker: worker, death)
            case .workerDone:
                let key = BatchKey(epoch: try reader.read(UInt64.self), firstSequence: try reader.read(UInt64.self))
                return .done(worker: worker, batch: key)
            case .workerGoodbye: return .goodbye(worker: worker)
            default: throw ByteReader.Malformed()
            }
        } catch { throw .short }
    }
}

/// The first frames of the two messages whose second frame is a batch.
public enum BatchFrame {
    /// Producer to worker.
    public static func encodeDispatch(into writer: inout ByteWriter) { writer.append(frame: .dispatch) }

    /// Worker to sink; `worker` says which run of which worker made it.
    public static func encodeAppend(worker: Identifier128, into writer: inout ByteWriter) {
        writer.append(frame: .append)
        writer.append(identifier: worker)
    }

    /// Producer to sink, over control: the batch that follows is one event that could not be enriched.
    public static func encodeDeadLetter(into writer: inout ByteWriter) { writer.append(frame: .deadLetter) }

    /// Whether a first frame announces a dead letter.
    public static func isDeadLetter(_ bytes: UnsafeRawBufferPointer) -> Bool {
        (try? openFrame(bytes))?.kind == .deadLetter
    }

    /// Whether a first frame announces a dispatched batch.
    public static func isDispatch(_ bytes: UnsafeRawBufferPointer) -> Bool {
        (try? openFrame(bytes))?.kind == .dispatch
    }

    /// The worker of an append, or nil when the frame is something else.
    public static func decodeAppend(_ bytes: UnsafeRawBufferPointer) -> Identifier128? {
        guard let (kind, reader) = try? openFrame(bytes), kind == .append else { return nil }
        var rest = reader
        return try? rest.readIdentifier()
    }
}
