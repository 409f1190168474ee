"""What the services of these examples have in common: HTTP/1.1 with kept connections, a thread for
each of them, nothing logged, and an orderly end on SIGTERM."""

import argparse
import http.server
import os
import signal
import sys


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


def parser(description):
    """With the option that every service has."""
    result = argparse.ArgumentParser(description=description)
    result.add_argument("--port", type=int, default=int(os.environ.get("PORT", 8000)))
    return result


def serve(port, answer):
    """Answers every request with what answer(body) returns; both are bytes.  Until SIGTERM or ^C."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                status, content = "200 OK", answer(body)
            except (ValueError, TypeError) as error:
                status, content = "400 Bad Request", f"{error}\n".encode()
            head = f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\n\r\n"
            self.wfile.write(head.encode() + content)

        do_GET = do_POST

        def log_message(self, *_):
            pass

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Server(("127.0.0.1", port), Handler) as server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
