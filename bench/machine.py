"""What the figures were measured on and with."""

import datetime
import importlib.metadata
import json
import os
import platform
import subprocess

import models


def first(path, start):
    with open(path, encoding="utf-8") as f:
        return next((line.split(":", 1)[1].strip() for line in f if line.startswith(start)), "")


def output(*argv):
    try:
        return subprocess.run(argv, cwd=models.ROOT, text=True, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def npm_version(name):
    for place in (os.path.join(models.PEERS, "npm"), os.path.join(models.ROOT, "build", "npm")):
        path = os.path.join(place, "node_modules", name, "package.json")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                return json.load(f)["version"]
    return None


def describe():
    flags = set(first("/proc/cpuinfo", "flags").split())
    known = ["avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8"]
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return {
        "processor": first("/proc/cpuinfo", "model name") or platform.processor(),
        "model": "-".join(first("/proc/cpuinfo", key + "\t") for key in ("cpu family", "model",
                                                                           "stepping")),
        "cores": len(os.sched_getaffinity(0)),
        "instructions": [flag for flag in known if flag in flags],
        "memory": int(first("/proc/meminfo", "MemTotal").split()[0]) * 1024,
        "system": system,
        "kernel": platform.release().split("-")[0],
    }


def load():
    """How many processes ran in the last minute, on average."""
    return os.getloadavg()[0]


def versions():
    """By peer; None where one is not installed."""
    found = {"onnxruntime-web": npm_version("onnxruntime-web"),
             "LiteRT.js": npm_version("@litertjs/core"),
             "TensorFlow.js": npm_version("@tensorflow/tfjs-backend-wasm")}
    try:
        found["onnxruntime"] = importlib.metadata.version("onnxruntime")
    except importlib.metadata.PackageNotFoundError:
        found["onnxruntime"] = None
    return found


def commit():
    changed = output("git", "status", "--porcelain", "--untracked-files=no", "--", "src", "include",
                     "bindings", "cmake")
    return output("git", "rev-parse", "--short=12", "HEAD") + ("+" if changed else "")


def date():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
