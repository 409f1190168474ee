/* Names of functions in ELF files, by address.
 *
 * The files belong to the program that is profiled and may be anything: whatever cannot be read, or
 * is larger than the limits in symbols.c, has no symbols.  64-bit little-endian files alone. */
#ifndef ASH_ASSESS_SYMBOLS_H
#define ASH_ASSESS_SYMBOLS_H

#include "assess_base.h"

struct assess_symbols;

/* NULL when the file has nothing to offer, or there is no memory. */
struct assess_symbols *assess_symbols_open(const char *path);
void assess_symbols_close(struct assess_symbols **symbols);

/* Address: the file's own virtual one.  The function that it lies in: its name, NULL when only its
 * bounds are known (a stripped file's unwind table); *low is its first address.  Returns false, and
 * writes nothing, when neither is known.  The name lasts as long as the symbols.  symbols may be
 * NULL. */
bool assess_symbols_find(const struct assess_symbols *symbols, uint64_t address, const char **name,
                         uint64_t *low);

/* "ns::Class::method" from a mangled C++ name where that takes no more than reading its nested
 * names: templates lose their arguments.  NULL when it is not that simple, or not mangled. */
const char *assess_demangle(const char *symbol, struct assess_pool *pool);

#endif
