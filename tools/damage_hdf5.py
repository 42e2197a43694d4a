"""Damages HDF5 files at random and has the program read them: none may crash it, hang it or make it take much memory.

    python tools/damage_hdf5.py PROGRAM [--files 4000] [--seed 1] [--keep FOLDER] [FILE.h5 ...]

Of each file, by default the tests' small ones, copies are made in which a few bytes are others: single bits and bytes,
words of extreme numbers, words and stretches copied from elsewhere in the file, a shorter file. Each copy is read by one
of the commands that read HDF5. Says how often which exit code came, how many files the child process kept from crashing
the program, the longest time and the most memory; ends with 1 if a command ended by a signal, took longer than 10 s or
more than 256 MB above what `--version` takes. Needs Python alone.
"""
import argparse
import collections
import os
import pathlib
import random
import resource
import struct
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parents[1]
SMALL = 64 << 10
SECONDS = 10
MEGABYTES = 256
EXTREMES = [0, 1, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**32 - 1, 2**62, 2**63 - 1, 2**64 - 1]


def damaged(content: bytes, source: random.Random) -> bytes:
    """A copy with one to four slips."""
    data = bytearray(content)
    for _ in range(source.choice([1, 1, 1, 2, 4])):
        place = source.randrange(len(data))
        kind = source.randrange(6)
        if kind == 0:
            data[place] ^= 1 << source.randrange(8)
        elif kind == 1:
            data[place] = source.randrange(256)
        elif kind == 2:
            size = source.choice([1, 2, 4, 8])
            word = (source.choice(EXTREMES) & (2 ** (8 * size) - 1)).to_bytes(size, "little")
            data[place : place + size] = word[: len(data) - place]
        elif kind == 3:
            size = source.choice([2, 4, 8])
            start = source.randrange(max(1, len(data) - size))
            part = data[start : start + size]
            data[place : place + len(part)] = part
        elif kind == 4:
            size = source.randrange(8, 256)
            start = source.randrange(max(1, len(data) - size))
            part = data[start : start + size]
            data[place : place + len(part)] = part
        else:
            # Numbers one off, which most checks of bounds are about.
            place &= ~1
            (number,) = struct.unpack_from("<H", data.ljust(place + 2, b"\0"), place)
            struct.pack_into("<H", data, min(place, len(data) - 2), (number + source.choice([-1, 1, 8, -8])) & 0xFFFF)
        if source.random() < 0.02:
            del data[source.randrange(len(data) // 2, len(data)) :]
    return bytes(data)


def run(command: list[str], errors: str) -> tuple[int, float, int, bytes]:
    """Exit code, below 0 a signal's; seconds; most memory in bytes, its child's included; what it said on stderr."""
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        nothing, said = os.open(os.devnull, os.O_RDWR), os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(nothing, 0), os.dup2(nothing, 1), os.dup2(said, 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
        os.execv(command[0], command)
    _, status, usage = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(status), time.monotonic() - begun, usage.ru_maxrss * 1024, pathlib.Path(errors).read_bytes()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("--files", dest="count", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path, help="put what the program or its child ended badly on here")
    arguments = parser.parse_args()
    os.environ["SWIFT_BACKTRACE"] = "enable=no"
    sources = arguments.files or sorted(
        path for path in (ROOT / "Tests").rglob("*.h5") if path.stat().st_size <= SMALL and path.parent.name != "damaged"
    )
    contents = [(path, path.read_bytes()) for path in sources]
    source = random.Random(arguments.seed)
    codes: collections.Counter[str] = collections.Counter()
    caught, findings, longest, most = 0, [], 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        target, errors = f"{folder}/damaged.h5", f"{folder}/errors"
        floor = run([arguments.program, "--version"], errors)[2]
        for number in range(arguments.count):
            path, content = source.choice(contents)
            data = damaged(content, source)
            pathlib.Path(target).write_bytes(data)
            words = source.choice(
                [["trace-info", target], ["compare", str(path), target], ["compare", target, str(path)],
                 ["inspect", target], ["inspect", "--security", target], ["trace-diff", str(path), target],
                 ["trace-cut", target, "--output", f"{folder}/cut.h5", "--compress"]]
            )
            code, seconds, memory, said = run([arguments.program, *words], errors)
            codes[f"{words[0]}{' --security' if '--security' in words else ''}: {code}"] += 1
            longest, most = max(longest, seconds), max(most, memory - floor)
            is_caught = b"makes it crash" in said or b"keeps it busy" in said
            caught += is_caught
            is_bad = code < 0 or seconds > SECONDS or memory - floor > MEGABYTES << 20 or said.count(b"\n") > 3
            if is_bad:
                findings.append((number, path.name, words, code, round(seconds, 1), (memory - floor) >> 20))
            if arguments.keep and (is_bad or is_caught):
                arguments.keep.mkdir(parents=True, exist_ok=True)
                (arguments.keep / f"{'bad' if is_bad else 'caught'}_{arguments.seed}_{number}_{path.name}").write_bytes(data)
    print(f"{arguments.count} damaged copies of {len(contents)} files, seed {arguments.seed}")
    for name, count in sorted(codes.items()):
        print(f"  {name}: {count}")
    print(f"the library crashed or hung in the child process: {caught}; in the program: {sum(f[3] < 0 for f in findings)}")
    print(f"longest {longest:.1f} s, most memory above the program's own {most >> 20} MB")
    for finding in findings:
        print("bad:", *finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
