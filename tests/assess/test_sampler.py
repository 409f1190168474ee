"""The sampler, in programs of which it is known what they do: what it wrote about them, and that
they did not notice.

Built by `ninja ashore_sampler`; ASHORE_BUILD names the build folder.  Interpreters: /usr/bin/python3,
that of the virtual environment (it has numpy), and those that scripts/pythons has unpacked."""

import functools
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request

import pytest

import trace_dump as td
from conftest import SECONDS

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.abspath(os.environ.get("ASHORE_BUILD", os.path.join(ROOT, "build")))
LIBRARY = os.path.join(BUILD, "libashore_sampler.so")
PHASES = os.path.join(os.path.dirname(__file__), "sampler_phases.py")
SYSTEM = "/usr/bin/python3"
WITH_NUMPY = sys.executable
HZ = 499
FUTEX, CLOCK_NANOSLEEP, RECVFROM, ACCEPT4, POLL = ((98, 115, 207, 242, 73)
                                                   if os.uname().machine == "aarch64"
                                                   else (202, 230, 45, 288, 7))


def interpreters():
    """(version, command) of every CPython at hand, one of each version."""
    found = {}
    homes = os.path.join(BUILD, "pythons")
    candidates = [SYSTEM] + [os.path.join(homes, d, "python") for d in sorted(
        os.listdir(homes) if os.path.isdir(homes) else []) if d != "apt"]
    for path in candidates + os.environ.get("ASHORE_PYTHONS", "").split(":"):
        if not path or not os.path.exists(path):
            continue
        version = subprocess.run([path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                                 capture_output=True, text=True).stdout.strip()
        if version:
            found.setdefault(version, path)
    for version in ("3.11", "3.12", "3.13", "3.14"):
        if version not in found:
            print(f"test_sampler: no Python {version} here: not tested with it "
                  "(scripts/pythons, ASHORE_PYTHONS)")
    return sorted(found.items())


PYTHONS = interpreters()


class Sampled:
    """A program, run with the sampler in it."""

    def __init__(self, folder):
        self.folder = str(folder)

    def start(self, command, hz=HZ, **options):
        env = dict(options.pop("env", os.environ), LD_PRELOAD=LIBRARY,
                   ASHORE_ASSESS_DIR=self.folder, ASHORE_ASSESS_HZ=str(hz))
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, **options)

    def run(self, command, code=0, **options):
        p = self.start(command, **options)
        self.out, self.err = p.communicate(timeout=SECONDS)
        assert p.returncode == code, (p.returncode, self.out, self.err)
        return self.traces()

    def script(self, text, *arguments, python=SYSTEM, **options):
        return self.run([python, "-c", textwrap.dedent(text), *arguments], **options)

    def traces(self):
        return td.read(self.folder)


@pytest.fixture
def sampled(tmp_path):
    assert os.path.exists(LIBRARY), f"{LIBRARY} is not built"
    return Sampled(tmp_path)


def only(traces):
    assert len(traces) == 1, [t.argv for t in traces]
    assert traces[0].rest == 0
    return traces[0]


def measures(test):
    """Where other programs keep all processors busy, the sampler's ticks come when these let them, and
    that is not by chance: such a run says little, and a test that counts them has up to three."""
    @functools.wraps(test)
    def best_of_three(sampled, **others):
        for attempt in range(3):
            home = Sampled(os.path.join(sampled.folder, str(attempt)))
            os.mkdir(home.folder)
            try:
                return test(sampled=home, **others)
            except AssertionError as e:
                if attempt == 2:
                    raise
                print("again, since other programs may have been in the way:", e)
    return best_of_three


def phase_shares(sampled, names, python=SYSTEM, seconds=2.0):
    """Runs the phases; asserts the share of each, by the Python function on the stack, and returns
    the trace and a function that gives a phase's samples."""
    t = only(sampled.run([python, PHASES, str(seconds), *names]))
    truth = json.loads(sampled.out)
    total = sum(truth.values())

    def phase(s):
        frames = t.python(s) if t.main_thread(s) else []
        return next((n for n in names if n in frames), None)

    for name in names:
        share = t.share(lambda s: phase(s) == name, lambda s: phase(s) is not None)
        # 998 samples at least: a standard deviation of at most 1.6 points
        assert abs(share - truth[name] / total) < 0.05, (name, share, truth[name] / total)
    # no time is lost, and none invented
    seen = sum(s.weight for s in t.samples if phase(s)) / 1e9
    assert abs(seen / total - 1) < 0.05, (seen, total)
    return t, phase


@pytest.mark.parametrize("version,python", PYTHONS)
@measures
def test_phases_of_the_interpreter(sampled, version, python):
    names = ["python", "encode_json", "encode_marshal", "encode_pickle", "sleep", "receive"]
    t, phase = phase_shares(sampled, names, python, 3.0)
    major, minor = version.split(".")
    assert t.version >> 16 == int(major) << 8 | int(minor) and not t.refused and t.end
    interpreter = {o.id for o in t.objects if o.flags & 1}
    assert len(interpreter) >= 1

    def of(name):
        return lambda s: phase(s) == name

    assert t.share(lambda s: s.syscall == CLOCK_NANOSLEEP, of("sleep")) > 0.9
    assert t.share(lambda s: s.syscall == RECVFROM, of("receive")) > 0.8
    assert t.share(lambda s: s.syscall == -1, of("python")) > 0.9
    assert t.share(lambda s: s.flags & td.HOLDS_GIL, of("python")) > 0.9
    assert t.share(lambda s: s.flags & td.HOLDS_GIL, of("sleep")) < 0.05
    # what is made of the marshalled bytes is freed by the interpreter, in until()
    for kind, seen in (("marshal", "marshal."), ("pickle", "_pickle"), ("json", "_json")):
        assert t.share(lambda s: any(seen in n for n in t.native(s)), lambda s: phase(s) ==
                       f"encode_{kind}" and t.python(s)[0] != "until") > 0.75, kind
    assert t.share(lambda s: s.flags & td.SAMPLE_PYTHON, t.main_thread) > 0.95
    # stacks end at the interpreter's loop, or at the root
    cut = t.share(lambda s: t.stacks[s.stack].flags & td.NATIVE_CUT, lambda s: s.stack != td.NO_STACK)
    assert cut < 0.03
    # lines: those of the loop in step()
    lines = {line for s in t.samples if phase(s) == "python" for n, line in t.lines(s)
             if n == "python.<locals>.step"}
    with open(PHASES) as f:
        first = next(i for i, text in enumerate(f, 1) if "def step" in text)
    assert lines and lines <= set(range(first, first + 4)), lines


@measures
def test_phases_of_libraries(sampled):
    names = ["python", "gemm", "copy", "encode_pickle"]
    t, phase = phase_shares(sampled, names, WITH_NUMPY, 3.0)
    assert t.share(lambda s: "openblas" in t.owner(s), lambda s: phase(s) == "gemm") > 0.9
    assert t.share(lambda s: t.native(s)[:1] and ":mem" in t.native(s)[0],
                   lambda s: phase(s) == "copy") > 0.9
    assert t.share(lambda s: any("_pickle" in n for n in t.native(s)),
                   lambda s: phase(s) == "encode_pickle") > 0.8


@pytest.mark.parametrize("version,python", PYTHONS)
@measures
def test_garbage_collection(sampled, version, python):
    t, phase = phase_shares(sampled, ["python", "collect"], python)
    assert t.share(lambda s: s.flags & td.GC, lambda s: phase(s) == "collect") > 0.9
    assert t.share(lambda s: s.flags & td.GC, lambda s: phase(s) == "python") < 0.03


@pytest.mark.parametrize("version,python", PYTHONS)
@measures
def test_threads_that_contend_for_the_lock(sampled, version, python):
    t = only(sampled.script("""
        import threading, time
        def spin(end):
            s = 0
            while time.perf_counter() < end:
                for k in range(1000): s += k
        end = time.perf_counter() + 1.5
        ts = [threading.Thread(target=spin, args=(end,)) for _ in range(4)]
        [t.start() for t in ts]; [t.join() for t in ts]
        """, python=python))

    def spins(s):
        return "spin" in t.python(s)

    # one of four runs: the others wait for the lock, asleep or woken just now
    waits = t.share(lambda s: s.flags & td.GIL_WAIT, spins)
    assert 0.68 < waits < 0.82, waits
    holds = t.share(lambda s: s.flags & td.HOLDS_GIL, spins)
    assert 0.18 < holds < 0.32, holds
    assert t.share(lambda s: s.flags & td.GIL_WAIT and s.flags & td.HOLDS_GIL) < 0.01
    # join() is no wait for the lock
    joins = [s for s in t.samples if any(n.endswith("Thread.join") for n in t.python(s))]
    assert len(joins) > 100
    assert sum(bool(s.flags & td.GIL_WAIT) for s in joins) < 0.05 * len(joins)
    assert sum(s.syscall == FUTEX for s in joins) > 0.9 * len(joins)


@measures
def test_fork_exec_and_subprocess(sampled):
    traces = sampled.script("""
        import os, subprocess, sys, time
        def spin(seconds):
            end = time.perf_counter() + seconds
            while time.perf_counter() < end: sum(range(1000))
        def child(): spin(0.4)
        def parent(): spin(0.4)
        pid = os.fork()
        if pid == 0:
            child()
            sys.exit(7)
        parent()
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
        subprocess.run(f"{sys.executable} -c 'x = sum(range(9000000))'; true", shell=True, check=True)
        os.execv(sys.executable, [sys.executable, "-c", "y = sum(range(9000000))"])
        """)
    assert len(traces) == 4 and all(t.rest == 0 and len(t.samples) > 10 for t in traces)
    first, forked, ran, executed = traces
    assert forked.parent == first.pid and executed.pid == first.pid
    for t, inside, never in ((first, "parent", "child"), (forked, "child", "parent")):
        names = [t.python(s) for s in t.samples]
        assert any(inside in n for n in names) and not any(never in n for n in names)
    assert all(t.end for t in traces)
    assert executed.argv[2].startswith("y =") and ran.argv[2].startswith("x =")


@pytest.mark.parametrize("version,python", PYTHONS)
def test_fork_does_not_warn_of_threads(sampled, version, python):
    """3.12 and later count the threads of the process, of which the sampler's is one."""
    sampled.script("""
        import os, sys, time
        time.sleep(0.1)
        for i in range(20):
            pid = os.fork()
            if pid == 0: os._exit(0)
            os.waitpid(pid, 0)
        """, python=python)
    assert sampled.err == ""


def test_programs_without_python_are_left_alone(sampled):
    assert sampled.run(["/bin/sh", "-c", "sleep 0.1; ls / | sort >/dev/null; exec true"]) == []


SERVER = """
    import http.server, sys, time
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            work(float(self.path[1:]))
            self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers()
            self.wfile.write(b"ok")
        def log_message(self, *a): pass
    def work(seconds): time.sleep(seconds)
    server = http.server.%s(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
    """


@pytest.mark.parametrize("kind", ["HTTPServer", "ThreadingHTTPServer"])
@measures
def test_requests_of_a_server(sampled, kind):
    p = sampled.start([SYSTEM, "-c", textwrap.dedent(SERVER % kind)])
    try:
        url = f"http://127.0.0.1:{int(p.stdout.readline())}/"
        time.sleep(0.3)
        for _ in range(4):
            urllib.request.urlopen(url + "0.1").read()
            time.sleep(0.1)
        time.sleep(0.4)
    finally:
        p.kill()
        p.communicate()
    t = only(sampled.traces())
    working = [s for s in t.samples if "work" in t.python(s)]
    served = sum(s.weight for s in working) / 1e9
    assert 0.35 < served < 0.6
    assert all(s.flags & td.ACCEPTED for s in working)
    assert sum(s.in_flight == 1 for s in working) > 0.95 * len(working)
    assert not any(s.flags & td.FOR_REQUEST for s in working)
    idle = [s for s in t.samples if s.in_flight == 0 and t.main_thread(s) and s.syscall == POLL]
    assert len(idle) > 50 and all(s.flags & td.FOR_REQUEST for s in idle)
    if kind == "ThreadingHTTPServer":  # the thread that accepts waits for requests all the time
        busy = [s for s in t.samples if s.in_flight == 1 and t.main_thread(s) and s.syscall == POLL]
        assert len(busy) > 50 and all(s.flags & td.FOR_REQUEST for s in busy)


@measures
def test_kept_connection_is_idle_between_requests(sampled):
    p = sampled.start([SYSTEM, "-c", textwrap.dedent("""
        import socket, time
        s = socket.create_server(("127.0.0.1", 0))
        print(s.getsockname()[1], flush=True)
        c, _ = s.accept()
        def answer():
            time.sleep(0.2)
            c.sendall(b"x")
        while c.recv(100): answer()
        """)])
    c = socket.create_connection(("127.0.0.1", int(p.stdout.readline())))
    for _ in range(2):
        time.sleep(0.2)
        c.sendall(b"?")
        c.recv(1)
    c.close()
    p.communicate(timeout=SECONDS)
    t = only(sampled.traces())
    waits = [s for s in t.samples if s.syscall == RECVFROM]
    assert len(waits) > 50 and all(s.flags & td.FOR_REQUEST and s.in_flight == 0 for s in waits)
    answers = [s for s in t.samples if s.syscall == CLOCK_NANOSLEEP]
    assert len(answers) > 50 and all(s.in_flight == 1 for s in answers)


@measures
def test_threads_come_and_go(sampled):
    t = only(sampled.script("""
        import threading, time
        end, n = time.perf_counter() + 1.5, 0
        while time.perf_counter() < end:
            ts = [threading.Thread(target=sum, args=(range(3000),)) for _ in range(8)]
            [t.start() for t in ts]; [t.join() for t in ts]
            n += 8
        print(n)
        """))
    assert int(sampled.out) > 300 and t.end and len(t.samples) > 100


@measures
def test_deep_recursion(sampled):
    t = only(sampled.script("""
        import sys, time
        sys.setrecursionlimit(5000)
        def down(n, end):
            if n: return down(n - 1, end)
            while time.perf_counter() < end: pass
        down(1500, time.perf_counter() + 0.5)
        """))
    deep = [t.stacks[s.stack] for s in t.samples if t.python(s)[:1] == ["down"]]
    assert len(deep) > 50
    assert all(len(s.py) == 128 and s.flags & td.PY_CUT for s in deep[10:])


@measures
def test_names_beyond_ascii(sampled):
    t = only(sampled.script("""
        import time
        def größe_数(end):
            while time.perf_counter() < end: pass
        größe_数(time.perf_counter() + 0.3)
        """))
    assert any("größe_数" in t.python(s) for s in t.samples)


@measures
def test_signals_of_the_program(sampled):
    """Its own timers tick, its handlers are its own, whatever signal they are for."""
    t = only(sampled.script("""
        import signal, time
        counts = {}
        def handler(number, frame): counts[number] = counts.get(number, 0) + 1
        for number in [signal.SIGPROF, signal.SIGALRM, *range(signal.SIGRTMIN, signal.SIGRTMAX + 1)]:
            assert signal.signal(number, handler) == signal.SIG_DFL, number
            assert signal.getsignal(number) == handler
        signal.setitimer(signal.ITIMER_PROF, 0.01, 0.01)
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        end = time.perf_counter() + 30
        while min(counts.get(n, 0) for n in (signal.SIGPROF, signal.SIGALRM)) < 20:
            assert time.perf_counter() < end, counts
        signal.setitimer(signal.ITIMER_PROF, 0); signal.setitimer(signal.ITIMER_REAL, 0)
        del counts[signal.SIGPROF], counts[signal.SIGALRM]
        assert not counts, counts
        for number in range(signal.SIGRTMIN, signal.SIGRTMAX + 1):
            signal.raise_signal(number)
            assert counts.get(number) == 1, (number, counts)
        """))
    assert t.share(lambda s: t.native(s) != [], t.main_thread) > 0.9


@measures
def test_thread_that_blocks_signals(sampled):
    """It cannot be asked: its Python frames are read from outside, and no time is lost."""
    t = only(sampled.script("""
        import signal, time
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        def spin(end):
            while time.perf_counter() < end: pass
        spin(time.perf_counter() + 2.5)
        """))
    assert sum(s.weight for s in t.samples if t.main_thread(s)) / 1e9 > 2.3
    # what was not answered when the program ends is without a stack: a second at most
    assert sum(s.weight for s in t.samples if "spin" in t.python(s)) / 1e9 > 1.2


@measures
def test_sleepers_are_not_interrupted(sampled):
    """poll() of a program in C, by ctypes, that does not expect EINTR, often begun."""
    t = only(sampled.script("""
        import ctypes, time
        libc = ctypes.CDLL(None, use_errno=True)
        end = time.perf_counter() + 2
        while time.perf_counter() < end:
            assert libc.poll(None, 0, 1) == 0, ctypes.get_errno()
            sum(range(2000))
        """))
    assert t.share(lambda s: s.syscall == POLL, t.main_thread) > 0.3


@measures
def test_exit_without_destructors(sampled):
    t = only(sampled.script("""
        import os, time
        end = time.perf_counter() + 0.4
        while time.perf_counter() < end: pass
        os._exit(3)
        """, code=3))
    assert t.end and 0.3 < sum(s.weight for s in t.samples) / 1e9 < 0.8


@measures
def test_exec_that_fails(sampled):
    traces = sampled.script("""
        import os, time
        def spin(seconds):
            end = time.perf_counter() + seconds
            while time.perf_counter() < end: pass
        def before(): spin(0.3)
        def after(): spin(0.3)
        before()
        for path in ("/missing", "/dev/null", "/etc"):
            try: os.execv(path, ["x"])
            except OSError: pass
        after()
        """)
    names = {n for t in traces for s in t.samples for n in t.python(s)}
    assert {"before", "after"} <= names and all(t.end for t in traces)


@pytest.mark.parametrize("ending,code", [("os.kill(os.getpid(), 9)", -9),
                                         ("ctypes.string_at(8)", -11), ("os.abort()", -6)])
@measures
def test_ends_of_a_program(sampled, ending, code):
    """What was sampled is there but for the last half second."""
    t, = sampled.script(f"""
        import ctypes, os, resource, time
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        def spin(end):
            while time.perf_counter() < end: pass
        spin(time.perf_counter() + 1.2)
        {ending}
        """, code=code)
    seen = sum(s.weight for s in t.samples if "spin" in t.python(s)) / 1e9
    assert 0.65 < seen < 1.3 and t.end is None


def test_daemon_threads_at_exit(sampled):
    t = only(sampled.script("""
        import threading, time
        def spin():
            while True: sum(range(100))
        for _ in range(3): threading.Thread(target=spin, daemon=True).start()
        time.sleep(0.4)
        """))
    assert t.end


def test_no_space(sampled):
    """A limit on file sizes stands for a full disk: sampling ends, the program does not notice."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
    traces = sampled.script("""
        import time
        end = time.perf_counter() + 1
        while time.perf_counter() < end: pass
        print("done")
        """, preexec_fn=limit)
    assert sampled.out == "done\n" and sampled.err == ""
    assert os.path.getsize(traces[0].path) <= 3000


def test_missing_folder(sampled):
    sampled.folder += "/missing"
    p = sampled.start([SYSTEM, "-c", "import time; time.sleep(0.2); print('done')"])
    assert p.communicate(timeout=SECONDS) == ("done\n", "") and p.returncode == 0


@measures
def test_descriptors_stay_the_programs(sampled):
    """Closing every descriptor, and counting them, shows nothing of the sampler."""
    t = only(sampled.script("""
        import os, time
        time.sleep(0.2)
        assert sorted(map(int, os.listdir("/proc/self/fd")))[:3] == [0, 1, 2]
        assert len(os.listdir("/proc/self/fd")) == 4
        r, w = os.pipe()
        assert (r, w) == (3, 4)
        os.closerange(3, 1000)
        end = time.perf_counter() + 0.6
        while time.perf_counter() < end: pass
        """))
    assert t.end and 0.7 < sum(s.weight for s in t.samples) / 1e9 < 2


def test_fixed_pipe_is_closed_for_its_reader(sampled):
    """The sampler's copy of the descriptors does not keep a pipe open."""
    sampled.script("""
        import os
        r, w = os.pipe()
        os.write(w, b"x"); os.close(w)
        assert os.read(r, 10) == b"x" and os.read(r, 10) == b""
        """)


def test_libraries_come_and_go(sampled):
    t = only(sampled.script("""
        import _ctypes, ctypes.util, time
        names = [n for n in ("libm.so.6", "libdl.so.2", "librt.so.1", "libutil.so.1", "libz.so.1",
                             "libexpat.so.1", "libresolv.so.2", "libanl.so.1")]
        end = time.perf_counter() + 1
        while time.perf_counter() < end:
            for n in names:
                try: h = _ctypes.dlopen(n, 2)
                except OSError: continue
                _ctypes.dlclose(h)
        """))
    assert t.end


@measures
def test_subinterpreters(sampled):
    t = only(sampled.script("""
        import _xxsubinterpreters as si, threading
        def run():
            i = si.create()
            si.run_string(i, "def inside():\\n s=0\\n for k in range(3000000): s+=k\\ninside()")
            si.destroy(i)
        ts = [threading.Thread(target=run) for _ in range(2)]
        [t.start() for t in ts]; [t.join() for t in ts]
        run()
        """))
    assert any("inside" in t.python(s) for s in t.samples if t.main_thread(s))
    assert any("inside" in t.python(s) for s in t.samples if not t.main_thread(s))


@measures
def test_memory(sampled):
    text = """
        import os, time
        def rss(): return int(open("/proc/self/statm").read().split()[1]) * 4096
        end = time.perf_counter() + 2
        while time.perf_counter() < end: sum(range(100))
        print(rss())
        """
    sampled.script(text)
    plain = int(subprocess.run([SYSTEM, "-c", textwrap.dedent(text)], capture_output=True).stdout)
    assert int(sampled.out) - plain < 8 << 20


def test_old_interpreter_is_refused(sampled):
    old = next((p for p in os.environ.get("ASHORE_OLD_PYTHONS", "").split(":") if p), None)
    if not old:
        pytest.skip("ASHORE_OLD_PYTHONS names no interpreter before 3.11")
    t = only(sampled.run([old, "-c", "sum(range(20000000))"]))
    assert t.refused and "3.11 to 3.14" in t.notes[0]
