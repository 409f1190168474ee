/* What a file weighs when a server compresses it with brotli: for the tools in Python, whose
 * library has none. */
#include "cli.h"

#include <stdio.h>

#ifdef ASH_HAVE_BROTLI
#    include <brotli/encode.h>

enum { QUALITY = 5 }; /* what servers use that compress as they send */

/* Compresses stdin to nowhere; the size of what would come out. */
static int measure(BrotliEncoderState *encoder, size_t *size) {
    static uint8_t in[1 << 16];
    for (*size = 0; !BrotliEncoderIsFinished(encoder);) {
        size_t left = fread(in, 1, sizeof in, stdin), none = 0, taken = 0;
        if (ferror(stdin)) return CLI_INPUT;
        BrotliEncoderOperation op =
            left < sizeof in ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_PROCESS;
        const uint8_t *at = in;
        do {
            if (!BrotliEncoderCompressStream(encoder, op, &left, &at, &none, NULL, NULL)) {
                return CLI_INTERNAL;
            }
            taken = 0;
            BrotliEncoderTakeOutput(encoder, &taken);
            *size += taken;
        } while (left || BrotliEncoderHasMoreOutput(encoder));
    }
    return CLI_OK;
}

int cli_brotli_size(void) {
    BrotliEncoderState *encoder = BrotliEncoderCreateInstance(NULL, NULL, NULL);
    size_t size;
    if (!encoder) return CLI_INTERNAL;
    BrotliEncoderSetParameter(encoder, BROTLI_PARAM_QUALITY, QUALITY);
    int rc = measure(encoder, &size);
    BrotliEncoderDestroyInstance(encoder);
    if (rc == CLI_OK) printf("%zu\n", size);
    return rc;
}
#else
int cli_brotli_size(void) { return CLI_UNSUPPORTED; }
#endif
