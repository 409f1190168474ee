/* What the pages that `port` writes and the server of `site` agree on. */
#ifndef ASH_CLI_WEB_H
#define ASH_CLI_WEB_H

/* No inline script, no eval, nothing from elsewhere; WebAssembly may be compiled. */
#define CLI_CSP "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'"

#endif
