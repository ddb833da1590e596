#ifndef ENLACE_CLMDB_H
#define ENLACE_CLMDB_H

#include <lmdb.h>
#include <stddef.h>
#include <sys/vfs.h>

// The name of the network filesystem that holds `path`, or NULL: LMDB's memory map and locks are not safe on one.
static inline const char *enlace_network_filesystem(const char *path) {
    struct statfs found;
    if (statfs(path, &found) != 0) return NULL;
    switch ((unsigned long)found.f_type & 0xFFFFFFFFUL) {
        case 0x6969UL: return "NFS";
        case 0x517BUL: return "SMB";
        case 0xFF534D42UL: return "CIFS";
        case 0xFE534D42UL: return "SMB2";
        case 0x01021997UL: return "9P";
        case 0x00C36400UL: return "Ceph";
        case 0x5346414FUL: return "AFS";
        default: return NULL;
    }
}

#endif
