/* What `ashore port` says at its end. */
#include "port.h"

#include <stdio.h>
#include <string.h>

static const uint64_t large = 50 * 1000 * 1000; /* bytes to download that are worth a warning */

static bool is_real(int dtype) {
    return dtype == ASHORE_FLOAT32 || dtype == ASHORE_FLOAT64 || dtype == ASHORE_FLOAT16 ||
           dtype == ASHORE_BFLOAT16;
}

void port_count_weights(struct port *port, const ashore_model *model) {
    for (int dtype = 1; dtype < ASHORE_DTYPE_COUNT; dtype++) {
        uint64_t bytes = 0;
        size_t elements = ashore_model_weights(model, dtype, &bytes);
        if (!is_real(dtype)) continue;
        port->weights.elements += elements;
        port->weights.bytes += bytes;
    }
}

static bool is_data(const struct port *port, const char *path) {
    for (size_t k = 0; k < port->external.count; k++) {
        if (strcmp(path, port->external.items[k]) == 0) return true;
    }
    return strcmp(path, port->model) == 0;
}

/* What a visitor fetches: scripts, styles, the model, and of the engine the largest module. */
void port_count_download(struct port *port) {
    uint64_t module = 0;
    for (size_t i = 0; i < port->count; i++) {
        const struct port_entry *e = &port->entries[i];
        bool data = is_data(port, e->path);
        if (data) port->model_bytes += e->bytes.size;
        if (cli_has_suffix(e->path, ".wasm")) {
            if (e->bytes.size > module) module = e->bytes.size;
        } else if (data || port_is_module(e->path) || cli_has_suffix(e->path, ".css")) {
            port->fetched += e->bytes.size;
        }
    }
    port->fetched += module;
}

/* Decimal, as the limit is. */
static const char *megabytes(struct cli *cli, uint64_t bytes) {
    return cli_format(cli, "%.1f MB", (double)bytes / 1e6);
}

/* Sizes of the model with weights of 2 bytes, 1 byte, and half a byte with a float32 scale and a
 * zero point of half a byte for each 32 of them, as MatMulNBits has them. */
static void say_quantised(struct port *port) {
    struct cli *cli = port->cli;
    uint64_t n = port->weights.elements, model = port->model_bytes;
    uint64_t rest = model > port->weights.bytes ? model - port->weights.bytes : 0;
    if (port->weights.bytes < model / 4) {
        printf("  most of its weights are of one byte or less already: what is left to do is a "
               "smaller model\n");
        return;
    }
    printf("  with its weights quantised the model would take about:\n");
    if (port->weights.bytes > 2 * n) printf("    float16  %s\n", megabytes(cli, rest + 2 * n));
    printf("    int8     %s\n", megabytes(cli, rest + n));
    printf("    int4     %s, in blocks of 32 with a scale each\n",
           megabytes(cli, rest + n / 2 + n / 32 * 4 + n / 64));
    printf("  (check the answers of a quantised model with 'ashore verify')\n");
}

void port_say(struct port *port, const char *what, const char *how) {
    struct cli *cli = port->cli;
    if (port->report) fputs(port->report, stdout);
    printf("%s\n%s\n", what, how);
    printf("note: weights that are shipped to a page can be read by anyone who can open it\n");
    if (port->fetched <= large) return;
    printf("warning: a visitor downloads %s, %s of it the model; over 50 MB many leave, and "
           "phones run out of memory\n",
           megabytes(cli, port->fetched), megabytes(cli, port->model_bytes));
    say_quantised(port);
}
