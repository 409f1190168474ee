/* The page of a folder that `ashore port` writes. */
#include "cli_web.h"
#include "port.h"

#include <string.h>

/* For those who read the page's source. */
const char *port_source_note(struct port *port) {
    return cli_format(port->cli,
                      "<!--\n%s, run in the browser by Ashore %s, written by 'ashore port'.\n"
                      "Its weights are part of what the page downloads: whoever can open the page "
                      "can read and\nkeep them. What must stay secret has to stay on a server.\n"
                      "-->\n",
                      port->model, ashore_version());
}

int port_put_page(struct port *port) {
    if (port->own_page) return CLI_OK;
    struct cli *cli = port->cli;
    const char *styles = "";
    for (size_t i = 0; i < port->styles.count; i++) {
        styles = cli_format(cli, "%s<link rel=\"stylesheet\" href=\"./%s\">\n", styles,
                            port->styles.items[i]);
    }
    const char *page =
        cli_format(cli,
                   "<!doctype html>\n%s<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"%s\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"ashore-model\" content=\"./%s\">\n"
                   "<title>%s</title>\n%s<script type=\"module\" src=\"./%s\"></script>\n</head>\n"
                   "<body>\n<main id=\"app\">" PORT_NOSCRIPT "</main>\n</body>\n</html>\n",
                   port_source_note(port), CLI_CSP, port->model, port->model, styles,
                   port->app ? port->app : "page/main.js");
    return port_put_text(port, "index.html", page, strlen(page));
}
