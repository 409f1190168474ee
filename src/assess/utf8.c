#include "utf8.h"

static int32_t follow(const unsigned char *s, size_t count, int32_t head, int32_t least) {
    int32_t code = head;
    for (size_t i = 1; i <= count; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return ASSESS_UTF8_BAD; /* a NUL is none, so the end is not passed */
        code = code << 6 | (s[i] & 0x3f);
    }
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        return ASSESS_UTF8_BAD;
    }
    return code;
}

size_t assess_utf8_next(const char *text, int32_t *code) {
    const unsigned char *s = (const unsigned char *)text;
    size_t more = 0;
    if (s[0] < 0x80) {
        *code = s[0];
        return s[0] ? 1 : 0;
    }
    if (s[0] >= 0xf0 && s[0] < 0xf8) {
        *code = follow(s, more = 3, s[0] & 0x07, 0x10000);
    } else if (s[0] >= 0xe0 && s[0] < 0xf0) {
        *code = follow(s, more = 2, s[0] & 0x0f, 0x800);
    } else if (s[0] >= 0xc0 && s[0] < 0xe0) {
        *code = follow(s, more = 1, s[0] & 0x1f, 0x80);
    } else {
        *code = ASSESS_UTF8_BAD;
    }
    return *code == ASSESS_UTF8_BAD ? 1 : more + 1;
}

int assess_utf8_hidden(int32_t code) {
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c ||
           (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2060 && code <= 0x206f) || code == 0xfeff;
}

int assess_utf8_columns(int32_t code) {
    static const int32_t wide[][2] = {{0x1100, 0x115f},   {0x2e80, 0x303e},  {0x3041, 0xa4cf},
                                      {0xac00, 0xd7a3},   {0xf900, 0xfaff},  {0xfe30, 0xfe6f},
                                      {0xff00, 0xff60},   {0xffe0, 0xffe6},  {0x1f300, 0x1f64f},
                                      {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
    if ((code >= 0x300 && code <= 0x36f) || (code >= 0xfe00 && code <= 0xfe0f)) return 0;
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        if (code >= wide[i][0] && code <= wide[i][1]) return 2;
    }
    return 1;
}
