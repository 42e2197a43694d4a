"""An HDF5 trace being written. Its schema is described in Reference/README.md."""

import hashlib
import os

import h5py
import numpy as np
import torch

SMALL = 64 * 1024  # bytes; below this a tensor is stored contiguous
CHUNK = 1024 * 1024  # bytes; HDF5's default chunk cache holds one such chunk


class TraceFile:
    """An HDF5 trace being written: tensors go to disk as they come, equal tensors once.

    Object headers of HDF5 1.8 keep a group of few members in some 100 bytes instead of over 1000, but also note
    the time at which a group was made unless told not to.
    """

    def __init__(self, path, attributes, compress):
        self.compress = compress
        self.written = {}  # digest of shape and bytes -> path of the dataset that holds them
        self.saved = 0
        creation, access = h5py.h5p.create(h5py.h5p.FILE_CREATE), h5py.h5p.create(h5py.h5p.FILE_ACCESS)
        creation.set_obj_track_times(False)
        access.set_libver_bounds(h5py.h5f.LIBVER_V18, h5py.h5f.LIBVER_V18)
        access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
        flags = h5py.h5f.ACC_TRUNC
        self.file = h5py.File(h5py.h5f.create(os.fsencode(path), flags, fcpl=creation, fapl=access))
        self.group_creation = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
        self.group_creation.set_obj_track_times(False)
        for name, value in attributes.items():
            self.file.attrs[name] = np.int64(value) if isinstance(value, int) else value

    def group(self, path):
        """The group at an absolute path, made with its parents where missing."""
        group = self.file
        for name in path.strip("/").split("/"):
            if name in group:
                group = group[name]
            else:
                group = h5py.Group(h5py.h5g.create(group.id, name.encode(), gcpl=self.group_creation))
        return group

    def write(self, path, tensor):
        """Writes a tensor as float32 at `path`, or links it to an equal one written before."""
        folder, name = path.rsplit("/", 1)
        group = self.group(folder)
        values = np.ascontiguousarray(tensor.detach().to("cpu", torch.float32).numpy())
        hasher = hashlib.sha256(repr(values.shape).encode())
        hasher.update(values.reshape(-1).view(np.uint8))
        digest = hasher.digest()
        if digest in self.written:
            group[name] = self.file[self.written[digest]]
            self.saved += values.nbytes
            return
        options = {}
        if self.compress and values.nbytes >= SMALL:
            options = dict(
                chunks=chunk_shape(values.shape), shuffle=True, compression="gzip", compression_opts=4,
                fletcher32=True)
        group.create_dataset(name, data=values, track_times=False, **options)
        self.written[digest] = path

    def write_tree(self, path, value):
        """Writes a tensor, or a list, tuple or dictionary of them as a group; anything else is left out."""
        if isinstance(value, torch.Tensor):
            self.write(path, value)
        elif isinstance(value, dict):
            for key, member in value.items():
                self.write_tree(f"{path}/{key}", member)
        elif isinstance(value, (list, tuple)):
            for index, member in enumerate(value):
                self.write_tree(f"{path}/{index}", member)


def chunk_shape(shape):
    """The largest leading-axis split of a float32 tensor whose chunks hold at most about 1 MiB."""
    chunk = list(shape)
    for axis in range(len(chunk)):
        rest = 4 * int(np.prod(chunk[axis + 1:]))
        chunk[axis] = max(1, min(chunk[axis], CHUNK // rest))
        if rest <= CHUNK:
            break
    return tuple(chunk)
