"""Medians and ratios of what was measured, as text."""

import statistics

from .work import QUANTIZED

OURS = "sam2kit"
NAMES = {"sam2kit": "sam2kit", "pytorch": "PyTorch", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}


def ratios(rows):
    """Ours by each peer's at the same precision and work: of all medians, and the least and greatest of a round.

    What is quantized is held against all others at any precision, our own among them.
    """
    found = []
    for ours in rows:
        if ours["peer"] != OURS or "median" not in ours:
            continue
        for peer in rows:
            if peer is ours or peer["title"] != ours["title"] or "median" not in peer:
                continue
            if ours["precision"] != QUANTIZED and (peer["peer"] == OURS or peer["precision"] != ours["precision"]):
                continue
            rounds = [statistics.median(a) / statistics.median(b) for a, b in zip(ours["turns"], peer["turns"])]
            found.append({
                "work": ours["work"], "precision": ours["precision"], "peer": peer["peer"], "peer_precision": peer["precision"],
                "ratio": ours["median"] / peer["median"], "least": min(rounds), "greatest": max(rounds)})
    return found


def text(rows):
    """A table for every work."""
    lines = []
    for title in dict.fromkeys(row["title"] for row in rows):
        among = [row for row in rows if row["title"] == title]
        unit = "MB" if among[0]["unit"] == "bytes" else "seconds"
        lines += ["", f"{title}, {unit}",
                  f"  {'':14}{'':6}{'runs':>5}{'least':>10}{'median':>10}   sam2kit by it, medians (rounds)"]
        found = ratios(among)
        shares = {(ratio["peer"], ratio["precision"]): ratio for ratio in found if ratio["precision"] != QUANTIZED}
        lines += [f"  {NAMES[row['peer']]:14}{row['precision']:6}{values(row, shares)}" for row in among]
        lines += [f"  sam2kit {QUANTIZED} by {NAMES[ratio['peer']]} {ratio['peer_precision']}: {share(ratio)}"
                  for ratio in found if ratio["precision"] == QUANTIZED]
    return "\n".join(lines[1:])


def share(ratio):
    """A ratio and its range."""
    return f"{ratio['ratio']:.2f} ({ratio['least']:.2f} to {ratio['greatest']:.2f})"


def values(row, shares):
    """The rest of a row."""
    if "median" not in row:
        return "  " + row.get("unavailable", row.get("failed", "not measured"))
    scale, digits = (1e-6, 0) if row["unit"] == "bytes" else (1, 4)
    cells = f"{sum(map(len, row['turns'])):5}{row['least'] * scale:10.{digits}f}{row['median'] * scale:10.{digits}f}"
    disturbed = max((others or 0 for others in row["others"]), default=0)
    ratio = shares.get((row["peer"], row["precision"]))
    if ratio:
        cells += f"   {share(ratio)}"
    if row.get("agreement") is not None:
        cells += f"   mask's IoU with PyTorch f32: {row['agreement']:.3f}"
    if "note" in row:
        cells += f"   {row['note']}"
    return cells + (f"   others kept {disturbed:.1f} processors busy" if disturbed >= 0.1 else "")
