/* _headers: what hosts that read such a file send along with the folder's files. */
#include "cli_web.h"
#include "port.h"

#include <string.h>

static bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

/* Whether a name has a part of 8 to 64 hexadecimal digits, as build tools put a hash there; a word
 * without a digit is none. */
static bool names_hash(const char *name) {
    for (const char *part = name; *part;) {
        size_t n = 0, digits = 0;
        for (; is_hex(part[n]); n++) digits += part[n] <= '9';
        bool ends = !part[n] || strchr(".-_", part[n]);
        if (n >= 8 && n <= 64 && digits && ends) return true;
        part += strcspn(part, ".-_/");
        if (*part) part++;
    }
    return false;
}

int port_put_headers(struct port *port) {
    struct cli *cli = port->cli;
    const char *text = cli_format(
        cli,
        "# Headers, for hosts that read this file. Others have to be told by their own means:\n"
        "# isolation for threads, a strict policy, and the type without which browsers neither\n"
        "# compile a module while it arrives nor keep what they compiled.\n"
        "/*\n"
        "  Cross-Origin-Opener-Policy: same-origin\n"
        "  Cross-Origin-Embedder-Policy: require-corp\n"
        "  Cross-Origin-Resource-Policy: same-origin\n"
        "  Content-Security-Policy: %s\n"
        "  X-Content-Type-Options: nosniff\n"
        "/ashore/*.wasm\n"
        "  Content-Type: application/wasm\n",
        CLI_CSP);
    for (size_t i = 0; i < port->count; i++) {
        const char *path = port->entries[i].path;
        if (!names_hash(path)) continue;
        text = cli_format(cli, "%s/%s\n  Cache-Control: public, max-age=31536000, immutable\n",
                          text, path);
    }
    return port_put_text(port, "_headers", text, strlen(text));
}
