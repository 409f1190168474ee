#!/usr/bin/env python3
"""check_site.py PROGRAM: `ashore site` over HTTP: headers, types, ranges, and what it refuses."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile

HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Content-Security-Policy":
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; "
        "img-src 'self' blob: data:; media-src 'self' blob:",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
FILES = {"index.html": "text/html; charset=utf-8", "app.js": "text/javascript; charset=utf-8",
         "sub/worker.mjs": "text/javascript; charset=utf-8", "engine.wasm": "application/wasm",
         "data.json": "application/json", "model.onnx": "application/octet-stream",
         "with space.txt": "text/plain; charset=utf-8"}
PATIENCE = 120  # seconds
problems = []


def expect(what, got, want):
    if got != want:
        problems.append(f"{what}: got {got!r}, expected {want!r}")


def ask(port, path, method="GET", headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request(method, path, headers=headers or {})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def raw(port, request):
    """The status line of an answer to bytes that http.client would not send."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as s:
        s.sendall(request)
        return s.recv(4096).split(b"\r\n")[0].decode("latin-1")


def check_files(port):
    for path, mime in FILES.items():
        response, body = ask(port, "/" + path.replace(" ", "%20"))
        expect(path, response.status, 200)
        expect(path, body, f"<{path}>".encode())
        expect(path + " type", response.getheader("Content-Type"), mime)
        for name, value in HEADERS.items():
            expect(f"{path} {name}", response.getheader(name), value)
        for name in (*HEADERS, "Content-Type", "Content-Length"):
            expect(f"{path} count of {name}", len(response.headers.get_all(name, [])), 1)
    response, body = ask(port, "/")
    expect("/", (response.status, body), (200, b"<index.html>"))
    response, body = ask(port, "/model.onnx?v=1", headers={"Range": "bytes=2-4"})
    expect("range", (response.status, body), (206, b"ode"))
    expect("range", response.getheader("Content-Range"), "bytes 2-4/12")
    # What has not changed is not sent again, and browsers keep what they compiled of a module.
    tag = ask(port, "/engine.wasm")[0].getheader("Etag")
    response, body = ask(port, "/engine.wasm", headers={"If-None-Match": tag})
    expect("not modified", (response.status, body), (304, b""))
    expect("304 Cache-Control", response.getheader("Cache-Control"), HEADERS["Cache-Control"])
    response, body = ask(port, "/engine.wasm", headers={"If-None-Match": '"other"'})
    expect("modified", (response.status, body), (200, b"<engine.wasm>"))
    response, body = ask(port, "/model.onnx", "HEAD")
    expect("HEAD", (response.status, body, response.getheader("Content-Length")), (200, b"", "12"))


def check_refusals(port):
    for path in ("/missing", "/sub", "/.secret", "/sub/../.secret", "/%2e%2e/outside.txt",
                 "/..%2foutside.txt", "/sub/%2e%2e/%2e%2e/outside.txt", "/link.txt", "/sub/",
                 "/..%5coutside.txt", "/.secret%00.txt"):
        response, body = ask(port, path)
        expect(path, response.status in (400, 404), True)
        expect(path + " text", b"secret" in body, False)
    expect("traversal", raw(port, b"GET /../outside.txt HTTP/1.0\r\n\r\n").split()[1] in
           ("400", "404"), True)
    for method in ("POST", "PUT", "DELETE"):
        response, _ = ask(port, "/index.html", method)
        expect(method, response.status, 405)
    response, _ = ask(port, "/favicon.ico")
    expect("favicon", response.status, 204)


def make(root):
    os.makedirs(os.path.join(root, "www", "sub"))
    for path in FILES:
        with open(os.path.join(root, "www", path), "w", encoding="utf-8") as f:
            f.write(f"<{path}>")
    for path in ("outside.txt", "www/.secret"):
        with open(os.path.join(root, path), "w", encoding="utf-8") as f:
            f.write("secret")
    os.symlink("../outside.txt", os.path.join(root, "www", "link.txt"))


def check_policy(program, www):
    """The policy that a folder's _headers has for all files is sent, and no other line of it."""
    own = "default-src 'self'; style-src 'self' 'sha256-AAAA='"
    for text, wanted in (
            (f"# some\r\n/*\r\n  X-Other: 1\r\n  content-security-policy:  {own}\r\n", own),
            (f"/*\n  Content-Security-Policy: {own}", own),
            (f"/sub/*\n  Content-Security-Policy: {own}\n", None),
            (f"/*\n/sub/*\n  Content-Security-Policy: {own}\n", None),
            ("/*\n  Content-Security-Policy: \n", None),
            ("/*\n  Content-Security-Policy: a\tb\n", None),
            ("/*\n  Content-Security-Policy: \xe9\n", None),
            ("", None)):
        with open(os.path.join(www, "_headers"), "w", encoding="latin-1", newline="") as f:
            f.write(text)
        with subprocess.Popen([program, "site", www, "--port", "0"], text=True,
                              stdout=subprocess.PIPE) as server:
            try:
                port = int(server.stdout.readline().strip().split(":")[2].strip("/"))
                for path in ("/index.html", "/missing"):
                    response, _ = ask(port, path)
                    expect(f"{text!r} {path}", response.getheader("Content-Security-Policy"),
                           wanted or HEADERS["Content-Security-Policy"])
                    expect(f"{text!r} {path}", response.getheader("X-Other"), None)
            finally:
                server.send_signal(signal.SIGINT)


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as root:
        make(root)
        www = os.path.join(root, "www")
        with subprocess.Popen([program, "site", www, "--port", "0"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
            try:
                url = server.stdout.readline().strip()
                expect("url", url.startswith("http://127.0.0.1:") and url.endswith("/"), True)
                port = int(url.split(":")[2].strip("/"))
                check_files(port)
                check_refusals(port)
                second = subprocess.run([program, "site", www, "--port", str(port)], text=True,
                                        capture_output=True, timeout=PATIENCE)
                expect("port in use", (second.returncode, "is the port in use?" in second.stderr),
                       (4, True))
            finally:
                server.send_signal(signal.SIGINT)
            expect("exit code", server.wait(timeout=PATIENCE), 0)
            expect("stderr", server.stderr.read(), "")
        check_policy(program, www)
    for problem in problems:
        print(problem)
    print(f"check_site: {len(problems)} problems")
    sys.exit(1 if problems else 0)


main()
