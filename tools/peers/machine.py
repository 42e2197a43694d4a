"""What a result was measured on: processor, features, cores, memory, system, date and versions."""

import datetime
import os
import platform
import subprocess
from pathlib import Path

# What decides which kernels a library takes, of the names that Linux and macOS have for them.
FEATURES = (
    "avx2", "fma", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16",
    "amx_tile", "amx_bf16", "amx_int8", "asimd", "asimddp", "asimdhp", "bf16", "i8mm", "sve", "sve2", "sme",
)


def described():
    """The machine as a dictionary."""
    name, features = sysctl() if platform.system() == "Darwin" else cpuinfo()
    return {
        "processor": name,
        "features": [feature for feature in FEATURES if feature in features],
        "cores": cores(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.machine()}",
        "date": datetime.date.today().isoformat(),
    }


def line(machine):
    """One line of it for a person."""
    versions = ", ".join(f"{name} {version}" for name, version in machine.get("versions", {}).items())
    return (f"{machine['processor']}; {' '.join(machine['features'])}; {machine['cores']} cores, "
            f"{machine['memory_bytes'] / 1e9:.0f} GB; {machine['system']}; {machine['date']}; {versions}")


def cores():
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def cpuinfo():
    """Model and features as Linux has them; virtual machines often keep the name vague, so numbers stand beside it."""
    fields = {}
    for row in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = row.partition(":")
        fields.setdefault(key.strip(), value.strip())
    numbers = [f"{short} {fields[key]}" for short, key in (("family", "cpu family"), ("model", "model")) if key in fields]
    name = fields.get("model name") or f"implementer {fields.get('CPU implementer')} part {fields.get('CPU part')}"
    features = fields.get("flags") or fields.get("Features") or ""
    return ", ".join([name, *numbers]), set(features.split())


def sysctl():
    """Model and features as macOS has them, by Linux's names."""
    def value(key):
        return subprocess.run(["sysctl", "-n", key], capture_output=True, text=True).stdout.strip()

    names = {"FEAT_DotProd": "asimddp", "FEAT_BF16": "bf16", "FEAT_I8MM": "i8mm", "FEAT_SME": "sme", "FEAT_FP16": "asimdhp"}
    features = {ours for theirs, ours in names.items() if value(f"hw.optional.arm.{theirs}") == "1"}
    if platform.machine() == "arm64":
        features.add("asimd")
    return value("machdep.cpu.brand_string"), features
