/* Elements of tensors as numbers: decoding, summaries and comparison. */
#ifndef ASH_CLI_ELEMENT_H
#define ASH_CLI_ELEMENT_H

#include "ashore/ashore.h"

#include <stdbool.h>

/* Element i of a tensor as real and imaginary part; 0, 0 for strings. */
void cli_element_get(const ashore_value *value, size_t i, double parts[2]);
/* Element i as text: "0.25", "1-2i", "true", "\"word\"" (cut to fit, never more than size). */
void cli_element_text(const ashore_value *value, size_t i, char *out, size_t size);
/* Where element i lies: "[0,3,2]". */
void cli_element_index(const ashore_value *value, size_t i, char *out, size_t size);
/* "float32[1,3,48,320]", "sequence of 3", "map of 2", "optional, empty". */
void cli_value_text(const ashore_value *value, char *out, size_t size);

/* Least, greatest and mean of the finite elements (real parts). */
struct cli_summary {
    double least, greatest, mean;
    size_t finite, nan, infinite;
};
void cli_value_summary(const ashore_value *value, struct cli_summary *summary);

/* |actual - expected| <= atol + rtol * |expected|, NaN equals NaN, an infinity equals itself.
 * Strings and booleans must be equal, integers too unless `integers` says that the tolerance is
 * theirs as well. */
struct cli_tolerance {
    double rtol, atol;
    bool integers;
};
struct cli_difference {
    double max_abs, max_rel; /* over elements that are finite on both sides */
    size_t elements, wrong;  /* compared, and outside of the tolerance */
    char text[400];          /* empty when nothing is wrong */
};
/* Compares values of any kind; adds to *diff, which starts cleared.  True when they agree. */
bool cli_value_compare(const ashore_value *actual, const ashore_value *expected,
                       const struct cli_tolerance *tolerance, struct cli_difference *diff);

#endif
