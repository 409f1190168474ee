/* What a frame description says about one program counter: where the caller's registers are. */
#ifndef ASH_ASSESS_SAMPLER_CFI_H
#define ASH_ASSESS_SAMPLER_CFI_H

#include "sampler.h"

enum sampler_rule {
    RULE_SAME = 0, /* the register has the caller's value */
    RULE_UNDEFINED,
    RULE_AT_CFA,        /* saved at CFA + offset */
    RULE_CFA_PLUS,      /* is CFA + offset */
    RULE_AT_EXPRESSION, /* saved where the expression says */
    RULE_EXPRESSION,    /* is what the expression says */
    RULE_REGISTER       /* is in another register */
};

struct sampler_row {
    uint64_t function_low, function_high;
    uint64_t expressions; /* what offsets of expressions are relative to */
    int32_t cfa_offset;   /* of the expression when cfa_register is EXPRESSION */
    uint8_t cfa_register;
    uint8_t return_register;
    bool valid, signal_frame;
    uint8_t rules[SAMPLER_REGISTERS];
    int32_t offsets[SAMPLER_REGISTERS];
};
enum { CFA_EXPRESSION = 255 };

/* The row for pc; false when no frame description covers it. */
bool sampler_cfi_row(const struct sampler_object *object, uint64_t pc, struct sampler_row *row);
/* A DWARF expression: a length in LEB128, then operations.  initial is on the stack first. */
bool sampler_cfi_evaluate(uint64_t expression, const uint64_t *initial,
                          const struct sampler_registers *registers,
                          bool (*load)(const void *context, uint64_t address, uint64_t *value),
                          const void *context, uint64_t *result);

#endif
