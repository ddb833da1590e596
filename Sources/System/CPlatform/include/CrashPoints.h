// Named places at which a process of ours can be made to end, for the tests that kill it there. Nothing is armed in
// ordinary use, and a place then costs one branch on a global that is never written.
#ifndef ENLACE_CRASH_POINTS_H
#define ENLACE_CRASH_POINTS_H

#include <stddef.h>

// Every point, in the order of an event's way. docs/testing.md lists them, and a test compares the two.
#define ENLACE_CRASH_POINTS(POINT) \
    /* The producer. */ \
    POINT(ProducerOutboxOpenBefore, "producer.outbox.open.before") \
    POINT(ProducerOutboxOpenAfter, "producer.outbox.open.after") \
    POINT(ProducerOutboxCommitBefore, "producer.outbox.commit.before") \
    POINT(ProducerOutboxCommitAfter, "producer.outbox.commit.after") \
    POINT(ProducerTrimBefore, "producer.trim.before") \
    POINT(ProducerTrimAfter, "producer.trim.after") \
    POINT(ProducerGatewayAnswerBefore, "producer.gateway.answer.before") \
    POINT(ProducerGatewayAnswerAfter, "producer.gateway.answer.after") \
    POINT(ProducerDispatchSendBefore, "producer.dispatch.send.before") \
    POINT(ProducerDispatchSendAfter, "producer.dispatch.send.after") \
    POINT(ProducerCommitHeardBefore, "producer.commit.heard.before") \
    POINT(ProducerCommitHeardAfter, "producer.commit.heard.after") \
    POINT(ProducerRejectWriteBefore, "producer.reject.write.before") \
    POINT(ProducerRejectWriteMiddle, "producer.reject.write.middle") \
    POINT(ProducerRejectWriteAfter, "producer.reject.write.after") \
    POINT(ProducerRejectSyncBefore, "producer.reject.sync.before") \
    POINT(ProducerRejectSyncAfter, "producer.reject.sync.after") \
    POINT(ProducerRejectDeleteBefore, "producer.reject.delete.before") \
    POINT(ProducerRejectDeleteAfter, "producer.reject.delete.after") \
    POINT(ProducerInputCommitBefore, "producer.input.commit.before") \
    POINT(ProducerInputCommitAfter, "producer.input.commit.after") \
    /* The enricher. */ \
    POINT(EnricherBatchEnrichBefore, "enricher.batch.enrich.before") \
    POINT(EnricherBatchEnrichAfter, "enricher.batch.enrich.after") \
    POINT(EnricherForwardBefore, "enricher.forward.before") \
    POINT(EnricherForwardAfter, "enricher.forward.after") \
    POINT(EnricherDoneBefore, "enricher.done.before") \
    POINT(EnricherDoneAfter, "enricher.done.after") \
    /* The sink. */ \
    POINT(SinkReceiveBefore, "sink.receive.before") \
    POINT(SinkReceiveAfter, "sink.receive.after") \
    POINT(SinkAppendBefore, "sink.append.before") \
    POINT(SinkAppendAfter, "sink.append.after") \
    POINT(SinkCommitBefore, "sink.commit.before") \
    POINT(SinkCommitAfter, "sink.commit.after") \
    POINT(SinkCommitSendBefore, "sink.commit.send.before") \
    POINT(SinkCommitSendAfter, "sink.commit.send.after") \
    POINT(SinkLivePublishBefore, "sink.live.publish.before") \
    POINT(SinkLivePublishAfter, "sink.live.publish.after") \
    POINT(SinkGapRecordBefore, "sink.gap.record.before") \
    POINT(SinkGapRecordAfter, "sink.gap.record.after") \
    /* The archive's files, as the sink writes them. */ \
    POINT(SinkArchiveMetaWriteBefore, "sink.archive.meta.write.before") \
    POINT(SinkArchiveMetaSyncBefore, "sink.archive.meta.sync.before") \
    POINT(SinkArchiveMetaSyncAfter, "sink.archive.meta.sync.after") \
    POINT(SinkArchiveMetaRenameBefore, "sink.archive.meta.rename.before") \
    POINT(SinkArchiveMetaRenameAfter, "sink.archive.meta.rename.after") \
    POINT(SinkArchiveSegmentCreateBefore, "sink.archive.segment.create.before") \
    POINT(SinkArchiveSegmentCreateAfter, "sink.archive.segment.create.after") \
    POINT(SinkArchiveSegmentRotateBefore, "sink.archive.segment.rotate.before") \
    POINT(SinkArchiveSegmentRotateAfter, "sink.archive.segment.rotate.after") \
    POINT(SinkArchiveDataWriteBefore, "sink.archive.data.write.before") \
    POINT(SinkArchiveDataWriteMiddle, "sink.archive.data.write.middle") \
    POINT(SinkArchiveDataWriteAfter, "sink.archive.data.write.after") \
    POINT(SinkArchiveIndexWriteBefore, "sink.archive.index.write.before") \
    POINT(SinkArchiveIndexWriteMiddle, "sink.archive.index.write.middle") \
    POINT(SinkArchiveIndexWriteAfter, "sink.archive.index.write.after") \
    POINT(SinkArchiveSyncBefore, "sink.archive.sync.before") \
    POINT(SinkArchiveSyncAfter, "sink.archive.sync.after") \
    POINT(SinkArchiveMarkWriteBefore, "sink.archive.mark.write.before") \
    POINT(SinkArchiveMarkWriteAfter, "sink.archive.mark.write.after") \
    POINT(SinkArchiveHashesWriteBefore, "sink.archive.hashes.write.before") \
    POINT(SinkArchiveHashesWriteMiddle, "sink.archive.hashes.write.middle") \
    POINT(SinkArchiveHashesSyncBefore, "sink.archive.hashes.sync.before") \
    POINT(SinkArchiveHashesRenameBefore, "sink.archive.hashes.rename.before") \
    POINT(SinkArchiveHashesRenameAfter, "sink.archive.hashes.rename.after") \
    POINT(SinkArchiveManifestWriteBefore, "sink.archive.manifest.write.before") \
    POINT(SinkArchiveManifestWriteMiddle, "sink.archive.manifest.write.middle") \
    POINT(SinkArchiveManifestSyncBefore, "sink.archive.manifest.sync.before") \
    POINT(SinkArchiveManifestSyncAfter, "sink.archive.manifest.sync.after") \
    POINT(SinkArchiveManifestRenameBefore, "sink.archive.manifest.rename.before") \
    POINT(SinkArchiveManifestRenameAfter, "sink.archive.manifest.rename.after") \
    POINT(SinkRecoveryCopyBefore, "sink.recovery.copy.before") \
    POINT(SinkRecoveryCopyMiddle, "sink.recovery.copy.middle") \
    POINT(SinkRecoveryCopyAfter, "sink.recovery.copy.after") \
    POINT(SinkRecoveryCopySyncBefore, "sink.recovery.copy.sync.before") \
    POINT(SinkRecoveryCopySyncAfter, "sink.recovery.copy.sync.after") \
    POINT(SinkRecoveryIndexWriteBefore, "sink.recovery.index.write.before") \
    POINT(SinkRecoveryIndexWriteAfter, "sink.recovery.index.write.after") \
    POINT(SinkRecoveryIndexSyncBefore, "sink.recovery.index.sync.before") \
    POINT(SinkRecoveryIndexSyncAfter, "sink.recovery.index.sync.after") \
    POINT(SinkRecoveryCopyRenameBefore, "sink.recovery.copy.rename.before") \
    POINT(SinkRecoveryCopyRenameAfter, "sink.recovery.copy.rename.after") \
    POINT(SinkRecoveryIndexRenameBefore, "sink.recovery.index.rename.before") \
    POINT(SinkRecoveryIndexRenameAfter, "sink.recovery.index.rename.after")

typedef enum __attribute__((enum_extensibility(open), swift_name("CrashPoint"))) EnlaceCrashPoint {
#define ENLACE_POINT(name, text) EnlaceCrashPoint##name,
    ENLACE_CRASH_POINTS(ENLACE_POINT)
#undef ENLACE_POINT
} EnlaceCrashPoint;

// How a process ends, or does not go on, at a point.
typedef enum __attribute__((enum_extensibility(open), swift_name("CrashAction"))) EnlaceCrashAction {
    EnlaceCrashActionKill,
    EnlaceCrashActionSegv,
    EnlaceCrashActionAbort,
    EnlaceCrashActionHang,
    EnlaceCrashActionLoop,
} EnlaceCrashAction;

// The point's name, such as "sink.commit.before"; NULL behind the last one.
const char *enlace_crash_name(int point);

// Where the tokens are made. To be called once, before any other thread runs.
void enlace_crash_directory(const char *path);

// Arms a point from its `nth` hit in this process on, `count` times over all processes. Before it acts the process
// makes the file NAME.K in the directory, K from 1 to `count`; when all of them are there it goes on. To be called
// before any other thread runs. 0, or -1 when there is no room for another one.
int enlace_crash_arm(EnlaceCrashPoint point, EnlaceCrashAction action, unsigned count, unsigned nth);

// Arms the enriching of every event whose bytes contain `text`; `count` 0 means always, without a token.
int enlace_crash_arm_event(const char *text, EnlaceCrashAction action, unsigned count);

// Whether anything is armed.
extern int enlace_crash_is_armed;

void enlace_crash_reached(EnlaceCrashPoint point);
void enlace_crash_event_reached(const void *start, size_t count);

static inline _Bool enlace_crash_armed(void) { return __builtin_expect(enlace_crash_is_armed, 0); }

// The process is at this point.
static inline void enlace_crash_hit(EnlaceCrashPoint point) {
    if (__builtin_expect(enlace_crash_is_armed, 0)) enlace_crash_reached(point);
}

// The process is about to enrich this event.
static inline void enlace_crash_hit_event(const void *start, size_t count) {
    if (__builtin_expect(enlace_crash_is_armed, 0)) enlace_crash_event_reached(start, count);
}

#endif
