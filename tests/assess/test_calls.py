"""src/assess/call_driver.py: what it calls when, and the log that it writes."""

import math
import os
import pathlib
import signal
import struct
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DRIVER = ROOT / "src/assess/call_driver.py"
sys.path.insert(0, str(DRIVER.parent))
sys.dont_write_bytecode = True
import call_driver  # noqa: E402

MODULE = '''
import os, sys, threading, time
calls = []
lock = threading.Lock()
most = now = 0
def nothing(): calls.append(threading.current_thread() is threading.main_thread())
def slow(): time.sleep(0.005)
def wide():
    global now, most
    with lock: now += 1; most = max(most, now)
    time.sleep(0.02)
    with lock: now -= 1
    open("most", "w").write(str(most))
def where(): open("where", "w").write(os.getcwd() + "\\n" + repr(sys.path[:2]) + "\\n" + __name__)
def on_main():
    nothing()
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
    open("main", "w").write(repr(set(calls)))
def drops():
    if os.getuid() == 0: os.setuid(65534)
def sometimes():
    calls.append(1)
    if len(calls) % 4 == 0: raise ValueError("the %d\\u00e9" % len(calls))
def leaves(): sys.exit(3)
def crashes():
    calls.append(1)
    if len(calls) == 15: os._exit(9)
def hangs(): time.sleep(1000)
def stall():
    calls.append(1)
    if len(calls) == 5: time.sleep(0.5)
def busy():
    end = time.thread_time() + 0.003
    while time.thread_time() < end: pass
async def coroutine(): pass
def awaitable(): return coroutine()
class Thing:
    def method(self): pass
thing = Thing()
number = 3
'''


class Run:
    """A driver's process, and its log."""

    def __init__(self, folder, *arguments, wait=True):
        (folder / "app.py").write_text(MODULE)
        self.log = folder / "log"
        self.process = subprocess.Popen(
            [sys.executable, DRIVER, arguments[0], self.log, *map(str, arguments[1:])], cwd=folder,
            stderr=subprocess.PIPE, text=True)
        if wait:
            self.end()

    def end(self):
        self.err = self.process.communicate(timeout=120)[1]
        self.code = self.process.returncode
        data = self.log.read_bytes() if self.log.exists() else b""
        self.calls = []
        if not data:
            return self
        names = "magic version mode rate seconds seed threads state begin end suspended set planned"
        values = struct.unpack_from("<8sIIddQIIddddQI", data)
        self.head = dict(zip(names.split(), values))
        self.text = data[96:96 + values[-1]].decode()
        for at in range(4096, len(data), 64):
            call = struct.unpack_from("<4dI28s", data, at)
            if call[4]:
                self.calls.append(call[:5] + (call[5].rstrip(b"\0").decode(),))
        self.calls.sort()
        for intended, started, ended, lag, _, _ in self.calls:
            assert intended <= started <= ended and 0 <= lag
        return self


def test_schedule_is_that_of_the_c_code():
    # SplitMix64's published numbers from this seed; the same ones stand in test_assess_load.c.
    offsets = call_driver.schedule(1234567, 8.0, 1e9, 3)
    at = 0.0
    for number, offset in zip((6457827717110365317, 3203168211198807973, 9817491932198370423),
                              offsets):
        at -= math.log(1 - (number >> 11) / 2**53) / 8
        assert offset == pytest.approx(at, rel=1e-14)
    many = call_driver.schedule(5, 100.0, 20.0, 0)
    assert many == sorted(many) and many[-1] < 20 and many[:50] == call_driver.schedule(
        5, 100.0, 20.0, 50)
    assert abs(len(many) - 2000) < 5 * math.sqrt(2000)


def test_open_loop(tmp_path):
    run = Run(tmp_path, "app:on_main", "open", 200, 0.5, 7)
    offsets = call_driver.schedule(7, 200.0, 0.5, 0)
    assert run.code == 0, run.err
    assert run.head["magic"] == b"ASHCALLS" and run.head["version"] == 1
    assert (run.head["mode"], run.head["state"], run.head["planned"]) == (0, 1, len(offsets))
    assert len(run.calls) == len(offsets)
    for call, offset in zip(run.calls, offsets):
        assert call[0] == run.head["begin"] + offset
        assert call[4:] == (1, "")
    assert run.head["end"] >= run.calls[-1][2]
    assert abs(run.head["suspended"]) < 0.05 and abs(run.head["set"]) < 0.1
    assert (tmp_path / "main").read_text() == "{True}"  # one thread: the main one


def test_a_program_that_drops_its_privileges(tmp_path):
    run = Run(tmp_path, "app:drops", "open", 200, 0.2, 7)
    assert run.code == 0, run.err
    assert len(run.calls) == len(call_driver.schedule(7, 200.0, 0.2, 0)) and not run.text


def test_latency_counts_from_the_schedule(tmp_path):
    run = Run(tmp_path, "app:stall", "open", 100, 1, 3)
    assert run.code == 0, run.err
    stalled = max(run.calls, key=lambda call: call[2] - call[1])
    inside = [call for call in run.calls if stalled[1] < call[0] < stalled[2]]
    assert stalled[2] - stalled[1] >= 0.5 and len(inside) >= 20
    for call in inside:
        assert call[2] >= stalled[2]  # one thread: they waited for it
        assert call[3] == 0  # which was not the driver's fault


def test_single_and_most(tmp_path):
    run = Run(tmp_path, "app:slow", "single", 0, 100, 1, 1, 12)
    assert run.code == 0, run.err
    assert len(run.calls) == 12 and run.head["mode"] == 1
    for before, after in zip(run.calls, run.calls[1:]):
        assert after[0] == after[1] >= before[2]
        assert after[2] - after[1] >= 0.005


def test_offline_uses_its_threads(tmp_path):
    run = Run(tmp_path, "app:wide", "offline", 0, 100, 1, 5, 60)
    assert run.code == 0, run.err
    assert len(run.calls) == 60
    assert 2 <= int((tmp_path / "most").read_text()) <= 5


def test_open_loop_with_threads(tmp_path):
    run = Run(tmp_path, "app:busy", "open", 100, 0.5, 9, 4)
    assert run.code == 0, run.err
    offsets = call_driver.schedule(9, 100.0, 0.5, 0)
    assert [call[0] for call in run.calls] == [run.head["begin"] + offset for offset in offsets]


def test_many_calls_fill_many_chunks(tmp_path):
    run = Run(tmp_path, "app:nothing", "offline", 0, 100, 1, 3, 5000)
    assert run.code == 0, run.err
    assert len(run.calls) == 5000
    assert run.log.stat().st_size % 65536 == 4096


def test_exceptions_are_failures(tmp_path):
    run = Run(tmp_path, "app:sometimes", "single", 0, 100, 1, 1, 20)
    assert run.code == 0, run.err
    failed = [i for i, call in enumerate(run.calls) if call[4] == 2]
    assert failed == [3, 7, 11, 15, 19]
    assert {run.calls[i][5] for i in failed} == {"ValueError"}
    assert "Traceback" in run.text and run.text.endswith("ValueError: the 4\u00e9\n")
    run = Run(tmp_path, "app:leaves", "single", 0, 100, 1, 1, 3)
    assert run.code == 0 and [call[5] for call in run.calls] == ["SystemExit"] * 3


def test_modules_are_found_as_a_program_would(tmp_path):
    run = Run(tmp_path, "app:where", "single", 0, 100, 1, 1, 1)
    assert run.code == 0, run.err
    folder, path, name = (tmp_path / "where").read_text().split("\n")
    assert folder == str(tmp_path) and name == "app" and str(DRIVER.parent) not in path
    other = tmp_path / "other"
    other.mkdir()
    (other / "beside.py").write_text("import helper\ndef f(): helper.g()\n")
    (other / "helper.py").write_text("def g(): pass\n")
    run = Run(tmp_path, "other/beside.py:f", "single", 0, 100, 1, 1, 3)
    assert run.code == 0 and len(run.calls) == 3 and not run.text
    run = Run(tmp_path, "app:thing.method", "single", 0, 100, 1, 1, 3)
    assert run.code == 0 and len(run.calls) == 3 and not run.text


@pytest.mark.parametrize("spec, words", [
    ("app", "MODULE:FUNCTION"), (":f", "MODULE:FUNCTION"), ("app:", "MODULE:FUNCTION"),
    ("nosuch:f", "No module named 'nosuch'"), ("app:nosuch", "there is no nosuch"),
    ("app:number", "not callable"), ("app:coroutine", "coroutine function"),
    ("nosuch.py:f", "No module named")])
def test_what_cannot_be_called(tmp_path, spec, words):
    run = Run(tmp_path, spec, "single", 0, 1, 1)
    assert run.code == 3 and words in run.err and not run.calls


def test_awaitables_are_refused(tmp_path):
    run = Run(tmp_path, "app:awaitable", "single", 0, 10, 1)
    assert run.code == 3 and "awaitable" in run.err and run.head["state"] == 2


@pytest.mark.parametrize("arguments, words", [
    (("open", 0, 1, 1), "rate"), (("open", "nan", 1, 1), "rate"), (("open", 1e5, 1e5, 1), "rate"),
    (("open", "x", 1, 1), "not a number"), (("closed", 1, 1, 1), "mode"),
    (("single", 0, 0, 1), "out of range"), (("single", 0, "inf", 1), "out of range"),
    (("single", 0, 1, -1), "out of range"), (("single", 0, 1, 1, 0), "out of range"),
    (("single", 0, 1, 1, 9999), "out of range"), (("single", 0), "MODULE:FUNCTION LOG")])
def test_bad_arguments(tmp_path, arguments, words):
    run = Run(tmp_path, "app:nothing", *arguments)
    assert run.code == 3 and words in run.err and not run.log.exists()


def test_a_log_that_cannot_be_written(tmp_path):
    (tmp_path / "log").mkdir()
    run = Run(tmp_path, "app:nothing", "single", 0, 1, 1, wait=False)
    assert run.process.communicate(timeout=60)[1].count("Is a directory") >= 1
    assert run.process.returncode == 3
    if not os.path.exists("/dev/full"):
        print("no /dev/full: a full disk is not tried")
        return
    (tmp_path / "log").rmdir()
    os.symlink("/dev/full", tmp_path / "log")
    run = Run(tmp_path, "app:nothing", "single", 0, 1, 1, wait=False)
    run.process.communicate(timeout=60)
    assert run.process.returncode == 3


def wait_for_calls(run, count):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if run.log.exists():
            data = run.log.read_bytes()
            used = sum(data[at + 32] != 0 for at in range(4096, len(data) - 63, 64))
            if used >= count:
                return
        time.sleep(0.01)
    raise AssertionError("no calls")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("arguments", [("open", 50, 1000, 1), ("open", 50, 1000, 1, 3),
                                       ("single", 0, 1000, 1)])
def test_a_signal_ends_it_and_keeps_the_log(tmp_path, number, arguments):
    run = Run(tmp_path, "app:slow", *arguments, wait=False)
    wait_for_calls(run, 5)
    run.process.send_signal(number)
    run.end()
    assert run.code == 0 and run.head["state"] == 2 and len(run.calls) >= 5
    assert run.head["end"] >= run.calls[-1][2]


@pytest.mark.parametrize("threads", [1, 3])
def test_a_call_that_hangs_is_left(tmp_path, threads):
    run = Run(tmp_path, "app:hangs", "open", 50, 1000, 1, threads, wait=False)
    until = time.monotonic() + 60
    while not (run.log.exists() and run.log.stat().st_size > 65536) and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.3)
    run.process.send_signal(signal.SIGINT)
    while threads == 1 and run.process.poll() is None and time.monotonic() < until:
        time.sleep(0.3)  # on the main thread it takes a second one, once the first has been heard
        run.process.send_signal(signal.SIGINT)
    run.end()
    assert run.head["state"] == 2 and not run.calls


def test_a_crash_leaves_what_was_measured(tmp_path):
    run = Run(tmp_path, "app:crashes", "single", 0, 100, 1)
    assert run.code == 9 and run.head["state"] == 0 and len(run.calls) == 14
