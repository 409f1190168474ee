#include "sampler_cfi.h"

#include <string.h>

enum { ROWS = 2048 };

static struct sampler_row *rows; /* by hash of pc, for one generation of the table of objects */
static uint64_t *row_pcs;
static uint32_t rows_generation;

void sampler_unwind_reset(void) { rows_generation = 0; }

static const struct sampler_row *row_at(uint64_t pc) {
    if (!rows) rows = sampler_pages(ROWS * sizeof *rows);
    if (!row_pcs) row_pcs = sampler_pages(ROWS * sizeof *row_pcs);
    if (!rows || !row_pcs) return NULL;
    if (rows_generation != sampler_objects_generation()) {
        memset(row_pcs, 0, ROWS * sizeof *row_pcs);
        rows_generation = sampler_objects_generation();
    }
    uint32_t i = (uint32_t)(sampler_hash(&pc, sizeof pc, 0) % ROWS);
    if (row_pcs[i] != pc) {
        const struct sampler_object *object = sampler_object_at(pc);
        rows[i].valid = object && sampler_cfi_row(object, pc, &rows[i]);
        row_pcs[i] = pc;
    }
    return rows[i].valid ? &rows[i] : NULL;
}

bool sampler_function_range(uint64_t pc, uint64_t *low, uint64_t *high) {
    const struct sampler_row *row = row_at(pc);
    if (!row) return false;
    *low = row->function_low;
    *high = row->function_high;
    return true;
}

static bool load(const void *context, uint64_t address, uint64_t *value) {
    const struct sampler_stack_copy *stack = context;
    if (address < stack->base || stack->size < sizeof *value ||
        address - stack->base > stack->size - sizeof *value)
        return false;
    memcpy(value, stack->bytes + (address - stack->base), sizeof *value);
    return true;
}

static uint64_t plain_address(uint64_t address) {
#if defined(__aarch64__)
    return address & UINT64_C(0x0000ffffffffffff); /* without the signature */
#else
    return address;
#endif
}

static void set(struct sampler_registers *r, unsigned reg, bool known, uint64_t value) {
    r->value[reg] = value;
    r->known = known ? r->known | UINT64_C(1) << reg : r->known & ~(UINT64_C(1) << reg);
}

static bool find_cfa(const struct sampler_row *row, const struct sampler_registers *r,
                     const struct sampler_stack_copy *stack, uint64_t *cfa) {
    if (row->cfa_register == CFA_EXPRESSION)
        return sampler_cfi_evaluate(row->expressions + (uint64_t)(int64_t)row->cfa_offset, NULL, r,
                                    load, stack, cfa);
    if (!(r->known >> row->cfa_register & 1)) return false;
    *cfa = r->value[row->cfa_register] + (uint64_t)(int64_t)row->cfa_offset;
    return true;
}

static void apply(const struct sampler_row *row, unsigned reg, uint64_t cfa,
                  const struct sampler_registers *old, const struct sampler_stack_copy *stack,
                  struct sampler_registers *r) {
    uint64_t at = (uint64_t)(int64_t)row->offsets[reg], value = 0;
    bool known = false;
    switch (row->rules[reg]) {
    case RULE_SAME:
        return;
    case RULE_AT_CFA:
        known = load(stack, cfa + at, &value);
        break;
    case RULE_CFA_PLUS:
        known = true;
        value = cfa + at;
        break;
    case RULE_AT_EXPRESSION:
    case RULE_EXPRESSION:
        known = sampler_cfi_evaluate(row->expressions + at, &cfa, old, load, stack, &value);
        if (known && row->rules[reg] == RULE_AT_EXPRESSION) known = load(stack, value, &value);
        break;
    case RULE_REGISTER:
        known = at < SAMPLER_REGISTERS && (old->known >> at & 1);
        value = known ? old->value[at] : 0;
        break;
    default:
        break;
    }
    set(r, reg, known, value);
}

enum step { STEP_DONE, STEP_ROOT, STEP_LOST };

/* From a frame to its caller. */
static enum step step(struct sampler_registers *r, bool leaf,
                      const struct sampler_stack_copy *stack, bool *signal_frame) {
    /* A return address may be the first of the next function: the call is before it. */
    const struct sampler_row *row = row_at(r->pc - !leaf);
    uint64_t cfa = 0;
    if (!row || !find_cfa(row, r, stack, &cfa)) return STEP_LOST;
    if (row->rules[row->return_register] == RULE_UNDEFINED) return STEP_ROOT;
    struct sampler_registers old = *r;
    for (unsigned reg = 0; reg < SAMPLER_REGISTERS; reg++) apply(row, reg, cfa, &old, stack, r);
    if (row->rules[SAMPLER_SP] == RULE_SAME) set(r, SAMPLER_SP, true, cfa);
    if (!(r->known >> row->return_register & 1)) return STEP_LOST;
    r->pc = plain_address(r->value[row->return_register]);
    *signal_frame = row->signal_frame;
    if (r->pc == 0) return STEP_ROOT;
    if (cfa <= old.value[SAMPLER_SP] && !leaf && !row->signal_frame) return STEP_LOST;
    return sampler_object_at(r->pc) ? STEP_DONE : STEP_LOST;
}

/* Whether a call instruction ends at the address. */
static bool after_call(uint64_t address) {
    uint8_t code[8];
    if (!sampler_object_at(address) || !sampler_read(address - sizeof code, code, sizeof code))
        return false;
#if defined(__x86_64__)
    if (code[3] == 0xe8)
        return true; /* call rel32; then call by register or memory, 2 to 7 bytes */
    for (unsigned i = 1; i <= 6; i++)
        if (code[i] == 0xff && (code[i + 1] & 0x38) == 0x10) return true;
    return false;
#else
    uint32_t word = 0;
    memcpy(&word, code + 4, sizeof word);
    return (word & 0xfc000000) == 0x94000000 || (word & 0xfffffc1f) == 0xd63f0000;
#endif
}

/* Where descriptions do not lead on: the frame pointer's chain, or the next word on the stack that
 * looks like a return address. */
static bool guess(struct sampler_registers *r, const struct sampler_stack_copy *stack) {
    uint64_t sp = r->value[SAMPLER_SP], fp = r->value[SAMPLER_FP], pc = 0, next = 0;
    if ((r->known >> SAMPLER_FP & 1) && fp > sp && load(stack, fp, &next) &&
        load(stack, fp + 8, &pc) && next > fp && after_call(plain_address(pc))) {
        r->known = 0;
        set(r, SAMPLER_FP, true, next);
        set(r, SAMPLER_SP, true, fp + 16);
        r->pc = plain_address(pc);
        return true;
    }
    for (uint64_t at = (sp + 7) & ~UINT64_C(7); load(stack, at, &pc); at += 8) {
        if (!after_call(plain_address(pc))) continue;
        r->known = 0;
        set(r, SAMPLER_SP, true, at + 8);
        r->pc = plain_address(pc);
        return true;
    }
    return false;
}

uint32_t sampler_unwind(struct sampler_registers *r, const struct sampler_stack_copy *stack,
                        const struct sampler_stop *stop, uint64_t *pcs, uint32_t room, bool *cut) {
    uint32_t n = 0;
    bool leaf = true, local_ahead = stop->local >= r->value[SAMPLER_SP];
    *cut = false;
    while (n < room) {
        const struct sampler_object *object = sampler_object_at(r->pc);
        if (!object || !object->own)
            pcs[n++] = r->pc; /* what stands in front of libc is left out */
        if (r->pc >= stop->low && r->pc < stop->high) return n;
        struct sampler_registers before = *r;
        bool signal_frame = false;
        enum step result = step(r, leaf, stack, &signal_frame);
        leaf = signal_frame; /* what a signal interrupted has no call before it */
        if (result == STEP_ROOT) return n;
        if (result == STEP_LOST) {
            *r = before;
            if (!guess(r, stack)) break;
        }
        if (local_ahead && r->value[SAMPLER_SP] > stop->local) return n;
    }
    *cut = true;
    return n;
}
