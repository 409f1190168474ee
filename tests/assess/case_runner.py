"""What the end-to-end cases need: services started and asked, `ashore assess` run on them, and
neighbours that keep every processor busy."""

import contextlib
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time

import numpy as np
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ASHORE = os.environ.get("ASHORE", os.path.join(ROOT, "build", "ashore"))
EXAMPLES = os.path.join(ROOT, "examples", "assess")
SERVE = os.path.join(os.environ.get("ASHORE_BUILD", os.path.join(ROOT, "build")), "examples",
                     "example_serve")


def example(*parts):
    return os.path.join(EXAMPLES, *parts)


def pictures(size, count, seed=0):
    """Blots of random colours: neighbouring pixels are alike, as in pictures."""
    rng = np.random.default_rng(seed)
    side = int((size // 3) ** 0.5)
    for _ in range(count):
        coarse = rng.integers(0, 256, (8, 8, 3))
        yield np.kron(coarse, np.ones((side // 8, side // 8, 1))).astype(np.uint8).tobytes()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Vocabulary, text and networks of the examples: data(name) is a path."""
    folder = str(tmp_path_factory.mktemp("examples"))
    subprocess.run([sys.executable, example("networks.py"), folder], check=True)
    subprocess.run([sys.executable, example("tokenizer", "corpus.py"), folder], check=True)
    return lambda name: os.path.join(folder, name)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Service:
    """A running service, with one connection to it.  cold: seconds from exec to the first answer."""

    def __init__(self, argv, port, body):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        begin = time.perf_counter()
        self.process = subprocess.Popen(argv)
        try:
            while True:
                try:
                    self.ask(body)
                    break
                except ConnectionRefusedError:
                    self.connection.close()
                    if self.process.poll() is not None or time.perf_counter() - begin > 60:
                        raise RuntimeError(f"{argv} does not serve") from None
                    time.sleep(0.001)
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        self.cold = time.perf_counter() - begin

    def ask(self, body):
        self.connection.request("POST", "/", body)
        answer = self.connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        return json.loads(content)

    def seconds(self, body, count):
        """How long each of a number of requests takes, one after the other."""
        taken = []
        for _ in range(count):
            begin = time.perf_counter()
            self.ask(body)
            taken.append(time.perf_counter() - begin)
        return taken

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        assert code == 0, f"ended with {code} after SIGTERM"


@contextlib.contextmanager
def python_service(case, *options, body):
    port = free_port()
    argv = [sys.executable, example(case, "service.py"), *options, "--port", str(port)]
    with Service(argv, port, body) as service:
        yield service


@contextlib.contextmanager
def compiled_service(model, body):
    port = free_port()
    with Service([SERVE, str(port), model], port, body) as service:
        yield service


def base_seconds(case, *options, body):
    """The median of a request's time with nothing else to do: what targets are derived from, so that
    they mean the same on slow and on fast machines."""
    with python_service(case, *options, body=body) as service:
        service.seconds(body, 5)
        return statistics.median(service.seconds(body, 25))


@contextlib.contextmanager
def busy_neighbours():
    """Two for each processor, so that every thread has to wait for its turn."""
    loop = "while True: pass"
    crowd = [subprocess.Popen([sys.executable, "-c", loop]) for _ in range(2 * os.cpu_count())]
    try:
        time.sleep(0.2)
        yield
    finally:
        for process in crowd:
            process.kill()
        for process in crowd:
            process.wait()


class Report:
    """report.json, by what the tests ask of it."""

    def __init__(self, folder, output):
        self.output = output
        with open(os.path.join(folder, "report.json"), encoding="utf-8") as f:
            self.json = json.load(f)
        self.verdict = self.json["verdict"]
        self.outcome, self.row = self.verdict["outcome"], self.verdict["row"]
        self.buckets = self.json["buckets"]

    def share(self, bucket):
        """Of work: of all that is not idle."""
        return self.buckets[bucket] / (1 - self.buckets["idle"])

    def latency(self):
        """The first finding's interval, in seconds."""
        return self.json["findings"][0]["measured"]

    def __str__(self):
        return f"{self.outcome}, row {self.row}: {self.verdict['sentence']}\n{self.output}"


def assess(folder, case, body, targets, options=(), rate=None, seconds=6, extra=()):
    """Runs `ashore assess` on a service with requests of one body, and reads its report."""
    os.makedirs(folder, exist_ok=True)
    request = os.path.join(folder, "body")
    with open(request, "wb") as f:
        f.write(body)
    port = str(free_port())
    argv = [ASHORE, "assess", *(word for t in targets for word in ("--target", t)), "--url",
            f"http://127.0.0.1:{port}/", "--body", f"@{request}", "--seconds", str(seconds), "--no-sweep",
            *(("--rate", f"{rate:.3g}") if rate else ()), *extra, "-o", folder, "--", sys.executable,
            example(case, "service.py"), *options, "--port", port]
    print("$", " ".join(argv))
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=240)
    assert os.path.exists(os.path.join(folder, "report.json")), \
        f"{' '.join(argv)}\nexit code {done.returncode}\n{done.stdout}"
    return Report(folder, done.stdout)
