// What a worker is at, in a page that outlives it: the next run on the machine reads which event the last one died of.
#ifndef ENLACE_FLIGHT_RECORD_H
#define ENLACE_FLIGHT_RECORD_H

#include <stdint.h>

typedef struct {
    uint64_t magic;
    uint64_t incarnation_high, incarnation_low;
    uint64_t producer_high, producer_low;
    uint64_t epoch, first_sequence, sequence;
    // Goes up with every event, so that standing still can be seen.
    uint64_t progress;
    uint32_t is_busy;
    // 0, the number of the signal that ended the run, or 255 when it did not come back from an event.
    uint32_t cause;
} enlace_flight_record;

#define ENLACE_FLIGHT_MAGIC 0x31544847494C4645ULL
#define ENLACE_FLIGHT_HUNG 255u

// Makes the file, locks it for as long as the descriptor is open, and maps it; the descriptor, or -1 and errno.
int enlace_flight_open(const char *path, enlace_flight_record **record);

// Unmaps the record and closes the descriptor.
void enlace_flight_close(int descriptor, enlace_flight_record *record);

// The record of a run that is gone, whose file is locked by nobody; 0 when it was read, 1 when the run still lives,
// -1 when it cannot be read. The file is removed when it was read.
int enlace_flight_collect(const char *path, enlace_flight_record *record);

// Makes crashes of the calling thread leave their signal in the record. The handlers are installed once a process.
void enlace_flight_watch(enlace_flight_record *record);

#endif
