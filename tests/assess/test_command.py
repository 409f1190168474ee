"""`ashore assess` from outside: what is wrong is said, what was measured is kept, nothing is left."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import pytest

from conftest import ASHORE, SECONDS

SERVER = '''
import http.server, os, signal, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        %s
        body = b"ok"
        self.send_response(%s)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_GET
    def log_message(self, *args): pass
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
%s
server.serve_forever()
'''
WORK = "sum(i * i for i in range(200000))"


def server(work=WORK, status="200", before=""):
    return SERVER % (work, status, before)


def descendants(pid):
    """Processes below pid, by name."""
    found = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = entry.read_text(errors="replace")
        except OSError:
            continue
        name, _, rest = text.partition("(")[2].rpartition(")")
        found[int(entry.parent.name)] = (int(rest.split()[1]), name)
    below, grown = {pid}, True
    while grown:
        grown = False
        for child, (parent, _) in found.items():
            if parent in below and child not in below:
                below.add(child)
                grown = True
    return below - {pid}


def alive(pids):
    return [pid for pid in pids if pathlib.Path(f"/proc/{pid}").exists()
            and "Z" not in pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]]


# ---- a whole assessment ---------------------------------------------------------------------------

def test_a_service(assess, python_program):
    done = assess("--target", "p99=10s", "--rate", "10", "--seconds", "4", "--no-sweep",
                  program=python_program(server()))
    assert done.report, done.err
    report = done.report
    assert report["verdict"]["outcome"] in ("meets_target", "inconclusive"), report["verdict"]
    assert abs(sum(done.buckets.values()) - 1) < 1e-6
    work = {name: share for name, share in done.buckets.items() if name != "idle"}
    assert max(work, key=work.get) in ("interpreter", "gil_wait"), done.buckets
    for name in ("report.html", "profile.speedscope.json", "trace.perfetto"):
        assert (done.folder / name).stat().st_size > 100
    names = {function["name"] for function in report["functions"]}
    assert any("do_GET" in name or "genexpr" in name for name in names), sorted(names)[:40]


def test_json_on_stdout(assess, python_program):
    done = assess("--target", "p99=10s", "--seconds", "1", "--json", "--no-sweep",
                  program=python_program(server()))
    assert json.loads(done.out)["buckets"] == done.buckets


def test_a_program_that_serves_nobody(assess, python_program):
    source = "import time\nend = time.perf_counter() + 3\nwhile time.perf_counter() < end: sum(range(1000))\n"
    done = assess("--target", "p99=40ms", program=python_program(source))
    assert done.code == 1, done.err  # no request was measured, so there is no verdict on p99
    assert done.report["verdict"]["outcome"] == "inconclusive"
    assert done.buckets["interpreter"] > 0.85


def test_every_argument_of_a_callables_python(assess, tmp_path):
    (tmp_path / "flags.py").write_text(
        "import sys\ndef check():\n    assert sys.flags.dont_write_bytecode, 'an argument is lost'\n")
    done = assess("--target", "p99=10s", "--rate", "20", "--seconds", "1", "--call", "flags:check",
                  program=["python3", *["-W", "ignore"] * 150, "-B"])
    assert done.report, done.err
    assert done.report["load"]["failed"] == 0, done.report["load"]


def test_a_callable(assess, tmp_path):
    (tmp_path / "features.py").write_text("def extract():\n    return sum(i * i for i in range(50000))\n")
    done = assess("--target", "p99=10s", "--rate", "10", "--seconds", "3", "--call", "features:extract",
                  program=["python3"])
    assert done.report, done.err
    assert done.buckets["interpreter"] / (1 - done.buckets["idle"]) > 0.8, done.buckets
    missing = assess("--target", "p99=1s", "--call", "features:nothing", "--seconds", "1",
                     program=["python3"])
    assert missing.code == 3 and "nothing" in missing.err, missing.err


# ---- bad input ------------------------------------------------------------------------------------

@pytest.mark.parametrize("options, program, code, words", [
    ([], ["python3", "app.py"], 2, "no target, no verdict"),
    (["--target", "p99"], ["python3", "app.py"], 2, "p99"),
    (["--target", "p99=40parsecs"], ["python3", "app.py"], 2, "parsecs"),
    (["--target", "cost=0.20/1k"], ["python3", "app.py"], 2, "--price"),
    (["--target", "p99=1s"], [], 2, "no program"),
    (["--target", "p99=1s", "--rate", "0"], ["python3", "app.py"], 2, "above 0"),
    (["--target", "p99=1s", "--rules", "nowhere.rules"], ["python3", "app.py"], 3, "nowhere.rules"),
    (["--target", "p99=1s", "--import", "nowhere.json"], [], 3, "nowhere.json"),
    (["--target", "p99=1s", "--url", "https://127.0.0.1:1/"], ["sleep", "100"], 2, "https"),
    (["--target", "p99=1s"], ["/no/such/python", "app.py"], 3, "/no/such/python"),
    (["--target", "p99=1s"], ["true"], 3, "CPython"),
    (["--target", "p99=1s", "--model", "nowhere.onnx"], ["python3", "app.py"], 3, "nowhere.onnx"),
])
def test_what_is_wrong_is_said(assess, options, program, code, words):
    done = assess(*options, program=program)
    assert (done.code, words in done.err) == (code, True), done.err
    assert done.report is None


def test_a_program_that_cannot_start(assess, python_program):
    done = assess("--target", "p99=1s", "--url", "http://127.0.0.1:9/",
                  program=python_program("raise SystemExit('no weights')"))
    assert done.code == 3 and "ended before it answered" in done.err and "exit code 1" in done.err
    assert "no weights" in done.err  # what the program says is passed on


def test_nobody_answers(assess, python_program):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    done = assess("--target", "p99=1s", "--startup", "1", "--url", f"http://127.0.0.1:{port}/",
                  program=python_program("import time; time.sleep(100)"))
    assert done.code == 3 and f"127.0.0.1:{port}" in done.err


def test_every_request_fails(assess, python_program):
    done = assess("--target", "p99=1s", "--seconds", "1", program=python_program(server(status="503")))
    assert done.code == 3 and "503" in done.err


def test_it_crashes_under_load(assess, python_program):
    work = "Handler.count = getattr(Handler, 'count', 0) + 1\n        if Handler.count > 60: os.abort()"
    done = assess("--target", "p99=1s", "--rate", "10", "--seconds", "6",
                  program=python_program(server(work=work)))
    assert done.code == 1, done.err
    assert "signal 6" in done.report["partial"]
    assert done.report["verdict"]["outcome"] == "inconclusive"


def test_it_hangs_under_load(assess, python_program):
    work = "Handler.count = getattr(Handler, 'count', 0) + 1\n        if Handler.count > 60: time.sleep(1000)"
    done = assess("--target", "p99=100ms", "--rate", "10", "--seconds", "3", "--timeout", "1", "--no-sweep",
                  program=python_program(server(work=work, before="server.daemon_threads = True")))
    assert done.report, done.err
    assert done.report["load"]["failed"] > 0


def test_it_forks_and_execs(assess, python_program):
    before = '''
import subprocess
if "again" not in sys.argv:
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    os.execv(sys.executable, [sys.executable, *sys.argv, "again"])
for _ in range(2):
    if os.fork() == 0:
        break
'''
    done = assess("--target", "p99=10s", "--rate", "10", "--seconds", "3", "--no-sweep",
                  program=python_program(server(before=before)))
    assert done.report, done.err
    assert len([p for p in done.report["processes"] if p["python"]]) >= 3, done.report["processes"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_in_the_middle(python_program, tmp_path, number):
    before = "import subprocess; subprocess.Popen(['sleep', '1000'], start_new_session=True)"
    folder, heard = tmp_path / "report", tmp_path / "heard"
    work = f"with open({str(heard)!r}, 'ab') as f: f.write(b'.')"
    running = subprocess.Popen(
        [ASHORE, "assess", "--target", "p99=1s", "--rate", "50", "--seconds", "60", "-o", folder, "--",
         *python_program(server(work=work, before=before))], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    for line in running.stderr:
        if "requests/s for" in line:
            break
    enough, end = heard.stat().st_size + 60, time.monotonic() + SECONDS
    while heard.stat().st_size < enough and time.monotonic() < end:
        time.sleep(0.05)
    family = descendants(running.pid)
    assert len(family) >= 2
    running.send_signal(number)
    _, err = running.communicate(timeout=SECONDS)
    assert running.returncode == 128 + number, err
    assert alive(family) == []
    report = json.loads((folder / "report.json").read_text())
    assert "interrupted" in report["partial"] and report["load"]["count"] > 10


def test_killed_outright_it_leaves_nothing(python_program, tmp_path):
    running = subprocess.Popen(
        [ASHORE, "assess", "--target", "p99=1s", "--rate", "50", "--seconds", "60", "--",
         *python_program(server())], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)})
    for line in running.stderr:
        if "requests/s for" in line:
            break
    family = descendants(running.pid)
    assert family
    running.kill()
    running.communicate(timeout=SECONDS)
    end = time.monotonic() + 60
    while alive(family) and time.monotonic() < end:
        time.sleep(0.05)
    assert alive(family) == []


def test_a_full_disk(assess, python_program, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "none", full], capture_output=True)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here: " + mounted.stderr.decode())
    try:
        program = python_program(server())
        done = subprocess.run(
            [ASHORE, "assess", "--target", "p99=10s", "--rate", "10", "--seconds", "2", "--no-sweep",
             "-o", full / "report", "--", *program], capture_output=True, text=True, timeout=SECONDS)
        assert done.returncode == 4 and "No space left" in done.stderr, done.stderr
        assert "p99" in done.stdout  # what was measured is there
        assert not list((full / "report").glob("*.html")), "half of a report"
        traces = subprocess.run(
            [ASHORE, "assess", "--target", "p99=10s", "--rate", "10", "--seconds", "2", "--no-sweep",
             "--", *program], capture_output=True, text=True, timeout=SECONDS,
            env={**os.environ, "TMPDIR": str(full)})
        assert traces.returncode in (1, 3, 4), traces.stderr
        assert "no space is left" in traces.stderr, traces.stderr
    finally:
        subprocess.run(["umount", full], check=True)
