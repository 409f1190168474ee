/* The pattern is parsed by recursive descent into a program for a nondeterministic automaton (K.
 * Thompson 1968), whose states are followed all at once.  A repetition is the parsed piece of the
 * program copied. */
#include "ops/regex.h"

#include <string.h>

enum {
    REGEX_MAX = 4096, /* instructions, and ranges */
    REGEX_DEPTH = 64, /* groups in each other */
    REPEAT_MAX = 1000
};

enum opcode { OP_RANGES, OP_SPLIT, OP_BEGIN, OP_END, OP_WORD, OP_NOT_WORD, OP_MATCH };

struct range {
    uint32_t first, last;
};

/* Targets are relative to the instruction, so that pieces can be copied. */
struct instr {
    uint8_t op;
    bool negated;   /* OP_RANGES: what is in none of them */
    int32_t x, y;   /* where it goes on; y: OP_SPLIT's other way */
    uint32_t at, n; /* OP_RANGES: range[at..at + n) */
};

struct ash_regex {
    struct instr *code;
    struct range *range;
    uint32_t n, n_ranges;
};

struct parser {
    const unsigned char *p, *end;
    struct ash_regex *re;
    struct ashore_error *err;
    int depth;
    uint32_t most; /* instructions, and ranges */
};

static const struct range digits[] = {{'0', '9'}};
static const struct range spaces[] = {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}};
static const struct range words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};

/* ---- pieces of the program ---- */

static int emit(struct parser *s, struct instr i) {
    ASH_FAIL_IF(s->re->n == s->most, s->err, LIMIT, "a regular expression that is too long");
    s->re->code[s->re->n++] = i;
    return ASHORE_OK;
}

static int add_range(struct parser *s, uint32_t first, uint32_t last) {
    ASH_FAIL_IF(first > last, s->err, ATTR, "a range that ends before it begins");
    ASH_FAIL_IF(s->re->n_ranges == s->most, s->err, LIMIT, "a regular expression that is too long");
    s->re->range[s->re->n_ranges++] = (struct range){first, last};
    return ASHORE_OK;
}

/* Makes room for one instruction at `at`. */
static int insert(struct parser *s, uint32_t at, struct instr i) {
    ASH_TRY(emit(s, i));
    memmove(s->re->code + at + 1, s->re->code + at, (s->re->n - 1 - at) * sizeof i);
    s->re->code[at] = i;
    return ASHORE_OK;
}

/* Appends a copy of code[from..from + n). */
static int copy(struct parser *s, uint32_t from, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) ASH_TRY(emit(s, s->re->code[from + i]));
    return ASHORE_OK;
}

/* The piece from `at` on once or not at all; or any number of times. */
static int make_optional(struct parser *s, uint32_t at, bool loops) {
    int32_t n = (int32_t)(s->re->n - at);

    ASH_TRY(insert(s, at, (struct instr){.op = OP_SPLIT, .x = 1, .y = n + 1 + loops}));
    return loops ? emit(s, (struct instr){.op = OP_SPLIT, .x = -n - 1, .y = -n - 1}) : ASHORE_OK;
}

/* The piece from `at` on `least` to `most` times; most -1: without end. */
static int repeat(struct parser *s, uint32_t at, int least, int most) {
    uint32_t n = s->re->n - at, one;

    if (most == 0) {
        s->re->n = at;
        return ASHORE_OK;
    }
    for (int i = 1; i < least; i++) ASH_TRY(copy(s, at, n));
    if (least == 0) {
        /* x{0,m} is (x(x(x)?)?)?: split before each copy, all to the end. */
        ASH_TRY(make_optional(s, at, most < 0));
        if (most < 0) return ASHORE_OK;
        for (int i = 1; i < most; i++) {
            one = s->re->n;
            ASH_TRY(copy(s, at + 1, n));
            ASH_TRY(make_optional(s, one, false));
        }
        return ASHORE_OK;
    }
    for (int i = least; most < 0 ? i == least : i < most; i++) {
        one = s->re->n;
        ASH_TRY(copy(s, at, n));
        ASH_TRY(make_optional(s, one, most < 0));
    }
    return ASHORE_OK;
}

/* ---- the pattern ---- */

/* The code point at *p, which is moved behind it; a byte that is no UTF-8 stands for itself. */
static uint32_t decode(const unsigned char **p, const unsigned char *end) {
    uint32_t c = *(*p)++;
    int n = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

    if (n == 0 || end - *p < n) return c;
    uint32_t v = c & (0x3fu >> n);
    for (int i = 0; i < n; i++) {
        if (((*p)[i] & 0xc0) != 0x80) return c;
        v = v << 6 | ((*p)[i] & 0x3fu);
    }
    *p += n;
    return v;
}

static int hex_digit(unsigned char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse_hex(struct parser *s, uint32_t *c) {
    bool braces = s->p < s->end && *s->p == '{';
    int n = 0;

    *c = 0;
    s->p += braces;
    for (; s->p < s->end && hex_digit(*s->p) >= 0 && n < (braces ? 6 : 2); n++)
        *c = *c << 4 | (uint32_t)hex_digit(*s->p++);
    bool closed = !braces || (s->p < s->end && *s->p == '}');
    ASH_FAIL_IF(!closed || n < (braces ? 1 : 2), s->err, ATTR, "a \\x without its digits");
    s->p += braces;
    return ASHORE_OK;
}

/* What is behind a backslash: a set (*set, of *n ranges, *negated) or the character *c. */
static int parse_escape(struct parser *s, uint32_t *c, const struct range **set, int *n,
                        bool *negated) {
    static const char plain[] = "a\af\fn\nr\rt\tv\v";
    ASH_FAIL_IF(s->p == s->end, s->err, ATTR, "a pattern that ends in a backslash");
    unsigned char e = *s->p;

    *set = e == 'd' || e == 'D'   ? digits
           : e == 's' || e == 'S' ? spaces
           : e == 'w' || e == 'W' ? words
                                  : NULL;
    *n = *set == digits ? 1 : *set == spaces ? 3 : 4;
    *negated = e < 'a';
    *c = decode(&s->p, s->end);
    if (*set) return ASHORE_OK;
    if (e == 'x') return parse_hex(s, c);
    for (size_t i = 0; i + 1 < sizeof plain; i += 2) {
        if (e != (unsigned char)plain[i]) continue;
        *c = (unsigned char)plain[i + 1];
        return ASHORE_OK;
    }
    bool letter = (e | 32) >= 'a' && (e | 32) <= 'z';
    ASH_FAIL_IF(letter || (e >= '0' && e <= '9') || e >= 0x80, s->err, UNSUPPORTED,
                "the escape \\%c in a regular expression", e);
    return ASHORE_OK;
}

/* Adds a set, or what is not in it. */
static int add_set(struct parser *s, const struct range *set, int n, bool negated) {
    uint32_t next = 0;

    for (int i = 0; i < n; i++) {
        if (!negated) ASH_TRY(add_range(s, set[i].first, set[i].last));
        if (negated && set[i].first > next) ASH_TRY(add_range(s, next, set[i].first - 1));
        next = set[i].last + 1;
    }
    return negated ? add_range(s, next, 0x10ffff) : ASHORE_OK;
}

/* One end of a range in a class; *set: it is a set, which has been added. */
static int parse_end(struct parser *s, uint32_t *c, bool *is_set) {
    const struct range *set = NULL;
    bool negated;
    int n;

    ASH_FAIL_IF(s->p == s->end, s->err, ATTR, "a class that is not closed");
    ASH_FAIL_IF(*s->p == '[' && s->end - s->p > 1 && s->p[1] == ':', s->err, UNSUPPORTED,
                "a named class in a regular expression");
    *c = decode(&s->p, s->end);
    *is_set = false;
    if (*c != '\\') return ASHORE_OK;
    ASH_TRY(parse_escape(s, c, &set, &n, &negated));
    *is_set = set != NULL;
    return set ? add_set(s, set, n, negated) : ASHORE_OK;
}

static int parse_class(struct parser *s) {
    struct instr i = {.op = OP_RANGES, .x = 1, .at = s->re->n_ranges};
    bool set, first = true;
    uint32_t low, high;

    if (s->p < s->end && *s->p == '^') {
        i.negated = true;
        s->p++;
    }
    for (; s->p == s->end || *s->p != ']' || first; first = false) {
        ASH_TRY(parse_end(s, &low, &set));
        if (set) continue;
        high = low;
        if (s->end - s->p > 1 && *s->p == '-' && s->p[1] != ']') {
            s->p++;
            ASH_TRY(parse_end(s, &high, &set));
            ASH_FAIL_IF(set, s->err, ATTR, "a range that ends in a set");
        }
        ASH_TRY(add_range(s, low, high));
    }
    s->p++;
    i.n = s->re->n_ranges - i.at;
    return emit(s, i);
}

static int parse_any(struct parser *s);

static int parse_group(struct parser *s) {
    ASH_FAIL_IF(++s->depth > REGEX_DEPTH, s->err, LIMIT, "groups nest deeper than %d", REGEX_DEPTH);
    if (s->p < s->end && *s->p == '?') {
        bool named = s->end - s->p > 1 && (s->p[1] == 'P' || s->p[1] == '<');
        bool plain = s->end - s->p > 1 && s->p[1] == ':';

        if (named) {
            s->p += s->p[1] == 'P' ? 2 : 1;
            named = s->p + 1 < s->end && *s->p == '<' && s->p[1] != '=' && s->p[1] != '!';
            while (s->p < s->end && *s->p != '>') s->p++;
            named = named && s->p < s->end;
        }
        ASH_FAIL_IF(!named && !plain, s->err, UNSUPPORTED,
                    "a group of this kind, or flags, in a regular expression");
        s->p += plain ? 2 : 1;
    }
    ASH_TRY(parse_any(s));
    ASH_FAIL_IF(s->p == s->end, s->err, ATTR, "a group that is not closed");
    s->p++;
    s->depth--;
    return ASHORE_OK;
}

static int parse_atom(struct parser *s) {
    struct instr i = {.op = OP_RANGES, .x = 1, .at = s->re->n_ranges};
    const struct range *set = NULL;
    bool negated = false;
    int n = 0;
    uint32_t c = decode(&s->p, s->end);

    switch (c) {
    case '(':
        return parse_group(s);
    case '[':
        return parse_class(s);
    case '*':
    case '+':
    case '?':
        return ash_fail(s->err, ASHORE_ERR_ATTR, "a repetition of nothing");
    case '^':
        return emit(s, (struct instr){.op = OP_BEGIN, .x = 1});
    case '$':
        return emit(s, (struct instr){.op = OP_END, .x = 1});
    case '.':
        ASH_TRY(add_range(s, '\n', '\n'));
        i.negated = true;
        break;
    case '\\':
        for (int k = 0; s->p < s->end && k < 4; k++) {
            if (*s->p != "AzbB"[k]) continue;
            s->p++;
            return emit(s, (struct instr){.op = (uint8_t)(OP_BEGIN + k), .x = 1});
        }
        ASH_TRY(parse_escape(s, &c, &set, &n, &negated));
        ASH_TRY(set ? add_set(s, set, n, negated) : add_range(s, c, c));
        break;
    default:
        ASH_TRY(add_range(s, c, c));
    }
    i.n = s->re->n_ranges - i.at;
    return emit(s, i);
}

/* Digits, at most REPEAT_MAX + 1; -1: there are none. */
static int parse_count(struct parser *s, const unsigned char **p) {
    int n = -1;

    for (; *p < s->end && **p >= '0' && **p <= '9'; (*p)++) {
        n = (n < 0 ? 0 : n) * 10 + (**p - '0');
        if (n > REPEAT_MAX) n = REPEAT_MAX + 1;
    }
    return n;
}

/* {n}, {n,} or {n,m}; false where the brace stands for itself. */
static bool parse_braces(struct parser *s, int *least, int *most) {
    const unsigned char *p = s->p + 1;

    *least = *most = parse_count(s, &p);
    if (*least < 0) return false;
    if (p < s->end && *p == ',') {
        p++;
        *most = parse_count(s, &p);
    }
    if (p == s->end || *p != '}') return false;
    s->p = p;
    return true;
}

static int parse_piece(struct parser *s) {
    uint32_t at = s->re->n;

    ASH_TRY(parse_atom(s));
    for (; s->p < s->end; s->p++) {
        int least = *s->p == '+', most = *s->p == '?' ? 1 : -1;
        bool repeats = *s->p == '*' || *s->p == '+' || *s->p == '?';

        if (*s->p == '{') repeats = parse_braces(s, &least, &most);
        if (!repeats) break;
        ASH_FAIL_IF(least > REPEAT_MAX || most > REPEAT_MAX || (most >= 0 && most < least), s->err,
                    ATTR, "a repetition of %d to %d times", least, most);
        if (s->re->n > at) ASH_TRY(repeat(s, at, least, most));
        if (s->end - s->p > 1 && s->p[1] == '?') s->p++; /* lazy: the same set of texts */
    }
    return ASHORE_OK;
}

/* Alternatives up to the end or a `)`.  Those that are done end in a jump, which holds the place of
 * the one before until it is known where all of them go. */
static int parse_any(struct parser *s) {
    int32_t last = -1;

    for (;; s->p++) {
        uint32_t at = s->re->n;

        while (s->p < s->end && *s->p != ')' && *s->p != '|') ASH_TRY(parse_piece(s));
        if (s->p == s->end || *s->p != '|') break;
        int32_t n = (int32_t)(s->re->n - at);
        ASH_TRY(insert(s, at, (struct instr){.op = OP_SPLIT, .x = 1, .y = n + 2}));
        ASH_TRY(emit(s, (struct instr){.op = OP_SPLIT, .x = last}));
        last = (int32_t)s->re->n - 1;
    }
    while (last >= 0) {
        struct instr *jump = &s->re->code[last];
        int32_t before = jump->x;

        jump->x = jump->y = (int32_t)s->re->n - last;
        last = before;
    }
    return ASHORE_OK;
}

int ash_regex_compile(const char *pattern, size_t length, struct ash_arena *arena,
                      const struct ash_regex **regex, struct ashore_error *err) {
    struct ash_regex *re = ash_arena_alloc(arena, sizeof *re);
    struct parser s = {.p = (const unsigned char *)pattern, .re = re, .err = err};

    s.end = s.p + length;
    if (!re) return ash_fail_nomem(err, sizeof *re);
    /* Only a counted repetition makes more of them than three for each character. */
    bool counted = length && memchr(pattern, '{', length);
    s.most = counted || length > REGEX_MAX / 3 - 8 ? REGEX_MAX : 3 * (uint32_t)length + 8;
    re->code = ash_arena_array(arena, s.most, sizeof *re->code);
    re->range = ash_arena_array(arena, s.most, sizeof *re->range);
    if (!re->code || !re->range) return ash_fail_nomem(err, s.most * sizeof *re->code);
    ASH_TRY(parse_any(&s));
    ASH_FAIL_IF(s.p != s.end, err, ATTR, "a ')' that closes nothing");
    *regex = re;
    return emit(&s, (struct instr){.op = OP_MATCH});
}

/* ---- matching ---- */

struct states {
    uint32_t *list, n; /* those whose match would begin further left first */
    uint32_t *from;    /* where in the text the match would begin */
    uint32_t *mark;    /* per instruction: the step at which it was added, counted from 1 */
};

struct text {
    const unsigned char *begin, *end;
};

static bool is_word(const unsigned char *p, const unsigned char *end) {
    if (p == end) return false;
    for (int i = 0; i < 4; i++)
        if (*p >= words[i].first && *p <= words[i].last) return true;
    return false;
}

/* Adds an instruction and what is reached from it without a character. */
static void add_state(const struct ash_regex *re, struct states *s, uint32_t *stack, uint32_t pc,
                      uint32_t from, uint32_t step, const unsigned char *at, struct text t) {
    uint32_t depth = 0;
    bool edge = is_word(at, t.end) != (at > t.begin && is_word(at - 1, t.end));

    stack[depth++] = pc;
    while (depth) {
        pc = stack[--depth];
        if (s->mark[pc] == step) continue;
        s->mark[pc] = step;
        const struct instr *i = &re->code[pc];
        bool holds = i->op == OP_SPLIT || (i->op == OP_BEGIN && at == t.begin) ||
                     (i->op == OP_END && at == t.end) || (i->op == OP_WORD && edge) ||
                     (i->op == OP_NOT_WORD && !edge);

        if (i->op == OP_RANGES || i->op == OP_MATCH) {
            s->from[s->n] = from;
            s->list[s->n++] = pc;
        }
        if (!holds) continue;
        stack[depth++] = (uint32_t)((int32_t)pc + i->x);
        if (i->op == OP_SPLIT && i->y != i->x) stack[depth++] = (uint32_t)((int32_t)pc + i->y);
    }
}

static bool takes(const struct ash_regex *re, const struct instr *i, uint32_t c) {
    bool in = false;

    for (uint32_t k = 0; k < i->n && !in; k++)
        in = c >= re->range[i->at + k].first && c <= re->range[i->at + k].last;
    return in != i->negated;
}

/* Two lists of states and where they come from, their marks, and a stack that may hold two entries
 * for each state. */
size_t ash_regex_memory(const struct ash_regex *re) {
    return ((size_t)re->n * 7 + 1) * sizeof(uint32_t);
}

/* The lists, empty, and the stack. */
static uint32_t *lists_init(const struct ash_regex *re, void *memory, struct states *now,
                            struct states *next) {
    uint32_t *stack = memory, *at = stack + 2 * re->n + 1;
    *now = (struct states){at, 0, at + re->n, at + 4 * re->n};
    *next = (struct states){at + 2 * re->n, 0, at + 3 * re->n, now->mark};
    memset(now->mark, 0, re->n * sizeof *now->mark);
    return stack;
}

/* Matches from all beginnings are followed side by side; one that is found ends those that would
 * begin behind it. */
bool ash_regex_find(const struct ash_regex *re, const char *text, size_t length, size_t start,
                    struct ash_str *found, void *memory) {
    const struct text t = {(const unsigned char *)text, (const unsigned char *)text + length};
    const unsigned char *p = t.begin + start;
    struct states now, next;
    uint32_t *stack = lists_init(re, memory, &now, &next), step = 1;
    bool any = false;
    for (;;) {
        const unsigned char *after = p;
        uint32_t c = p < t.end ? decode(&after, t.end) : 0;
        struct states swap = now;
        if (!any) add_state(re, &now, stack, 0, (uint32_t)(p - t.begin), step, p, t);
        step++;
        next.n = 0;
        for (uint32_t i = 0; i < now.n; i++) {
            const struct instr *in = &re->code[now.list[i]];
            if (any && now.from[i] > found->offset) break;
            if (in->op == OP_MATCH) {
                *found = (struct ash_str){now.from[i], (uint32_t)(p - t.begin) - now.from[i]};
                any = true;
            }
            if (p < t.end && in->op == OP_RANGES && takes(re, in, c))
                add_state(re, &next, stack, now.list[i] + 1, now.from[i], step, after, t);
        }
        if (p == t.end || (any && !next.n)) return any;
        now = next;
        next = swap;
        p = after;
    }
}

bool ash_regex_match(const struct ash_regex *re, const char *text, size_t length, void *memory) {
    const struct text t = {(const unsigned char *)text, (const unsigned char *)text + length};
    const unsigned char *p = t.begin;
    struct states now, next;
    uint32_t *stack = lists_init(re, memory, &now, &next), step = 1;

    add_state(re, &now, stack, 0, 0, step, p, t);
    while (p < t.end && now.n) {
        uint32_t c = decode(&p, t.end);
        struct states swap = now;

        step++;
        next.n = 0;
        for (uint32_t i = 0; i < now.n; i++) {
            const struct instr *in = &re->code[now.list[i]];

            if (in->op == OP_RANGES && takes(re, in, c))
                add_state(re, &next, stack, now.list[i] + 1, 0, step, p, t);
        }
        now = next;
        next = swap;
    }
    for (uint32_t i = 0; i < now.n && p == t.end; i++)
        if (re->code[now.list[i]].op == OP_MATCH) return true;
    return false;
}
