// simdjson behind a C face: one call parses one event and lays its values out in fixed-size nodes.
#ifndef ENLACE_CSIMDJSON_H
#define ENLACE_CSIMDJSON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Bytes that must be readable behind the text for it to be parsed in place.
#define CSJ_PADDING 64

enum csj_kind {
    CSJ_NULL = 0,
    CSJ_FALSE = 1,
    CSJ_TRUE = 2,
    CSJ_INTEGER = 3,
    CSJ_REAL = 4,
    CSJ_STRING = 5,
    CSJ_ARRAY = 6,
    CSJ_OBJECT = 7
};

enum csj_status {
    CSJ_OK = 0,
    CSJ_NOT_JSON = 1,
    CSJ_NOT_UTF8 = 2,
    CSJ_TOO_DEEP = 3,
    CSJ_TOO_LONG = 4,
    CSJ_TRAILING = 5,
    CSJ_TOO_MANY_NODES = 6,
    CSJ_BAD_NUMBER = 7,
    CSJ_EMPTY = 8,
    CSJ_NO_MEMORY = 9
};

/// One value, in document order; the children of a container follow it.
typedef struct csj_node {
    /// The decoded key, or NULL for the root and the elements of an array. Not terminated.
    const uint8_t *key;
    /// The decoded text of a string, else NULL. Not terminated.
    const uint8_t *text;
    /// The value of a number, 0 otherwise.
    double number;
    /// The value of CSJ_INTEGER, 0 otherwise.
    int64_t integer;
    uint32_t key_length;
    uint32_t text_length;
    /// Members or elements of a container.
    uint32_t child_count;
    /// The index of the node behind this value and all it holds.
    uint32_t next;
    /// One of csj_kind.
    uint32_t kind;
    uint32_t reserved;
} csj_node;

typedef struct csj_parser csj_parser;

/// Makes a parser for texts of at most `capacity` bytes, `max_nodes` values and `max_depth` levels; NULL without memory.
csj_parser *csj_parser_create(size_t capacity, uint32_t max_nodes, uint32_t max_depth);
void csj_parser_destroy(csj_parser *parser);

/// Parses `length` bytes. In place when `allocated` is at least `length` + CSJ_PADDING, else from a copy.
/// The nodes and all they point to live until the next call on this parser.
int csj_parse(csj_parser *parser, const uint8_t *text, size_t length, size_t allocated,
              const csj_node **nodes, uint32_t *count);

/// The raw bytes of a member of the object at the front of `text`. Without escapes in its name. Expects valid JSON,
/// stays inside `length` whatever it gets. 1 when found.
int csj_member(const uint8_t *text, size_t length, const uint8_t *name, size_t name_length,
               size_t *start, size_t *end);

/// Whether a member's name of the object at the front of `text` holds a backslash: `csj_member` does not find it.
int csj_has_escaped_key(const uint8_t *text, size_t length);

#ifdef __cplusplus
}
#endif
#endif
