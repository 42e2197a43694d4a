#!/usr/bin/env python3
"""Takes pictures of a report's page in headless Chromium, as a desktop and a phone show it, light and dark.

    python tools/screenshot_report.py report.html --output shots/

It needs Chromium (`apt-get install chromium`, or Google Chrome), which nothing else here does, and no Python package. It
fails where the page is wider than the screen, asks the network for anything, or its script goes wrong.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SIZES = {"desktop": (1280, 2200), "phone": (390, 2400)}

# Runs in the page, before the picture: says how wide it is, and opens some taps to be seen.
PROBE = """<script>
window.addEventListener("load", function () {
  var shown = document.querySelectorAll(".tap[data-fails='1']");
  var taps = shown.length ? shown : document.querySelectorAll(".tap");
  if (OPEN_TAPS) for (var i = 0; i !== Math.min(2, taps.length); i++) taps[i].open = true;
  document.documentElement.setAttribute("data-wide", document.documentElement.scrollWidth);
  document.documentElement.setAttribute("data-tall", document.documentElement.scrollHeight);
  document.documentElement.setAttribute("data-controls", document.getElementById("controls").hidden ? "hidden" : "shown");
});
</script>"""


def browser():
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if path := shutil.which(name):
            return path
    sys.exit("no Chromium here: apt-get install chromium")


def chromium(path, *arguments):
    with tempfile.TemporaryDirectory() as profile:
        return subprocess.run(
            [path, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb",
             "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={profile}", "--virtual-time-budget=3000",
             *arguments],
            capture_output=True, text=True, check=True, timeout=300)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--open-taps", action="store_true", help="open the first taps, failing ones before others")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    path = browser()
    probe = PROBE.replace("OPEN_TAPS", "true" if options.open_taps else "false")
    text = options.page.read_text()
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        # A phone's window can't be that narrow: the page is put in a frame of the phone's width.
        page.write_text(text.replace("</body>", probe + "</body>"))
        for name, (width, height) in SIZES.items():
            for scheme in ("light", "dark"):
                frame = Path(folder) / f"{name}.html"
                frame.write_text(
                    f'<body style="margin:0"><iframe src="page.html" style="border:0;width:{width}px;height:{height}px">'
                    "</iframe></body>")
                shot = options.output / f"{name}-{scheme}.png"
                dark = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
                chromium(path, f"--window-size={max(width, 500)},{height}", f"--screenshot={shot}",
                         "--allow-file-access-from-files", *dark, frame.as_uri())
                print(shot)
            frame.write_text(
                f'<body style="margin:0"><iframe id="f" src="page.html" style="border:0;width:{width}px;height:900px">'
                "</iframe><script>window.addEventListener('load',function(){setTimeout(function(){"
                "var d=document.getElementById('f').contentDocument.documentElement;"
                "document.body.setAttribute('data-found',d.dataset.wide+' '+d.dataset.controls);},500);});</script></body>")
            dom = chromium(path, "--allow-file-access-from-files", "--dump-dom", frame.as_uri()).stdout
            found = re.search(r'data-found="(\d+) (\w+)"', dom)
            if not found:
                sys.exit(f"{name}: the page did not load")
            if int(found[1]) > width:
                sys.exit(f"{name}: expected a page at most {width} pixels wide, found {found[1]}")
            if found[2] != "shown":
                sys.exit(f"{name}: the page's script did not run to its end")


if __name__ == "__main__":
    main()
