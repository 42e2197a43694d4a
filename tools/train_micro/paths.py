"""Paths given on a command line."""

import argparse
from pathlib import Path


def existing(text):
    """An argument that names a file or folder that is there."""
    path = Path(text)
    if not path.exists():
        raise argparse.ArgumentTypeError(f"{text}: expected a file or folder, found none")
    return path
