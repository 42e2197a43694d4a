"""Paths given on a command line."""

import argparse
import zipfile
from pathlib import Path


def existing(text):
    """An argument that names a file or folder that is there."""
    path = Path(text)
    if not path.exists():
        raise argparse.ArgumentTypeError(f"{text}: expected a file or folder, found none")
    return path


def archive(text):
    """An argument that names a zip archive with its end, such as torch.save and NumPy write."""
    path = existing(text)
    if not zipfile.is_zipfile(path):
        raise argparse.ArgumentTypeError(f"{text}: expected a whole zip archive, found something else or a part of one")
    return path
