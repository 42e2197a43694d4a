"""What bench_peers promises, tested without any of the libraries that it compares.

    cd tools && python -m unittest -b peers.test_peers
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import time
import types
import unittest
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from unittest import mock

from PIL import Image

from . import growth, neighbours, ours, plot, report, turns
from .neighbours import STAT, Neighbours, spent
from .process import Failure, Process, environment, quiet, until_file
from .work import FULL_BANK, Settings, Unavailable, Work

SETTINGS = Settings("sam2.1_hiera_tiny", "tiny.pt", "f32", 2, "picture.jpg", "clip", "cache")
SPIN = "import time\nwhile time.process_time() < {}: pass"

# A peer whose threads spin, as idle ones of OpenMP do, and whose runs take 20 ms.
SPINNING = """
import threading, time
from peers.work import Unavailable

class Spinning:
    def __init__(self, settings):
        def spin():
            while True: pass
        threading.Thread(target=spin, daemon=True).start()
    def prepare(self, work):
        if work.prompts == 13: raise Unavailable("thirteen prompts")
        if work.prompts == 14: raise ValueError("fourteen prompts")
        return lambda: time.sleep(0.02)
    def versions(self):
        print("chatter of a library")
        return {"spinning": "1"}
"""
START = """
import sys
sys.path[:0] = [{folder!r}]
import peers.worker as worker
sys.modules["peers.spinning"] = __import__("spinning")
worker.PEERS["spinning"] = ("spinning", "Spinning")
sys.argv = ["worker", "spinning", {settings!r}]
worker.main()
"""


class Peer(Process):
    """The spinning peer, behind the worker's real loop."""

    def __init__(self, folder):
        Path(folder, "spinning.py").write_text(SPINNING)
        program = START.format(folder=folder, settings=json.dumps(SETTINGS.json()))
        original = subprocess.Popen
        with mock.patch("subprocess.Popen", lambda words, **rest: original([sys.executable, "-c", program], **rest)):
            super().__init__("spinning", SETTINGS, environment(1), subprocess.DEVNULL)


class ProcessTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def peer(self):
        peer = Peer(str(self.folder))
        self.addCleanup(peer.end)
        return peer

    def test_runs_so_often_and_so_long(self):
        peer = self.peer()
        peer.ask(prepare=Work("encoder").json())
        often = peer.ask(run=Work("encoder").json(), times=5, seconds=0)["seconds"]
        self.assertEqual(len(often), 5)
        self.assertGreaterEqual(min(often), 0.02)
        self.assertGreaterEqual(sum(peer.ask(run=Work("encoder").json(), times=1, seconds=0.3)["seconds"]), 0.25)

    def test_what_a_library_prints_is_no_answer(self):
        self.assertEqual(self.peer().ask(versions=True), {"versions": {"spinning": "1"}})

    @unittest.skipUnless(STAT.exists(), "needs /proc")
    def test_an_idle_peer_takes_no_processor_time(self):
        peer = self.peer()
        peer.ask(versions=True)
        before = spent(peer.process.pid)
        time.sleep(0.5)
        self.assertLessEqual(spent(peer.process.pid) - before, 0.05)

    def test_tells_what_a_peer_cannot_do_from_what_failed(self):
        peer = self.peer()
        with self.assertRaisesRegex(Unavailable, "thirteen"):
            peer.ask(prepare=Work("decoder", prompts=13).json())
        with self.assertRaisesRegex(Failure, "ValueError: fourteen"):
            peer.ask(prepare=Work("decoder", prompts=14).json())

    def test_a_peer_that_dies_is_a_failure(self):
        peer = self.peer()
        os.kill(peer.process.pid, 9)
        with self.assertRaisesRegex(Failure, "-9"):
            peer.ask(versions=True)

    def test_time_is_until_the_file_stands(self):
        mask = self.folder / "mask_0.png"
        mask.write_text("of an earlier turn")
        program = (f"import time; time.sleep(0.3); held = bytearray(80_000_000); open({str(mask)!r}, 'w'); time.sleep(0.5)")
        seconds, peak = until_file([sys.executable, "-c", program], mask, dict(os.environ), subprocess.DEVNULL)
        self.assertGreater(seconds, 0.3)
        self.assertLess(seconds, 0.75)
        self.assertGreater(peak, 80e6)
        self.assertLess(peak, 160e6)

    def test_no_file_is_a_failure(self):
        with self.assertRaisesRegex(Failure, "is not there"):
            until_file([sys.executable, "-c", ""], self.folder / "none.png", dict(os.environ), subprocess.DEVNULL)

    def test_a_guard_holds_from_its_line_until_its_input_ends(self):
        note = self.folder / "note"
        script = self.folder / "guard"
        script.write_text(f"sleep 0.2; echo held > {note}; echo ready; cat; sleep 0.2; echo free > {note}")
        with quiet(f"bash {script}"):
            self.assertEqual(note.read_text(), "held\n")
        self.assertEqual(note.read_text(), "free\n")

    def test_what_was_started_counts_as_ones_own(self):
        before = Neighbours().own()
        subprocess.run([sys.executable, "-c", SPIN.format(0.4)], check=True)
        self.assertGreaterEqual(Neighbours().own() - before, 0.4)

    def test_neighbours_keep_busy_what_is_not_ones_own(self):
        with (mock.patch.object(neighbours, "busy", iter([100.0, 104.0]).__next__),
              mock.patch.object(Neighbours, "own", lambda _: next(own)),
              mock.patch("time.perf_counter", iter([10.0, 12.0]).__next__)):
            own = iter([1.0, 4.0])
            with Neighbours() as seen:
                pass
        self.assertEqual(seen.cores, (4 - 3) / 2)

    def test_limits_every_library(self):
        limited = environment(2, "avx2")
        self.assertEqual([limited[name] for name in ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "SAM2KIT_MAX_ISA")],
                         ["avx2", "AVX2", "avx2"])
        self.assertEqual(limited["OMP_NUM_THREADS"], "2")


class Scripted(turns.Contestant):
    """A contestant whose turns are written down."""

    def __init__(self, name, script, calls):
        self.name, self.precision, self.script, self.calls = name, "f32", list(script), calls
        self.options = types.SimpleNamespace(max_isa=None)

    def turn(self, work, before):
        self.calls.append(self.name)
        value = self.script.pop(0)
        if isinstance(value, Exception):
            raise value
        return value


class TurnTests(unittest.TestCase):
    def options(self, **changes):
        return types.SimpleNamespace(**{"rounds": 3, "again": 0, "quiet": 0.1, "guard": None, **changes})

    def measured(self, *scripts, **changes):
        calls = []
        contestants = [Scripted(name, script, calls) for name, script in scripts]
        return turns.measure(contestants, turns.asked(["encoder"]), self.options(**changes), "."), calls

    def test_peers_take_turns(self):
        _, calls = self.measured(("sam2kit", [[1]] * 3), ("pytorch", [[2]] * 3))
        self.assertEqual(calls, ["sam2kit", "pytorch"] * 3)

    def test_ratio_is_of_medians_with_the_range_of_rounds(self):
        rows, _ = self.measured(("sam2kit", [[1, 1, 9], [2], [3]]), ("pytorch", [[4], [4], [6]]))
        ratio, = report.ratios(rows)
        self.assertEqual(ratio["ratio"], 2 / 4)
        self.assertEqual((ratio["least"], ratio["greatest"]), (1 / 4, 1 / 2))
        self.assertIn("0.50 (0.25 to 0.50)", report.text(rows))

    def test_a_peer_that_failed_is_asked_no_more_and_the_others_go_on(self):
        rows, calls = self.measured(("sam2kit", [[1]] * 3), ("onnxruntime", [Unavailable("no bfloat16")]),
                                    ("openvino", [[2], Failure("gone")]))
        self.assertEqual(calls.count("sam2kit"), 3)
        self.assertEqual(calls.count("onnxruntime"), 1)
        self.assertEqual((rows[1]["unavailable"], rows[2]["failed"]), ("no bfloat16", "gone"))
        self.assertEqual(report.ratios(rows), [])

    def test_a_disturbed_turn_is_taken_again_and_the_least_disturbed_kept(self):
        cores = iter([0.9, 0.4, 0.6])

        class Loud(Neighbours):
            def __exit__(self, *_):
                self.cores = next(cores)

        with mock.patch.object(turns, "Neighbours", Loud):
            rows, calls = self.measured(("sam2kit", [[1], [2], [3]]), rounds=1, again=2)
        self.assertEqual((len(calls), rows[0]["turns"], rows[0]["others"]), (3, [[2]], [0.4]))

    def test_agreement_is_intersection_over_union(self):
        with tempfile.TemporaryDirectory() as folder:
            one, other = Path(folder, "one.png"), Path(folder, "other.png")
            Image.frombytes("L", (4, 1), bytes([255, 255, 0, 0])).save(one)
            Image.frombytes("L", (4, 1), bytes([0, 255, 255, 0])).save(other)
            self.assertAlmostEqual(turns.agreement(one, other), 1 / 3)
            self.assertIsNone(turns.agreement(one, Path(folder, "none.png")))

    def test_precisions_are_not_mixed(self):
        rows, _ = self.measured(("sam2kit", [[1]] * 3), ("pytorch", [[2]] * 3))
        rows[1]["precision"] = "bf16"
        self.assertEqual(report.ratios(rows), [])

    def test_what_is_quantized_is_held_against_all_others(self):
        rows, _ = self.measured(("sam2kit", [[1]] * 3), ("pytorch", [[4]] * 3), ("sam2kit", [[2]] * 3))
        rows[0]["precision"], rows[1]["precision"], rows[2]["precision"] = "w8a8", "bf16", "f32"
        found = {(ratio["peer"], ratio["peer_precision"]): ratio["ratio"] for ratio in report.ratios(rows)}
        self.assertEqual(found, {("pytorch", "bf16"): 1 / 4, ("sam2kit", "f32"): 1 / 2})
        self.assertIn("sam2kit w8a8 by PyTorch bf16: 0.25 (0.25 to 0.25)", report.text(rows))

    def test_a_quantized_file_says_its_precisions_itself(self):
        def words(precision):
            settings = replace(SETTINGS, precision=precision)
            return ours.Ours("sam2kit", settings, None, {}, io.StringIO()).options(1024)
        self.assertIn("--precision", words("bf16"))
        self.assertNotIn("--precision", words("w8a8"))


class OursTests(unittest.TestCase):
    # As `sam2kit benchmark --json` prints it, without what isn't read.
    REPORT = {
        "image_encoder_seconds": [2.0, 2.5], "prompt_seconds": [0.1, 0.2], "backend": {"name": "onednn"},
        "clip": {"frames": [
            {"memories": count, "stages": {"decode": 8, "prepare": 8, "trunk_stage_3": 1, "memory_attention": count,
                                           "upsample": 0.5, "run_lengths": 8, "png": 8}} for count in (0, 1, 2, 7, 7)]},
    }

    def ours(self, program, backend=None):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.words = Path(folder.name, "words")
        path = Path(folder.name, "sam2kit")
        noting = f"import sys\nopen({str(self.words)!r}, 'w').write(' '.join(sys.argv[1:]))"
        path.write_text(f"#!{sys.executable}\n{noting}\n{program}")
        path.chmod(0o755)
        return ours.Ours(path, SETTINGS, backend, dict(os.environ), io.StringIO())

    def run_of(self, work, backend=None):
        seconds, kernels = self.ours(f"print({json.dumps(self.REPORT)!r})", backend).run(work, 4)
        self.assertEqual(kernels, {"name": "onednn"})
        return seconds, self.words.read_text()

    def test_asks_for_what_the_peers_do(self):
        seconds, words = self.run_of(Work("encoder", side=512), "onednn")
        self.assertEqual(seconds, [2.0, 2.5])
        for word in ("--threads 2", "--precision f32", "--set image_size=512", "--backend onednn", "--repeat 4", "tiny.pt"):
            self.assertIn(word, words)
        seconds, words = self.run_of(Work("decoder", prompts=64))
        self.assertEqual(seconds, [0.1, 0.2])
        self.assertIn("--prompts 64", words)
        self.assertNotIn("--backend", words)

    def test_takes_frames_by_their_memories_without_reading_and_writing(self):
        seconds, words = self.run_of(Work("track", objects=3))
        self.assertEqual(seconds, [8.5, 8.5])
        self.assertIn("--video clip --prompts 3 --frames 10", words)
        self.assertEqual(self.run_of(Work("track", memories=2))[0], [3.5])
        self.assertEqual(self.run_of(Work("clip", frames=5))[0], [1.5, 2.5, 3.5, 8.5, 8.5])

    def test_tells_what_it_cannot_do_from_what_failed(self):
        with self.assertRaisesRegex(Unavailable, "bf16"):
            self.ours("sys.exit(print('error: no bf16', file=sys.stderr) or 2)").run(Work("encoder"), 1)
        with self.assertRaisesRegex(Failure, "64.*Unknown option"):
            self.ours("sys.exit(print('Error: Unknown option', file=sys.stderr) or 64)").run(Work("encoder"), 1)


class GrowthTests(unittest.TestCase):
    def rows(self, name):
        return [{"work": name, "title": title, "peer": peer, "precision": "f32", "of": work.json(),
                 "median": 2.0 * index, "least": index, "turns": [[index, index, index]]}
                for peer in ("sam2kit", "pytorch") for index, (_, title, work) in enumerate(growth.asked([name]), 1)]

    def test_points_stand_at_their_steps(self):
        line = growth.points("bank", self.rows("bank"))["sam2kit f32"]
        self.assertEqual([x for x, _, _ in line], list(range(1, FULL_BANK + 1)))
        self.assertEqual(line[2], (3, 6.0, 3))

    def test_frames_add_up(self):
        self.assertEqual(growth.accumulated([[1, 2, 3], [9, 9, 9], [2, 2, 3]]), [(1, 2, 1), (2, 4, 3), (3, 7, 6)])

    def test_plots_are_drawn_to_scale(self):
        drawing = ElementTree.fromstring(plot.svg("a < b", "x", "y", {"one": [(0, 0, 0), (5, 15, 15), (10, 30, 29)]}, "machine"))
        points = drawing.find("{*}polyline").get("points").split()
        (x0, y0), (x1, y1), (x2, y2) = (map(float, point.split(",")) for point in points)
        self.assertAlmostEqual(x1 - x0, x2 - x1, delta=0.2)
        self.assertAlmostEqual(y0 - y1, y1 - y2, delta=0.2)
        self.assertGreater(y0, y2)
        self.assertGreaterEqual(y2, plot.TOP)

    def test_ticks_are_round_and_few(self):
        for most in (0.013, 0.9, 1, 7, 24, 1280, 99_999):
            ticks = plot.ticks(most, plot.step(most))
            self.assertTrue(4 <= len(ticks) <= 10, (most, ticks))
            self.assertLessEqual(ticks[-1], most)


if __name__ == "__main__":
    unittest.main()
