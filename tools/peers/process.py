"""Peers as processes: one that answers commands and stands still between its turns, and one that runs to its end."""

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

from .work import Unavailable

TOOLS = Path(__file__).resolve().parents[1]

# How libraries are kept from newer instructions: ATen, oneDNN in PyTorch and in OpenVINO, and MKL, which PyTorch's linears
# run in. MLAS can't be: it is all of ONNX Runtime, and most of OpenVINO's linears.
ISA = {
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "DNNL_MAX_CPU_ISA": "AVX2",
             "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "avx512": {"ATEN_CPU_CAPABILITY": "avx512", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_VNNI",
               "DNNL_MAX_CPU_ISA": "AVX512_CORE_VNNI", "MKL_ENABLE_INSTRUCTIONS": "AVX512"},
    "avx512_bf16": {"ATEN_CPU_CAPABILITY": "avx512", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16",
                    "DNNL_MAX_CPU_ISA": "AVX512_CORE_BF16", "MKL_ENABLE_INSTRUCTIONS": "AVX512"},
}


class Failure(Exception):
    """A peer's process failed."""


def environment(threads, isa=None):
    """The environment that every peer is started in."""
    limits = dict(ISA[isa], SAM2KIT_MAX_ISA=isa) if isa else {}
    return dict(os.environ, PYTHONPATH=str(TOOLS), OMP_NUM_THREADS=str(threads), PYTHONWARNINGS="ignore", **limits)


class Process:
    """A Python peer. Between commands it is stopped (SIGSTOP): threads that would spin can't spoil another's turn."""

    def __init__(self, name, settings, environ, log):
        # A process group of its own: if the driver dies, the system lets a stopped orphan go on, and end.
        self.process = subprocess.Popen(
            [sys.executable, "-m", "peers.worker", name, json.dumps(settings.json())], env=environ, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, process_group=0)
        self.name = name

    def ask(self, **command):
        """The answer to a command."""
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Failure(f"{self.name}: the process ended with {self.process.wait()}")
        self.process.send_signal(signal.SIGSTOP)
        answer = json.loads(line)
        if "unavailable" in answer:
            raise Unavailable(answer["unavailable"])
        if "error" in answer:
            raise Failure(f"{self.name}: {answer['error']}")
        return answer

    def end(self):
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()


def until_file(command, path, environ, log):
    """Runs a command; seconds until `path` stood there, and peak memory in bytes."""
    path.unlink(missing_ok=True)
    start = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], env=environ, stdin=subprocess.DEVNULL, stdout=log,
                               stderr=log)
    seconds = None
    while True:
        if seconds is None and path.exists():
            seconds = time.perf_counter() - start
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        time.sleep(0.001)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0 or not path.exists():
        raise Failure(f"{command[0]} ended with {process.returncode}, and {path.name} "
                      f"{'is there' if path.exists() else 'is not there'}")
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return seconds if seconds is not None else time.perf_counter() - start, peak


@contextlib.contextmanager
def quiet(guard):
    """Holds a machine still: a command that prints a line once it is, and ends when its stdin is closed."""
    if not guard:
        yield
        return
    process = subprocess.Popen(shlex.split(guard), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if not process.stdout.readline():
            raise Failure(f"{guard}: printed no line")
        yield
    finally:
        process.stdin.close()
        process.stdout.read()
        process.wait()
