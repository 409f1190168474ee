#include "prep/prep_unicode.h"

/* Each step-th code from first to last is `offset` away from its lower case. */
struct lower_run {
    uint32_t first, last, step;
    int32_t offset;
};

/* class_changes: code << 3 | class, where a class begins that holds up to the next row.
 * near_bases, far_bases: a composed code, and what is left when its marks are dropped.
 * pairs: a composed code and its two parts, neither of which is a mark. */
#include "prep/prep_unicode.inc"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { HANGUL_FIRST = 0xAC00, HANGUL_COUNT = 11172, JAMO_L = 0x1100, JAMO_V = 0x1161 };
enum { JAMO_T = 0x11A7, JAMO_V_COUNT = 21, JAMO_T_COUNT = 28 };

enum ash_char_class ash_char_class(uint32_t code) {
    size_t low = 0, high = COUNT(class_changes);
    while (low < high) { /* the first row beyond */
        size_t middle = (low + high) / 2;
        if (class_changes[middle] >> 3 <= code) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low ? (enum ash_char_class)(class_changes[low - 1] & 7) : ASH_CHAR_PLAIN;
}

static uint32_t base_of(uint32_t code) {
    if (code < near_bases[0][0]) return code;
    size_t low = 0, high = COUNT(near_bases);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (near_bases[middle][0] == code) return near_bases[middle][1];
        if (near_bases[middle][0] < code) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low = 0, high = COUNT(far_bases);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (far_bases[middle][0] == code) return far_bases[middle][1];
        if (far_bases[middle][0] < code) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return code;
}

static const uint32_t *pair_of(uint32_t code) {
    for (size_t i = 0; i < COUNT(pairs) && pairs[i][0] <= code; i++) {
        if (pairs[i][0] == code) return pairs[i];
    }
    return NULL;
}

static size_t hangul_parts(uint32_t code, uint32_t parts[ASH_CHAR_PARTS]) {
    uint32_t place = code - HANGUL_FIRST, last = place % JAMO_T_COUNT;
    parts[0] = JAMO_L + place / (JAMO_V_COUNT * JAMO_T_COUNT);
    parts[1] = JAMO_V + place / JAMO_T_COUNT % JAMO_V_COUNT;
    parts[2] = JAMO_T + last;
    return last ? 3 : 2;
}

size_t ash_char_without_marks(uint32_t code, uint32_t parts[ASH_CHAR_PARTS]) {
    uint32_t after[ASH_CHAR_PARTS];
    size_t waiting = 0, count = 0;

    if (code - HANGUL_FIRST < HANGUL_COUNT) return hangul_parts(code, parts);
    if (code >= 0x80 && ash_char_class(code) == ASH_CHAR_MARK) return 0;
    for (;;) {
        code = base_of(code);
        const uint32_t *pair = pair_of(code);
        if (!pair || waiting == ASH_CHAR_PARTS - 1) break;
        after[waiting++] = pair[2];
        code = pair[1];
    }
    parts[count++] = code;
    while (waiting) parts[count++] = after[--waiting];
    return count;
}

size_t ash_char_lower(uint32_t code, uint32_t parts[ASH_CHAR_PARTS]) {
    parts[0] = code;
    if (code == 0x130) {
        parts[0] = 'i';
        parts[1] = 0x307;
        return 2;
    }
    size_t low = 0, high = COUNT(lower_runs);
    while (low < high) { /* the first run that does not end before */
        size_t middle = (low + high) / 2;
        if (lower_runs[middle].last < code) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == COUNT(lower_runs)) return 1;
    const struct lower_run *run = &lower_runs[low];
    if (code >= run->first && (code - run->first) % run->step == 0) {
        parts[0] = (uint32_t)((int32_t)code + run->offset);
    }
    return 1;
}

uint32_t ash_utf8_take(const char *text, size_t size, size_t *at) {
    unsigned first = (unsigned char)text[(*at)++];
    if (first < 0x80) return first;
    if (first < 0xC2 || first > 0xF4) return 0xFFFD;
    size_t more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    uint32_t code = first & (0x3Fu >> more);
    /* The second byte's range: neither overlong, nor half of a surrogate pair, nor above U+10FFFF.
     */
    unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    for (; more; more--) {
        unsigned next = *at < size ? (unsigned char)text[*at] : 0;
        if (next < low || next > high) return 0xFFFD;
        (*at)++;
        code = code << 6 | (next & 0x3F);
        low = 0x80, high = 0xBF;
    }
    return code;
}

size_t ash_utf8_put(uint32_t code, char *to) {
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned lead[] = {0, 0xC0, 0xE0, 0xF0};
    to[0] = (char)(lead[more] | code >> (6 * more));
    for (size_t i = 1; i <= more; i++) { to[i] = (char)(0x80 | (code >> (6 * (more - i)) & 0x3F)); }
    return more + 1;
}
