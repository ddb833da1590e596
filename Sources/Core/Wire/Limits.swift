/// Every bound of the pipeline in one place. `validate` states how they hang together; a test calls it.
public enum Limits {
    /// The longest event, as it came, in bytes.
    public static let eventBytes = 64 * 1024
    /// The most payload bytes of a batch of raw events.
    public static let batchPayloadBytes = 256 * 1024
    /// The most events of a batch.
    public static let batchEvents = 1024
    /// How long a batch waits for more events before it is committed.
    public static let batchDelayMilliseconds = 5
    /// The most that enrichment may add to an event.
    public static let enrichmentBytes = 8 * 1024
    /// The most payload bytes of a batch of enriched events.
    public static let enrichedPayloadBytes = batchPayloadBytes + batchEvents * enrichmentBytes
    /// The longest ZeroMQ frame that any socket of ours takes.
    public static let frameBytes = enrichedPayloadBytes + 4096
    /// W: the most raw payload bytes that a producer dispatches above its committed sequence.
    public static let producerWindowBytes = 8 * 1024 * 1024
    /// The most batches that a producer dispatches above its committed sequence, however small they are.
    public static let producerWindowBatches = 256
    /// After a nack a batch waits this part of the time that it would wait unanswered.
    public static let nackBackoffDivisor = 20
    /// How many times its raw size an enriched batch may count in the sink's hold budget.
    public static let enrichedGrowth = 4
    /// What the sink holds of batches that it has received and not yet committed.
    public static let sinkHoldBytes = 128 * 1024 * 1024
    /// The smallest window that the sink grants: one batch must always fit.
    public static let minimumWindowBytes = 2 * batchPayloadBytes
    /// Batches that one worker holds at a time.
    public static let workerCreditBatches = 4
    /// The most batches that a worker may hold at a time, whatever it claims.
    public static let workerCapacityBatches = 64
    /// The most batches that a heartbeat may name.
    public static let heartbeatBatches = 1024
    /// How often a worker and a producer say that they live.
    public static let heartbeatMilliseconds = 100
    /// After how long a silence a worker is taken for dead.
    public static let heartbeatDeadMilliseconds = 500
    /// How long the commit frontier may wait on a dispatched batch before it is dispatched again.
    public static let redeliveryMilliseconds = 2_000
    /// The longest pause between two dispatches of the same batch.
    public static let redeliveryMaximumMilliseconds = 30_000
    /// Deaths by a crash while enriching a batch after which it is a suspect and runs alone.
    public static let deathsOfSuspect = 3
    /// Deaths whose cause nobody recorded, on the same event, that count as much.
    public static let unexplainedDeathsOfSuspect = 12
    /// Deaths of workers that had nothing but one event after which it is set aside.
    public static let deathsOfEvent = 3
    /// How long a worker may be at one event before it is taken for hung; enriching one takes microseconds.
    public static let workerHangMilliseconds = 5_000
    /// How often a producer says hello to a sink that does not answer.
    public static let helloMilliseconds = 250
    /// Workers that one producer serves.
    public static let workersPerProducer = 256
    /// Producers that one sink serves.
    public static let producersPerSink = 1024
    /// Gateways that one producer remembers.
    public static let gatewaysPerProducer = 10_000
    /// Stored answers a gateway.
    public static let answersPerGateway = 64
    /// The most events of one gateway request.
    public static let requestEvents = 1024
    /// The most bytes of one gateway request, all events together.
    public static let requestBytes = 1024 * 1024
    /// A segment is closed at this size.
    public static let segmentBytes = 64 * 1024 * 1024
    /// A segment is closed at this age.
    public static let segmentSeconds = 3600
    /// The most bytes of the outbox.
    public static let outboxBytes = 8 * 1024 * 1024 * 1024
    /// The share of a filesystem, in percent, that the outbox leaves free.
    public static let filesystemReservePercent = 5
    /// The live stream's high-water mark, in events a subscriber.
    public static let liveHighWaterMark = 4096
    /// How often the live stream says where its head is.
    public static let beaconMilliseconds = 1000
    /// The most bytes of one answer of the replay endpoint, unless one batch is longer.
    public static let replayBytes = 1024 * 1024
    /// The longest path of an ipc endpoint, in bytes.
    public static let ipcPathBytes = 100

    /// The relations between the bounds that no change may break.
    public static var relationsHold: Bool {
        eventBytes <= batchPayloadBytes
            && minimumWindowBytes <= producerWindowBytes
            && producerWindowBytes * enrichedGrowth <= sinkHoldBytes
            && heartbeatMilliseconds * 4 < heartbeatDeadMilliseconds
            && heartbeatDeadMilliseconds < redeliveryMilliseconds
            && redeliveryMilliseconds < workerHangMilliseconds
            && enrichedPayloadBytes < frameBytes
            && requestBytes >= eventBytes
            && workerCreditBatches <= workerCapacityBatches
            && producerWindowBatches <= heartbeatBatches
    }
}
