#!/usr/bin/env python3
"""Makes a checkpoint of any apparent size that takes next to nothing on disk: every weight is zero, and a hole.

    python tools/make_sparse.py --width 2300 --output out/sparse.pt     # 49 GB, and out/sparse.yaml
    sam2kit convert out/sparse.pt out/sparse.safetensors --config out/sparse.yaml

A model of `Weights/sam2.1_micro.yaml` with a trunk that begins with so many channels. The zip64 archive is laid out as
torch.save lays it out, but written here: PyTorch would write the zeros.
"""

import argparse
import collections
import io
import os
import pickle
import struct
import zlib
from pathlib import Path

import torch

import official_model

MICRO = Path(__file__).resolve().parent.parent / "Weights" / "sam2.1_micro.yaml"


class Placeholder:
    """A tensor of zeros with a storage of its own."""

    def __init__(self, key, shape):
        self.key, self.shape = key, tuple(shape)
        self.count = torch.Size(self.shape).numel()


class Storage:
    def __init__(self, placeholder):
        self.placeholder = placeholder


class Pickler(pickle.Pickler):
    """Writes placeholders as torch.save writes tensors."""

    def reducer_override(self, value):
        if not isinstance(value, Placeholder):
            return NotImplemented
        strides, step = [], 1
        for extent in reversed(value.shape):
            strides.insert(0, step)
            step *= extent
        arguments = (Storage(value), 0, value.shape, tuple(strides), False, collections.OrderedDict())
        return torch._utils._rebuild_tensor_v2, arguments

    def persistent_id(self, value):
        if isinstance(value, Storage):
            return "storage", torch.FloatStorage, str(value.placeholder.key), "cpu", value.placeholder.count
        return None


def crc_of_zeros(count):
    """The CRC-32 of so many zero bytes: a product of polynomials over GF(2) instead of a pass over them."""
    def times(a, b):
        result = 0
        for bit in range(32):
            if a >> (31 - bit) & 1:
                result ^= b
            b = b >> 1 ^ (0xEDB88320 if b & 1 else 0)
        return result

    power, square = 1 << 31, 1 << 23
    while count:
        if count & 1:
            power = times(power, square)
        square = times(square, square)
        count >>= 1
    return times(0xFFFFFFFF, power) ^ 0xFFFFFFFF


def write_archive(path, members):
    """A zip64 archive of stored members: bytes, or a number of zeros that become a hole."""
    directory = []
    with open(path, "wb") as file:
        for name, content in members:
            size = content if isinstance(content, int) else len(content)
            checksum = crc_of_zeros(size) if isinstance(content, int) else zlib.crc32(content)
            offset, encoded = file.tell(), name.encode()
            wide = struct.pack("<HHQQ", 1, 16, size, size)
            padding = -(offset + 30 + len(encoded) + len(wide) + 4) % 64
            extra = wide + struct.pack("<2sH", b"FB", padding) + b"Z" * padding
            common = struct.pack("<HHHHHIII", 45, 0x0800, 0, 0, 0, checksum, 0xFFFFFFFF, 0xFFFFFFFF)
            file.write(b"PK\3\4" + common + struct.pack("<HH", len(encoded), len(extra)) + encoded + extra)
            if isinstance(content, int):
                file.seek(size, os.SEEK_CUR)
            else:
                file.write(content)
            wide = struct.pack("<HHQQQ", 1, 24, size, size, offset)
            directory.append(
                b"PK\1\2" + struct.pack("<H", 45) + common
                + struct.pack("<HHHHHII", len(encoded), len(wide), 0, 0, 0, 0, 0xFFFFFFFF) + encoded + wide)
        start = file.tell()
        file.write(b"".join(directory))
        end = file.tell()
        count, size = len(directory), end - start
        file.write(b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, size, start))
        file.write(b"PK\6\7" + struct.pack("<IQI", 0, end, 1))
        file.write(b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, min(count, 0xFFFF), min(count, 0xFFFF),
                                           min(size, 0xFFFFFFFF), 0xFFFFFFFF, 0))


def trees(width):
    """The configuration with a trunk that begins with so many channels."""
    return official_model.configuration(MICRO, [
        f"image_encoder.trunk.embed_dim={width}",
        f"image_encoder.neck.backbone_channel_list={[8 * width, 4 * width, 2 * width, width]}"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=2300, help="channels of the trunk's first stage")
    parser.add_argument("--output", required=True, type=Path)
    options = parser.parse_args()

    tree = trees(options.width)
    # Every extent is a linear function of the width, so that the model itself need not be built.
    small, twice = (official_model.build(trees(width)).state_dict() for width in (16, 32))
    shapes = {
        name: [a + (b - a) // 16 * (options.width - 16) for a, b in zip(small[name].shape, twice[name].shape)]
        for name in small}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.with_suffix(".yaml").write_text(official_model.yaml_text(tree))

    tensors = collections.OrderedDict(
        (name, Placeholder(key, shape)) for key, (name, shape) in enumerate(shapes.items()))
    stream = io.BytesIO()
    Pickler(stream, protocol=2).dump({"model": tensors})
    root = options.output.stem
    write_archive(options.output, [
        (f"{root}/data.pkl", stream.getvalue()), (f"{root}/byteorder", b"little"),
        *((f"{root}/data/{tensor.key}", 4 * tensor.count) for tensor in tensors.values()),
        (f"{root}/version", b"3\n")])
    status = os.stat(options.output)
    print(f"{options.output}  {len(tensors)} tensors  {status.st_size / 1e9:.1f} GB, "
          f"{status.st_blocks * 512 / 1e6:.1f} MB on disk")


if __name__ == "__main__":
    main()
