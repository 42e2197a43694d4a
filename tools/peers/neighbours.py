"""What others on the machine do meanwhile: a turn that they disturbed is worth nothing and is taken again."""

import os
import resource
import time
from pathlib import Path

STAT = Path("/proc/stat")
SHORTEST = 0.2  # seconds of a block that ticks of 10 ms can tell something of
TICKS = os.sysconf("SC_CLK_TCK")


class Neighbours:
    """A `with` block; `cores` is then how many processors others kept busy on average, None where that can't be told."""

    def __init__(self, processes=()):
        self.processes = processes  # ids of peers that live through the block; those that end within it need no naming
        self.cores = None

    def __enter__(self):
        self.start = time.perf_counter(), busy(), self.own()
        return self

    def __exit__(self, *_):
        start, before, own = self.start
        seconds = time.perf_counter() - start
        if before is not None and seconds >= SHORTEST:
            self.cores = max(0.0, (busy() - before - (self.own() - own)) / seconds)

    def own(self):
        """Processor seconds of the driver and all that it started."""
        usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(part.ru_utime + part.ru_stime for part in usage) + sum(map(spent, self.processes))


def busy():
    """Processor seconds of everyone, those that another virtual machine took included."""
    if not STAT.exists():
        return None
    user, nice, system, _, _, interrupts, soft, stolen = map(int, STAT.read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + interrupts + soft + stolen) / TICKS


def spent(process):
    """Processor seconds of a living process."""
    path = Path(f"/proc/{process}/stat")
    return sum(map(int, path.read_text().rpartition(")")[2].split()[11:13])) / TICKS if path.exists() else 0.0
