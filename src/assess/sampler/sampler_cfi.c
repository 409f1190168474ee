/* .eh_frame_hdr and .eh_frame, as "Linux Standard Base Core, Exception Frames" and DWARF 5, section
 * 6.4, describe them.  Everything is read through sampler_read, since an object can be unmapped at
 * any moment. */
#include "sampler_cfi.h"

#include <string.h>

enum {
    CHUNK = 512,   /* of a description that is read at once */
    REMEMBERED = 4 /* depth of DW_CFA_remember_state */
};

/* ---- a reader over memory that is fetched by and by ---- */

struct cursor {
    uint64_t at, end; /* addresses */
    uint64_t base;    /* of bytes */
    size_t size;
    bool bad;
    uint8_t bytes[CHUNK];
};

static void open_cursor(struct cursor *c, uint64_t at, uint64_t end) {
    c->at = at;
    c->end = end;
    c->base = at;
    c->size = 0;
    c->bad = at > end;
}

static uint64_t get(struct cursor *c, unsigned size) {
    uint64_t value = 0;
    if (c->bad || c->end - c->at < size) {
        c->bad = true;
        return 0;
    }
    if (c->at < c->base || c->at + size > c->base + c->size) {
        size_t want = c->end - c->at < CHUNK ? (size_t)(c->end - c->at) : CHUNK;
        c->base = c->at;
        c->size = sampler_read_part(c->at, c->bytes, want);
        if (c->size < size) {
            c->bad = true;
            return 0;
        }
    }
    memcpy(&value, c->bytes + (c->at - c->base), size);
    c->at += size;
    return value;
}

static void skip(struct cursor *c, uint64_t size) {
    if (c->end - c->at < size)
        c->bad = true;
    else
        c->at += size;
}

static uint64_t get_uleb(struct cursor *c) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = get(c, 1);
        value |= (byte & 0x7f) << shift;
        if (!(byte & 0x80)) return value;
    }
    c->bad = true;
    return 0;
}

static int64_t get_sleb(struct cursor *c) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64;) {
        uint64_t byte = get(c, 1);
        value |= (byte & 0x7f) << shift;
        shift += 7;
        if (byte & 0x80) continue;
        if (shift < 64 && (byte & 0x40)) value |= ~UINT64_C(0) << shift;
        return (int64_t)value;
    }
    c->bad = true;
    return 0;
}

enum { PE_OMIT = 0xff, PE_INDIRECT = 0x80 };

/* A pointer in one of the encodings DW_EH_PE_*; data: what DW_EH_PE_datarel is relative to. */
static uint64_t get_encoded(struct cursor *c, uint8_t encoding, uint64_t data) {
    if (encoding == PE_OMIT) return 0;
    uint64_t place = c->at, value = 0;
    switch (encoding & 0x0f) {
    case 0x01:
        value = get_uleb(c);
        break;
    case 0x02:
        value = get(c, 2);
        break;
    case 0x03:
        value = get(c, 4);
        break;
    case 0x00: /* absolute, eight bytes */
    case 0x04:
    case 0x0c:
        value = get(c, 8);
        break;
    case 0x09:
        value = (uint64_t)get_sleb(c);
        break;
    case 0x0a:
        value = (uint64_t)(int16_t)get(c, 2);
        break;
    case 0x0b:
        value = (uint64_t)(int32_t)get(c, 4);
        break;
    default:
        c->bad = true;
        return 0;
    }
    if ((encoding & 0x70) == 0x10)
        value += place;
    else if ((encoding & 0x70) == 0x30)
        value += data;
    return encoding & PE_INDIRECT ? sampler_word(value) : value;
}

/* ---- finding the description ---- */

struct description {
    uint64_t code_align;
    int64_t data_align;
    uint64_t cie_code, cie_end; /* initial instructions */
    uint64_t fde_code, fde_end;
    uint64_t low, high;
    uint8_t encoding, return_register;
    bool signal_frame, augmented;
};

/* The length field of an entry at c; sets c->end to the entry's end.  false at a terminator. */
static bool enter(struct cursor *c) {
    c->end = c->at + 12;
    uint64_t length = get(c, 4);
    if (length == 0xffffffff) length = get(c, 8);
    if (c->bad || length == 0 || length > UINT32_MAX) return false;
    c->end = c->at + length;
    return true;
}

static bool read_cie(uint64_t address, struct description *d) {
    struct cursor c;
    open_cursor(&c, address, address + 12);
    if (!enter(&c) || get(&c, 4) != 0) return false;
    uint64_t version = get(&c, 1);
    char augmentation[8] = "";
    size_t n = 0;
    for (char ch; (ch = (char)get(&c, 1)) != 0 && !c.bad; n++)
        if (n < sizeof augmentation - 1) augmentation[n] = ch;
    if (n >= sizeof augmentation || (version != 1 && version != 3)) return false;
    d->code_align = get_uleb(&c);
    d->data_align = get_sleb(&c);
    d->return_register = (uint8_t)(version == 1 ? get(&c, 1) : get_uleb(&c));
    d->augmented = augmentation[0] == 'z';
    if (augmentation[0] && !d->augmented) return false;
    uint64_t size = d->augmented ? get_uleb(&c) : 0, code = c.at + size;
    for (const char *a = augmentation + d->augmented; *a && !c.bad; a++) {
        if (*a == 'R')
            d->encoding = (uint8_t)get(&c, 1);
        else if (*a == 'S')
            d->signal_frame = true;
        else if (*a == 'L')
            get(&c, 1);
        else if (*a == 'P') {
            uint8_t encoding = (uint8_t)get(&c, 1) & 0x7f;
            get_encoded(&c, encoding, 0);
        }
    }
    d->cie_code = code;
    d->cie_end = c.end;
    return !c.bad && code <= c.end && d->return_register < SAMPLER_REGISTERS;
}

static bool read_fde(uint64_t address, uint64_t pc, struct description *d) {
    struct cursor c;
    open_cursor(&c, address, address + 12);
    if (!enter(&c)) return false;
    uint64_t place = c.at, back = get(&c, 4);
    if (c.bad || back == 0 || !read_cie(place - back, d)) return false;
    d->low = get_encoded(&c, d->encoding, 0);
    d->high = d->low + get_encoded(&c, d->encoding & 0x0f, 0);
    if (d->augmented) {
        uint64_t size = get_uleb(&c);
        skip(&c, size);
    }
    d->fde_code = c.at;
    d->fde_end = c.end;
    return !c.bad && pc >= d->low && pc < d->high;
}

/* Binary search in the sorted table of .eh_frame_hdr. */
static bool find_fde(const struct sampler_object *o, uint64_t pc, struct description *d) {
    struct cursor c;
    if (!o->eh_frame_hdr) return false;
    open_cursor(&c, o->eh_frame_hdr, o->eh_frame_hdr + o->eh_frame_hdr_size);
    uint64_t version = get(&c, 1);
    uint8_t frame_encoding = (uint8_t)get(&c, 1), count_encoding = (uint8_t)get(&c, 1);
    uint8_t table_encoding = (uint8_t)get(&c, 1);
    get_encoded(&c, frame_encoding, o->eh_frame_hdr);
    uint64_t count = get_encoded(&c, count_encoding, o->eh_frame_hdr);
    if (c.bad || version != 1 || table_encoding != 0x3b || count > (c.end - c.at) / 8) return false;
    uint64_t table = c.at, low = 0, high = count;
    int32_t entry[2] = {0, 0};
    while (low < high) { /* the last entry that begins at or before pc */
        uint64_t middle = (low + high) / 2;
        if (!sampler_read(table + 8 * middle, entry, sizeof entry)) return false;
        if (o->eh_frame_hdr + (uint64_t)(int64_t)entry[0] <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || !sampler_read(table + 8 * (low - 1), entry, sizeof entry)) return false;
    return read_fde(o->eh_frame_hdr + (uint64_t)(int64_t)entry[1], pc, d);
}

/* ---- executing call frame instructions ---- */

struct machine {
    struct cursor c;
    const struct description *d;
    uint64_t location, pc;
    struct sampler_row *row;
    struct sampler_row initial;
    struct sampler_row remembered[REMEMBERED];
    unsigned depth;
};

static void set_rule(struct machine *m, uint64_t reg, enum sampler_rule rule, int64_t offset) {
    if (offset < INT32_MIN || offset > INT32_MAX) m->c.bad = true;
    if (reg >= SAMPLER_REGISTERS) return; /* a vector register */
    m->row->rules[reg] = (uint8_t)rule;
    m->row->offsets[reg] = (int32_t)offset;
}

static void set_cfa(struct machine *m, uint64_t reg, int64_t offset) {
    if (reg >= SAMPLER_REGISTERS || offset < INT32_MIN || offset > INT32_MAX) m->c.bad = true;
    m->row->cfa_register = (uint8_t)reg;
    m->row->cfa_offset = (int32_t)offset;
}

/* An expression stands in place: its address is kept, relative to the row's base. */
static int64_t pass_expression(struct machine *m) {
    int64_t at = (int64_t)(m->c.at - m->row->expressions);
    uint64_t size = get_uleb(&m->c);
    skip(&m->c, size);
    return at;
}

static void restore(struct machine *m, uint64_t reg) {
    if (reg >= SAMPLER_REGISTERS) return;
    m->row->rules[reg] = m->initial.rules[reg];
    m->row->offsets[reg] = m->initial.offsets[reg];
}

static void remember(struct machine *m) {
    if (m->depth == REMEMBERED)
        m->c.bad = true;
    else
        m->remembered[m->depth++] = *m->row;
}

static void recall(struct machine *m) {
    if (m->depth == 0)
        m->c.bad = true;
    else
        *m->row = m->remembered[--m->depth];
}

static void advance(struct machine *m, uint64_t units) { m->location += units * m->d->code_align; }

/* Instructions about the canonical frame address; false for another. */
static bool cfa_instruction(struct machine *m, uint8_t op) {
    struct cursor *c = &m->c;
    uint64_t reg = 0;
    switch (op) {
    case 0x0c: /* def_cfa */
        reg = get_uleb(c);
        set_cfa(m, reg, (int64_t)get_uleb(c));
        return true;
    case 0x0d:
        set_cfa(m, get_uleb(c), m->row->cfa_offset);
        return true;
    case 0x0e:
        set_cfa(m, m->row->cfa_register, (int64_t)get_uleb(c));
        return true;
    case 0x0f: /* def_cfa_expression */
        m->row->cfa_offset = (int32_t)pass_expression(m);
        m->row->cfa_register = CFA_EXPRESSION;
        return true;
    case 0x12: /* def_cfa_sf */
        reg = get_uleb(c);
        set_cfa(m, reg, get_sleb(c) * m->d->data_align);
        return true;
    case 0x13:
        set_cfa(m, m->row->cfa_register, get_sleb(c) * m->d->data_align);
        return true;
    default:
        return false;
    }
}

/* Instructions about one register, whose number comes first; false for another. */
static bool register_instruction(struct machine *m, uint8_t op) {
    static const uint32_t known = 1u << 0x05 | 1u << 0x06 | 1u << 0x07 | 1u << 0x08 | 1u << 0x09 |
                                  1u << 0x10 | 1u << 0x11 | 1u << 0x14 | 1u << 0x16;
    struct cursor *c = &m->c;
    int64_t unit = m->d->data_align;
    if (op >= 32 || !(known >> op & 1)) return false;
    uint64_t reg = get_uleb(c);
    switch (op) {
    case 0x05:
        set_rule(m, reg, RULE_AT_CFA, (int64_t)get_uleb(c) * unit);
        break;
    case 0x06:
        restore(m, reg);
        break;
    case 0x07:
        set_rule(m, reg, RULE_UNDEFINED, 0);
        break;
    case 0x08:
        set_rule(m, reg, RULE_SAME, 0);
        break;
    case 0x09:
        set_rule(m, reg, RULE_REGISTER, (int64_t)get_uleb(c));
        break;
    case 0x10:
        set_rule(m, reg, RULE_AT_EXPRESSION, pass_expression(m));
        break;
    case 0x11:
        set_rule(m, reg, RULE_AT_CFA, get_sleb(c) * unit);
        break;
    case 0x14:
        set_rule(m, reg, RULE_CFA_PLUS, (int64_t)get_uleb(c) * unit);
        break;
    default:
        set_rule(m, reg, RULE_EXPRESSION, pass_expression(m));
    }
    return true;
}

/* Instructions without an operand in the opcode; sets bad for one that is not known. */
static void extended(struct machine *m, uint8_t op) {
    struct cursor *c = &m->c;
    if (cfa_instruction(m, op) || register_instruction(m, op)) return;
    switch (op) {
    case 0x00:
        break; /* nop */
    case 0x01:
        m->location = get_encoded(c, m->d->encoding, 0);
        break; /* set_loc */
    case 0x02:
        advance(m, get(c, 1));
        break; /* advance_loc1, 2, 4 */
    case 0x03:
        advance(m, get(c, 2));
        break;
    case 0x04:
        advance(m, get(c, 4));
        break;
    case 0x0a:
        remember(m);
        break;
    case 0x0b:
        recall(m);
        break;
    case 0x2d:
        break; /* AArch64: return addresses are signed; see the unwinder */
    case 0x2e:
        get_uleb(c);
        break; /* GNU_args_size */
    default:
        c->bad = true;
    }
}

static bool execute(struct machine *m, uint64_t at, uint64_t end) {
    open_cursor(&m->c, at, end);
    while (!m->c.bad && m->c.at < m->c.end && m->location <= m->pc) {
        uint8_t op = (uint8_t)get(&m->c, 1), low = op & 0x3f;
        switch (op >> 6) {
        case 1:
            advance(m, low);
            break;
        case 2:
            set_rule(m, low, RULE_AT_CFA, (int64_t)get_uleb(&m->c) * m->d->data_align);
            break;
        case 3:
            restore(m, low);
            break;
        default:
            extended(m, op);
        }
    }
    return !m->c.bad;
}

bool sampler_cfi_row(const struct sampler_object *object, uint64_t pc, struct sampler_row *row) {
    static struct machine m; /* too large for a stack; the sampler's thread alone is here */
    struct description d = {0};
    memset(row, 0, sizeof *row);
    if (!find_fde(object, pc, &d)) return false;
    m.d = &d;
    m.row = row;
    m.pc = UINT64_MAX; /* all of the initial instructions */
    m.location = d.low;
    m.depth = 0;
    row->expressions = d.cie_code;
    if (!execute(&m, d.cie_code, d.cie_end)) return false;
    m.initial = *row;
    m.pc = pc;
    m.location = d.low;
    if (!execute(&m, d.fde_code, d.fde_end)) return false;
    row->function_low = d.low;
    row->function_high = d.high;
    row->return_register = d.return_register;
    row->signal_frame = d.signal_frame;
    row->valid = true;
    return true;
}

/* ---- DWARF expressions ---- */

struct evaluation {
    struct cursor c;
    uint64_t stack[16];
    unsigned depth;
    const struct sampler_registers *registers;
    bool bad;
};

static void push(struct evaluation *e, uint64_t value) {
    if (e->depth == sizeof e->stack / sizeof *e->stack)
        e->bad = true;
    else
        e->stack[e->depth++] = value;
}

static uint64_t pop(struct evaluation *e) {
    if (e->depth == 0) {
        e->bad = true;
        return 0;
    }
    return e->stack[--e->depth];
}

static void push_register(struct evaluation *e, uint64_t reg) {
    int64_t offset = get_sleb(&e->c);
    if (reg == SAMPLER_RA &&
        SAMPLER_RA == 16) { /* x86-64's program counter, in a PLT's expression */
        push(e, e->registers->pc + (uint64_t)offset);
        return;
    }
    if (reg >= SAMPLER_REGISTERS || !(e->registers->known >> reg & 1))
        e->bad = true;
    else
        push(e, e->registers->value[reg] + (uint64_t)offset);
}

static void binary(struct evaluation *e, uint8_t op) {
    uint64_t b = pop(e), a = pop(e);
    switch (op) {
    case 0x1a:
        push(e, a & b);
        break;
    case 0x1c:
        push(e, a - b);
        break;
    case 0x1e:
        push(e, a * b);
        break;
    case 0x21:
        push(e, a | b);
        break;
    case 0x22:
        push(e, a + b);
        break;
    case 0x24:
        push(e, b < 64 ? a << b : 0);
        break;
    case 0x25:
        push(e, b < 64 ? a >> b : 0);
        break;
    case 0x27:
        push(e, a ^ b);
        break;
    case 0x29:
        push(e, a == b);
        break;
    case 0x2a:
        push(e, (int64_t)a >= (int64_t)b);
        break;
    case 0x2b:
        push(e, (int64_t)a > (int64_t)b);
        break;
    case 0x2c:
        push(e, (int64_t)a <= (int64_t)b);
        break;
    case 0x2d:
        push(e, (int64_t)a < (int64_t)b);
        break;
    case 0x2e:
        push(e, a != b);
        break;
    default:
        e->bad = true;
    }
}

static void operation(struct evaluation *e, uint8_t op) {
    struct cursor *c = &e->c;
    if (op >= 0x30 && op <= 0x4f)
        push(e, op - 0x30u); /* lit0 to lit31 */
    else if (op >= 0x70 && op <= 0x8f)
        push_register(e, op - 0x70u); /* breg0 to breg31 */
    else if (op == 0x92)
        push_register(e, get_uleb(c)); /* bregx */
    else if (op == 0x08)
        push(e, get(c, 1)); /* const1u and so on */
    else if (op == 0x09)
        push(e, (uint64_t)(int8_t)get(c, 1));
    else if (op == 0x0a)
        push(e, get(c, 2));
    else if (op == 0x0b)
        push(e, (uint64_t)(int16_t)get(c, 2));
    else if (op == 0x0c)
        push(e, get(c, 4));
    else if (op == 0x0d)
        push(e, (uint64_t)(int32_t)get(c, 4));
    else if (op == 0x0e || op == 0x0f)
        push(e, get(c, 8));
    else if (op == 0x10)
        push(e, get_uleb(c));
    else if (op == 0x11)
        push(e, (uint64_t)get_sleb(c));
    else if (op == 0x23)
        push(e, pop(e) + get_uleb(c)); /* plus_uconst */
    else if (op == 0x12) {             /* dup */
        uint64_t top = pop(e);
        push(e, top);
        push(e, top);
    } else
        binary(e, op);
}

bool sampler_cfi_evaluate(uint64_t expression, const uint64_t *initial,
                          const struct sampler_registers *registers,
                          bool (*load)(const void *context, uint64_t address, uint64_t *value),
                          const void *context, uint64_t *result) {
    struct evaluation e = {.registers = registers};
    open_cursor(&e.c, expression, expression + 256);
    uint64_t size = get_uleb(&e.c);
    if (e.c.bad || size > e.c.end - e.c.at) return false;
    e.c.end = e.c.at + size;
    if (initial) push(&e, *initial);
    while (!e.bad && !e.c.bad && e.c.at < e.c.end) {
        uint8_t op = (uint8_t)get(&e.c, 1);
        if (op == 0x06) { /* deref */
            uint64_t value = 0;
            if (!load(context, pop(&e), &value)) return false;
            push(&e, value);
        } else
            operation(&e, op);
    }
    *result = pop(&e);
    return !e.bad && !e.c.bad;
}
