"""What is measured, and with what: the words that the driver and its peers share."""

from dataclasses import asdict, dataclass

FULL_BANK = 7  # memories that a frame attends to once the bank is full: num_maskmem of all released models
QUANTIZED = "w8a8"  # the precision of a model whose file says how its layers are computed
SIDE = 1024  # pixels: the square that all released models see

VARIANTS = tuple(f"{family}_hiera_{size}"
                 for family in ("sam2", "sam2.1") for size in ("tiny", "small", "base_plus", "large"))


@dataclass(frozen=True)
class Work:
    """One thing that every peer can be asked to do again and again."""

    kind: str  # encoder: a picture; decoder: prompts, one click each; track: a frame of a clip; clip: all its frames
    side: int = SIDE  # pixels of the square that the model sees
    prompts: int = 1  # decoded at once
    objects: int = 1  # tracked
    memories: int = FULL_BANK  # in the bank when a frame is tracked
    frames: int = 0  # of a clip

    def json(self):
        return asdict(self)


WORKS = {
    "encoder": Work("encoder"),
    "decoder": Work("decoder"),
    "prompts64": Work("decoder", prompts=64),
    "track": Work("track"),
}
PROCESSES = ("start", "memory")  # measured on a process of its own each: `first_mask`

TITLES = {
    "encoder": "image encoder, a picture",
    "decoder": "prompt encoder and mask decoder, one click",
    "prompts64": "prompt encoder and mask decoder, 64 prompts at once",
    "track": "tracked frame, full bank",
    "start": "process start to the first mask's file",
    "memory": "peak memory of a picture",
}


@dataclass(frozen=True)
class Settings:
    """What a peer is started with; paths are absolute."""

    variant: str
    checkpoint: str
    precision: str  # f32, bf16, or QUANTIZED
    threads: int
    picture: str
    clip: str  # a folder of JPEG files
    cache: str  # where exported graphs lie

    def json(self):
        return asdict(self)


class Unavailable(Exception):
    """A peer can't do this work at this precision; the text says why."""
