"""Calls a function under load and logs each call: python call_driver.py
MODULE:FUNCTION LOG MODE RATE SECONDS SEED [THREADS [MOST]]

MODULE is imported as a program in the current folder would import it, or is the path of a .py file,
whose folder comes first then.  FUNCTION, which may be dotted, takes no arguments.  MODE:
  open     calls at the moments of a Poisson schedule with RATE per second, from SEED, the same one
           that the HTTP generator follows; latency counts from those moments;
  single   one call after the other, on the main thread;
  offline  THREADS calls at a time, as many as possible.
Calls go on for SECONDS, or until MOST (0: no limit) were made.

An open loop with one thread runs on the main thread, so the function finds itself where it would be
in a script.  With more threads each takes the next call of the schedule as soon as it is free,
sleeps until its moment and makes it: a queue that is served first come first served, without a
dispatcher that would have to be handed the GIL first.  A thread that wakes late although no call
was running then has been kept from a processor; that lag is logged as ours.  Lag during another
call, which may hold the GIL, is the program's, and is in its latency.

The log is written through memory maps, so that it costs no system call per call, and is there even
if the program crashes.  All numbers are little-endian.  Header, 4096 bytes:
    0  "ASHCALLS"           8  u32 version, 1      12  u32 mode: 0 open, 1 single, 2 offline
   16  f64 rate            24  f64 seconds         32  u64 seed
   40  u32 threads         44  u32 state: 0 running, 1 complete, 2 stopped
   48  f64 begin           56  f64 end, both in seconds of CLOCK_MONOTONIC
   64  f64 seconds that the machine was suspended  72  f64 seconds by which its clock was set
   80  u64 calls planned   88  u32 bytes of text   96  UTF-8 text: the first failure's traceback
Records of 64 bytes follow, in no order:
    0  f64 intended         8  f64 started         16  f64 ended        24  f64 lag
   32  u32 state: 0 unused, 1 answered, 2 raised   36  28 bytes: the exception's name, or zeros
"""

import importlib
import inspect
import math
import mmap
import os
import signal
import struct
import sys
import threading
import time
import traceback

MODES = ("open", "single", "offline")
HEADER, TEXT_AT, RECORD, CHUNK = 4096, 96, 64, 65536
MOST_CALLS = 4_000_000
NAP = 0.05  # the longest time asleep before a stop is noticed
MASK = (1 << 64) - 1
PRIORITY, NO_PRIORITY = os.sched_param(1), os.sched_param(0)
clock = time.monotonic


class Unusable(Exception):
    """Nothing can be called; the text says why."""


def schedule(seed, rate, seconds, most):
    """Offsets from 0: exponential gaps by inversion of SplitMix64's numbers."""
    offsets, at = [], 0.0
    while len(offsets) < (most or MOST_CALLS):
        seed = (seed + 0x9E3779B97F4A7C15) & MASK
        z = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        at += -math.log1p(-((z ^ (z >> 31)) >> 11) * 2.0**-53) / rate
        if at >= seconds:
            break
        offsets.append(at)
    return offsets


def find_function(spec):
    """The function that MODULE:FUNCTION names."""
    module_name, colon, name = spec.rpartition(":")
    if not colon or not module_name or not name:
        raise Unusable(f"{spec}: not of the form MODULE:FUNCTION")
    sys.path[0] = os.getcwd()  # this file's folder is none of the program's business
    if module_name.endswith(".py"):
        folder, file = os.path.split(os.path.abspath(module_name))
        sys.path.insert(0, folder)
        module_name = file[:-3]
    function = importlib.import_module(module_name)
    for part in name.split("."):
        if not hasattr(function, part):
            raise Unusable(f"{spec}: there is no {part} in {module_name}")
        function = getattr(function, part)
    if not callable(function):
        raise Unusable(f"{spec}: not callable")
    if inspect.iscoroutinefunction(function):
        raise Unusable(f"{spec}: a coroutine function; name one that runs it to its end")
    return function


class Log:
    """The file: chunks of records, each written by one thread."""

    def __init__(self, path):
        self.file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        self.lock = threading.Lock()
        self.size = HEADER
        self.text = None
        os.posix_fallocate(self.file, 0, HEADER)

    def write_header(self, fields, end=0.0, state=0, suspended=0.0, clock_set=0.0):
        mode, rate, seconds, seed, threads, begin, planned = fields
        text = self.text or b""
        head = struct.pack("<8sIIddQIIddddQII", b"ASHCALLS", 1, mode, rate, seconds, seed, threads,
                           state, begin, end, suspended, clock_set, planned, len(text), 0)
        os.pwrite(self.file, head + text, 0)

    def new_chunk(self):
        """Space is allocated before it is mapped: a full disk is an error here, not a signal."""
        with self.lock:
            at = self.size
            os.posix_fallocate(self.file, at, CHUNK)
            self.size += CHUNK
        return mmap.mmap(self.file, CHUNK, offset=at)

    def note_failure(self, error):
        with self.lock:
            if self.text is None:
                text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
                self.text = text.encode("utf-8", "replace")[-(HEADER - TEXT_AT):]


class Writer:
    """One thread's end of the log."""

    pack = struct.Struct("<4dI28s").pack_into

    def __init__(self, log):
        self.log = log
        self.chunk, self.used = log.new_chunk(), 0

    def add(self, intended, started, ended, lag, error):
        if self.used == CHUNK:
            self.chunk, self.used = self.log.new_chunk(), 0
        name = b""
        if error is not None:
            name = type(error).__name__.encode("utf-8", "replace")[:28]
            self.log.note_failure(error)
        self.pack(self.chunk, self.used, intended, started, ended, lag, 1 if error is None else 2,
                  name)
        self.used += RECORD


class Driver:
    """A run: what is called when, by which threads."""

    def __init__(self, function, log, mode, rate, seconds, seed, threads, most):
        self.function, self.log, self.mode = function, log, mode
        self.threads = 1 if mode == "single" else threads
        self.most = most or MOST_CALLS
        self.offsets = schedule(seed, rate, seconds, most) if mode == "open" else []
        self.seconds = seconds
        self.stop = False
        self.lock = threading.Lock()
        self.next = 0
        self.running = [False] * self.threads
        self.ended = [0.0] * self.threads
        self.error = None
        self.real_time = may_be_real_time()
        self.begin = clock() + (0.02 if mode == "open" else 0.0)
        self.fields = (MODES.index(mode), rate, seconds, seed, self.threads, self.begin,
                       len(self.offsets))

    def take(self):
        """The number of the next call; None: there is none."""
        with self.lock:
            number = self.next
            if self.mode == "open":
                more = number < len(self.offsets)
            else:
                more = number < self.most and clock() < self.begin + self.seconds
            if self.stop or not more:
                return None
            self.next += 1
            return number

    def sleep_until(self, moment):
        while not self.stop:
            left = moment - clock()
            if left <= 0:
                return True
            time.sleep(left if left < NAP else NAP)
        return False

    def raise_priority(self):
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, PRIORITY)
        except OSError:  # the program has given up the privilege
            self.real_time = False
        return self.real_time

    def wait_until(self, intended, thread):
        """Sleeps, and returns our lag; None when the run was stopped meanwhile.  Asleep with
        real-time priority, where that is permitted, a thread wakes in time on a busy machine; the
        call is made without it, and from then on the thread is the program's."""
        raised = self.real_time and self.raise_priority()
        try:
            if not self.sleep_until(intended):
                return None
            lag = self.our_lag(intended, thread)
            self.running[thread] = True
            return lag
        finally:
            if raised:
                os.sched_setscheduler(0, os.SCHED_OTHER, NO_PRIORITY)

    def our_lag(self, intended, thread):
        """How late it is, unless a call that may have held the GIL was running meanwhile."""
        lag = clock() - intended
        for other in range(self.threads):
            if other != thread and (self.running[other] or self.ended[other] > intended):
                return 0.0
        return lag

    def call(self, thread, writer, intended, lag):
        function = self.function
        error = None
        self.running[thread] = True
        started = clock()
        try:
            result = function()
        except (Exception, SystemExit, GeneratorExit) as caught:
            error, result = caught, None
        ended = self.ended[thread] = clock()
        writer.add(started if intended is None else intended, started, ended, lag, error)
        self.running[thread] = False
        if inspect.isawaitable(result):
            raise Unusable("the function returned an awaitable; name one that runs it to its end")

    def work(self, thread, writer):
        while (number := self.take()) is not None:
            if self.mode != "open":
                self.call(thread, writer, None, 0.0)
                continue
            intended = self.begin + self.offsets[number]
            lag = 0.0
            if clock() < intended:
                lag = self.wait_until(intended, thread)
                if lag is None:
                    return
            self.call(thread, writer, intended, lag)

    def work_and_tell(self, thread, writer):
        try:
            self.work(thread, writer)
        except (Exception, KeyboardInterrupt) as error:
            self.error = error
            self.stop = True

    def run(self):
        """Runs the calls; returns whether all were made."""
        self.log.write_header(self.fields)
        writers = [Writer(self.log) for _ in range(self.threads)]
        if self.threads == 1:
            self.work_and_tell(0, writers[0])
            return not self.stop
        threads = [threading.Thread(target=self.work_and_tell, args=(i, writers[i]), daemon=True,
                                    name=f"call-{i}") for i in range(self.threads)]
        for thread in threads:
            thread.start()
        stopped_since = None
        while any(thread.is_alive() for thread in threads):
            next(t for t in threads if t.is_alive()).join(NAP)
            if self.stop and stopped_since is None:
                stopped_since = clock()
            if stopped_since is not None and clock() - stopped_since > 1.0:
                break  # a call does not end: its thread is a daemon, and ends with the program
        return not self.stop


def may_be_real_time():
    """Whether this thread, an ordinary one, may sleep with real-time priority, and come back."""
    try:
        if os.sched_getscheduler(0) != os.SCHED_OTHER:
            return False
        os.sched_setscheduler(0, os.SCHED_FIFO, PRIORITY)
        os.sched_setscheduler(0, os.SCHED_OTHER, NO_PRIORITY)
    except OSError:
        return False
    return True


def clocks():
    """Monotonic, boot and real time at one moment: the tightest of a few readings."""
    readings = []
    for _ in range(5):
        first = clock()
        boot, real = time.clock_gettime(time.CLOCK_BOOTTIME), time.time()
        readings.append((clock() - first, first, boot, real))
    return min(readings)[1:]


def parse(arguments):
    if not 6 <= len(arguments) <= 8:
        raise Unusable(__doc__.split("\n\n")[0])
    spec, path, mode, *numbers = arguments
    try:
        rate, seconds = float(numbers[0]), float(numbers[1])
        seed, threads, most = (int(n) for n in (numbers[2:] + ["1", "0"][len(numbers) - 3:]))
    except ValueError as error:
        raise Unusable(f"not a number: {error}") from None
    if mode not in MODES:
        raise Unusable(f"mode {mode}: one of {', '.join(MODES)}")
    if mode == "open" and not (0 < rate <= 1e6 and rate * seconds <= MOST_CALLS):
        raise Unusable(f"rate {rate}: above 0, and at most {MOST_CALLS} calls in a run")
    if not (0 < seconds <= 1e6 and 1 <= threads <= 1024 and 0 <= seed <= MASK
            and 0 <= most <= MOST_CALLS and rate >= 0):
        raise Unusable("rate, seconds, seed, threads or the most calls are out of range")
    return spec, path, (mode, rate, seconds, seed, threads, most)


def main():
    spec, path, plan = parse(sys.argv[1:])
    function = find_function(spec)
    log = Log(path)
    driver = Driver(function, log, *plan)

    def stop(number, frame):
        if driver.stop:
            raise KeyboardInterrupt  # asked twice: a call that hangs is broken off
        driver.stop = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    before = clocks()
    complete = driver.run()
    after = clocks()
    mono, boot, real = (b - a for a, b in zip(before, after))
    log.write_header(driver.fields, clock(), 1 if complete else 2, boot - mono, real - boot)
    if isinstance(driver.error, KeyboardInterrupt):
        sys.exit(130)
    if driver.error is not None:
        raise driver.error


if __name__ == "__main__":
    try:
        main()
    except (Unusable, OSError, ImportError) as problem:
        if not isinstance(problem, Unusable):
            traceback.print_exc()
        sys.stderr.write(f"call_driver: {problem}\n")
        sys.exit(3)
