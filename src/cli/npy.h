/* NumPy's .npy format, versions 1 to 3, to tensors and back.
 *
 * Source: numpy/lib/format.py's description of the format (NEP 1).  A file is the magic, a version,
 * a length, a Python dictionary as text ('descr', 'fortran_order', 'shape') and the elements.
 * Untrusted: every length is checked against the file before anything is allocated, and what would
 * need a Python interpreter (object arrays) is refused.  */
#ifndef ASH_CLI_NPY_H
#define ASH_CLI_NPY_H

#include "ashore/ashore.h"

#include <stdio.h>

/* True when the bytes begin as an .npy file does. */
int cli_npy_is(const void *bytes, size_t size);

/* Reads a file that lies in memory into a tensor of its own, in C order and this machine's byte
 * order.  Strings ('U', UTF-32, and 'S', bytes) become string tensors.  expected is the element
 * type that is wanted or ASHORE_UNDEFINED; it only decides what raw bytes ('V1', 'V2': how NumPy
 * writes bfloat16 and float8) mean, and the tensor may well be of another type. */
int cli_npy_parse(const void *bytes, size_t size, int expected, ashore_value **value,
                  struct ashore_error *err);

/* The type a tensor is written as: NumPy has no types of 2 and 4 bits, no bfloat16 and no float8,
 * so these are widened, without loss, to int8, uint8 and float32. */
int cli_npy_stored_dtype(int dtype);

/* Writes a tensor as version 1 (or 2 for a long header).  Text must be UTF-8 and not end in a zero
 * character, which the format cannot hold. */
int cli_npy_write(FILE *file, const ashore_value *value, struct ashore_error *err);

#endif
