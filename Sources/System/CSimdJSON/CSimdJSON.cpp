#include "CSimdJSON.h"

#include <simdjson.h>

#include <cstring>
#include <memory>
#include <new>

struct csj_parser {
    simdjson::dom::parser dom;
    std::unique_ptr<csj_node[]> nodes;
    std::unique_ptr<uint8_t[]> copy;
    size_t capacity;
    uint32_t max_nodes;
    uint32_t max_depth;
};

namespace {

bool is_space(uint8_t byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }

size_t skip_space(const uint8_t *text, size_t at, size_t length) {
    while (at < length && is_space(text[at])) at++;
    return at;
}

// The index behind the string whose opening quote is at `at`.
size_t skip_string(const uint8_t *text, size_t at, size_t length) {
    at++;
    while (at < length && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
    return at < length ? at + 1 : length;
}

// The index behind the value that starts at `at`.
size_t skip_value(const uint8_t *text, size_t at, size_t length) {
    if (at >= length) return length;
    if (text[at] == '"') return skip_string(text, at, length);
    if (text[at] != '{' && text[at] != '[') {
        while (at < length && !is_space(text[at]) && text[at] != ',' && text[at] != '}' && text[at] != ']') at++;
        return at;
    }
    size_t depth = 0;
    while (at < length) {
        uint8_t byte = text[at];
        if (byte == '"') {
            at = skip_string(text, at, length);
            continue;
        }
        at++;
        if (byte == '{' || byte == '[') depth++;
        if ((byte == '}' || byte == ']') && --depth == 0) return at;
    }
    return length;
}

int status_of(simdjson::error_code code) {
    switch (code) {
    case simdjson::UTF8_ERROR: return CSJ_NOT_UTF8;
    case simdjson::DEPTH_ERROR: return CSJ_TOO_DEEP;
    case simdjson::CAPACITY: return CSJ_TOO_LONG;
    case simdjson::NUMBER_ERROR: return CSJ_BAD_NUMBER;
    case simdjson::EMPTY: return CSJ_EMPTY;
    case simdjson::MEMALLOC: return CSJ_NO_MEMORY;
    default: return CSJ_NOT_JSON;
    }
}

const uint8_t *string_at(const simdjson::dom::document &document, uint64_t word, uint32_t *length) {
    const uint8_t *entry = document.string_buf.get() + (word & simdjson::internal::JSON_VALUE_MASK);
    std::memcpy(length, entry, sizeof(*length));
    return entry + sizeof(*length);
}

// Walks simdjson's tape (its doc/tape.md) once, front to back.
int flatten(csj_parser &parser, uint32_t *count) {
    const auto &document = parser.dom.doc;
    const uint64_t *tape = document.tape.get();
    const size_t end = size_t(tape[0] & simdjson::internal::JSON_VALUE_MASK) - 1;
    csj_node *nodes = parser.nodes.get();
    uint32_t open[64];
    uint32_t depth = 0, used = 0;
    for (size_t at = 1; at < end; at++) {
        uint64_t word = tape[at];
        uint8_t type = uint8_t(word >> 56);
        if (type == '}' || type == ']') {
            nodes[open[--depth]].next = used;
            continue;
        }
        if (used == parser.max_nodes) return CSJ_TOO_MANY_NODES;
        csj_node &node = nodes[used];
        node = csj_node{};
        if (depth > 0) {
            csj_node &parent = nodes[open[depth - 1]];
            parent.child_count++;
            if (parent.kind == CSJ_OBJECT) {
                node.key = string_at(document, word, &node.key_length);
                word = tape[++at];
                type = uint8_t(word >> 56);
            }
        }
        switch (type) {
        case '{':
        case '[':
            if (depth == 64) return CSJ_TOO_DEEP;
            node.kind = type == '{' ? CSJ_OBJECT : CSJ_ARRAY;
            open[depth++] = used;
            break;
        case '"':
            node.kind = CSJ_STRING;
            node.text = string_at(document, word, &node.text_length);
            break;
        case 'l':
            node.kind = CSJ_INTEGER;
            node.integer = int64_t(tape[++at]);
            node.number = double(node.integer);
            break;
        case 'u':
            node.kind = CSJ_REAL;
            node.number = double(tape[++at]);
            break;
        case 'd':
            node.kind = CSJ_REAL;
            std::memcpy(&node.number, &tape[++at], sizeof(node.number));
            break;
        case 't': node.kind = CSJ_TRUE; break;
        case 'f': node.kind = CSJ_FALSE; break;
        default: node.kind = CSJ_NULL; break;
        }
        used++;
        node.next = used;
    }
    *count = used;
    return CSJ_OK;
}

const uint8_t *padded(csj_parser &parser, const uint8_t *text, size_t length) {
    if (length > 0) std::memcpy(parser.copy.get(), text, length);
    std::memset(parser.copy.get() + length, ' ', CSJ_PADDING);
    return parser.copy.get();
}

// Whether a whole value stands at the front and something else behind it.
bool has_trailing(csj_parser &parser, const uint8_t *text, size_t length) {
    size_t start = skip_space(text, 0, length);
    size_t end = skip_value(text, start, length);
    if (end == start || skip_space(text, end, length) == length) return false;
    const uint8_t *front = padded(parser, text, end);
    return parser.dom.parse(front, end, false).error() == simdjson::SUCCESS;
}

}  // namespace

extern "C" csj_parser *csj_parser_create(size_t capacity, uint32_t max_nodes, uint32_t max_depth) {
    try {
        auto parser = std::make_unique<csj_parser>();
        parser->capacity = capacity;
        parser->max_nodes = max_nodes;
        parser->max_depth = max_depth < 64 ? max_depth : 64;
        parser->nodes.reset(new csj_node[max_nodes]);
        parser->copy.reset(new uint8_t[capacity + CSJ_PADDING]);
        if (parser->dom.allocate(capacity, parser->max_depth) != simdjson::SUCCESS) return nullptr;
        return parser.release();
    } catch (...) {
        return nullptr;
    }
}

extern "C" void csj_parser_destroy(csj_parser *parser) { delete parser; }

extern "C" int csj_parse(csj_parser *parser, const uint8_t *text, size_t length, size_t allocated,
                         const csj_node **nodes, uint32_t *count) {
    *nodes = parser->nodes.get();
    *count = 0;
    if (length > parser->capacity) return CSJ_TOO_LONG;
    if (length == 0) return CSJ_EMPTY;
    const uint8_t *source = allocated >= length + CSJ_PADDING ? text : padded(*parser, text, length);
    auto code = parser->dom.parse(source, length, false).error();
    if (code == simdjson::SUCCESS) return flatten(*parser, count);
    int status = status_of(code);
    return status == CSJ_NOT_JSON && has_trailing(*parser, text, length) ? CSJ_TRAILING : status;
}

extern "C" int csj_has_escaped_key(const uint8_t *text, size_t length) {
    size_t at = skip_space(text, 0, length);
    if (at >= length || text[at] != '{') return 0;
    at = skip_space(text, at + 1, length);
    while (at < length && text[at] == '"') {
        size_t key_end = skip_string(text, at, length);
        if (std::memchr(text + at, '\\', key_end - at) != nullptr) return 1;
        at = skip_space(text, key_end, length);
        if (at >= length || text[at] != ':') return 0;
        at = skip_space(text, skip_value(text, skip_space(text, at + 1, length), length), length);
        if (at >= length || text[at] != ',') return 0;
        at = skip_space(text, at + 1, length);
    }
    return 0;
}

extern "C" int csj_member(const uint8_t *text, size_t length, const uint8_t *name, size_t name_length,
                          size_t *start, size_t *end) {
    size_t at = skip_space(text, 0, length);
    if (at >= length || text[at] != '{') return 0;
    at = skip_space(text, at + 1, length);
    while (at < length && text[at] == '"') {
        size_t key = at + 1;
        size_t key_end = skip_string(text, at, length);
        at = skip_space(text, key_end, length);
        if (at >= length || text[at] != ':') return 0;
        at = skip_space(text, at + 1, length);
        size_t value_end = skip_value(text, at, length);
        if (key_end == key + name_length + 1 && std::memcmp(text + key, name, name_length) == 0) {
            *start = at;
            *end = value_end;
            return value_end > at;
        }
        at = skip_space(text, value_end, length);
        if (at >= length || text[at] != ',') return 0;
        at = skip_space(text, at + 1, length);
    }
    return 0;
}
