"""Pictures and clips with exact masks, composed from cut-outs, procedural shapes and backgrounds.

Everything is drawn from one `numpy.random.Generator`, so a seed gives a scene. Pictures are RGB uint8 [side, side, 3],
masks are uint8 [side, side] maps of which object is visible where, 0 where none is.
"""

import cv2
import numpy as np

from pack import held_out

cv2.setNumThreads(1)

FREE = 28  # frames: what drifts goes no farther in a longer clip, else little would be left in the picture


class Assets:
    """The cut-outs and backgrounds of one split, decoded.

    part: "train", "validation", or "all".
    keep: says of a name whether to take it.
    """

    def __init__(self, path, part, keep=lambda name: True):
        self.cut_outs, self.backgrounds = [], []
        with np.load(path) as file:
            for kind, pictures in (("cut_outs", self.cut_outs), ("backgrounds", self.backgrounds)):
                streams, begin = file[f"{kind}_streams"], 0
                for name, end in zip(file[f"{kind}_names"], file[f"{kind}_ends"]):
                    # All cuttings of a wallpaper (name#0, name#1, ...) lie on the same side of the split.
                    kept = held_out(str(name).split("#")[0]) if kind == "backgrounds" else held_out(str(name))
                    if (part == "all" or kept == (part == "validation")) and keep(str(name)):
                        picture = cv2.imdecode(streams[begin:end], cv2.IMREAD_UNCHANGED)
                        order = cv2.COLOR_BGRA2RGBA if kind == "cut_outs" else cv2.COLOR_BGR2RGB
                        pictures.append(cv2.cvtColor(picture, order))
                    begin = end


def smooth_noise(random, side, cells, channels):
    """Noise in 0...1 whose features are side / cells pixels large, [side, side, channels]."""
    small = random.random((cells, cells, channels), np.float32)
    noise = cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC)
    return noise.reshape(side, side, channels)


def texture(random, side):
    """A procedural surface, RGB float32 0...255."""
    low, high = random.uniform(0, 255, (2, 3)).astype(np.float32)
    kind = random.integers(5)
    if kind == 0:
        mix = smooth_noise(random, side, int(random.integers(2, 5)), 1)
    elif kind == 1:
        mix = sum(smooth_noise(random, side, cells, 1) / weight
                  for cells, weight in ((4, 2), (11, 3), (29, 4), (67, 6)))
    else:
        angle, wave = random.uniform(0, np.pi), random.uniform(4, 40)
        y, x = np.mgrid[0:side, 0:side].astype(np.float32)
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        if kind == 2:
            mix = along / side + 0.5 * np.sin(along / wave)
        elif kind == 3:
            mix = ((np.floor(along / wave) + np.floor(across / wave)) % 2) * 0.8 + 0.1
        else:
            mix = 0.5 + 0.5 * np.sin(along / wave) * np.sin(across / wave)
        mix = mix[..., None]
    mix = np.clip(mix, 0, 1)
    colours = low * (1 - mix) + high * mix
    return colours + random.normal(0, 30) * (smooth_noise(random, side, 5, 3) - 0.5)


def shape(random, side):
    """A procedural object with a smooth or angular outline and a texture of its own, RGBA uint8."""
    scale = 4
    count = int(random.integers(3, 12))
    angles = np.sort(random.uniform(0, 2 * np.pi, count)) if random.random() < 0.5 else (
        np.arange(count) * 2 * np.pi / count)
    radii = random.uniform(0.35, 1.0, count) if random.random() < 0.6 else np.ones(count)
    if random.random() < 0.5:
        fine = np.linspace(0, 2 * np.pi, 90, endpoint=False)
        radii = np.interp(fine, angles, radii, period=2 * np.pi)
        spectrum = np.fft.rfft(radii)
        spectrum[int(random.integers(3, 9)):] = 0
        radii, angles = np.clip(np.fft.irfft(spectrum, 90), 0.15, 1.2), fine
    aspect = random.uniform(0.4, 1.0)
    points = np.stack([np.cos(angles) * radii, np.sin(angles) * radii * aspect], 1)
    points -= (points.min(0) + points.max(0)) / 2
    points *= 0.47 * side * scale / np.abs(points).max()
    alpha = np.zeros((side * scale, side * scale), np.uint8)
    cv2.fillPoly(alpha, [np.round(points + side * scale / 2).astype(np.int32)], 255)
    if random.random() < 0.12:  # a hole
        centre = (points[0] * 0.2 + side * scale / 2).astype(int)
        cv2.circle(alpha, tuple(map(int, centre)), int(side * scale * random.uniform(0.06, 0.14)), 0, -1)
    alpha = cv2.resize(alpha, (side, side), interpolation=cv2.INTER_AREA)
    colours = texture(random, side)
    if random.random() < 0.5:  # shading towards the outline
        inner = cv2.distanceTransform((alpha > 127).astype(np.uint8), cv2.DIST_L2, 3)[..., None]
        colours *= 0.55 + 0.45 * np.clip(inner / (0.2 * side), 0, 1)
    if random.random() < 0.3:
        colours = colours * 0.6 + texture(random, side) * 0.4
    return np.dstack([np.clip(colours, 0, 255), alpha]).astype(np.uint8)


def recoloured(random, rgba, strength):
    """A cut-out under another light: hue, contrast and brightness changed."""
    colours = rgba[..., :3].astype(np.float32)
    grey = colours.mean(2, keepdims=True)
    colours = grey + (colours - grey) * random.uniform(1 - 0.7 * strength, 1 + 0.4 * strength)
    if random.random() < 0.35 * strength:
        colours = colours[..., random.permutation(3)]
    gain = random.uniform(1 - 0.4 * strength, 1 + 0.3 * strength) * random.uniform(1 - 0.15 * strength, 1, 3)
    colours = colours * gain.astype(np.float32) + random.uniform(-40, 30) * strength
    return np.dstack([np.clip(colours, 0, 255).astype(np.uint8), rgba[..., 3]])


class Actor:
    """One object: a cut-out and where it is at each moment of the scene.

    Places are in units of the picture's side, angles in radians. A picture is a clip of one frame.
    """

    def __init__(self, random, rgba, side, frames, motion):
        self.rgba, self.side = rgba, side
        self.size = float(np.exp(random.uniform(np.log(0.11), np.log(0.85))))
        self.flip = random.random() < 0.5
        self.stretch = random.uniform(0.8, 1.25)
        self.shear = random.uniform(-0.2, 0.2)
        upright = random.random() < 0.6
        time = np.arange(frames, dtype=np.float32)
        phase = random.uniform(0, 2 * np.pi, 4)
        pace = random.uniform(0.15, 0.7, 4)
        swing = random.random(4) * motion * np.array([0.12, 0.12, 0.35, 0.25])
        slow = min(1.0, FREE / frames)
        drift = random.normal(0, 0.028, 2) * motion * slow
        waves = np.sin(time[:, None] * pace + phase) - np.sin(phase)
        self.x = random.uniform(0.04, 0.96) + drift[0] * time + swing[0] * waves[:, 0]
        self.y = random.uniform(0.04, 0.96) + drift[1] * time + swing[1] * waves[:, 1]
        start = random.normal(0, 0.2) if upright else random.uniform(0, 2 * np.pi)
        self.angle = start + random.normal(0, 0.04) * motion * slow * time + swing[2] * waves[:, 2]
        self.scale = np.exp(random.normal(0, 0.012) * motion * slow * time + swing[3] * waves[:, 3])
        self.shown = np.ones(frames, bool)
        self.shadow = random.uniform(0.2, 0.6) if random.random() < 0.35 else 0.0
        self.shadow_at = random.uniform(-0.05, 0.05, 2)
        self.wobble = random.uniform(0.02, 0.06) if motion and random.random() < 0.3 else 0.0
        self.wobble_pace = random.uniform(0.2, 0.9)
        self.opacity = 1.0

    def matrix(self, frame, camera):
        """The affine map from the cut-out's pixels to the picture's."""
        height, width = self.rgba.shape[:2]
        unit = self.size * self.scale[frame] * self.side / max(height, width) * camera[2]
        cos, sin = np.cos(self.angle[frame]) * unit, np.sin(self.angle[frame]) * unit
        across = -self.stretch if self.flip else self.stretch
        turn = np.array([[cos * across, -sin + cos * self.shear], [sin * across, cos + sin * self.shear]])
        at = np.array([(self.x[frame] - 0.5) * camera[2] + 0.5 + camera[0],
                       (self.y[frame] - 0.5) * camera[2] + 0.5 + camera[1]]) * self.side
        return np.column_stack([turn, at - turn @ (np.array([width, height]) / 2)])

    def draw(self, canvas, owners, number, frame, camera, blur):
        """Blends the object over the float32 canvas and claims its pixels in the map of owners."""
        if not self.shown[frame]:
            return
        matrix = self.matrix(frame, camera)
        height, width = self.rgba.shape[:2]
        corners = matrix @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
        margin = 3 + int(self.wobble * self.side)
        x0, y0 = np.maximum(np.floor(corners.min(1)).astype(int) - margin, 0)
        x1, y1 = np.minimum(np.ceil(corners.max(1)).astype(int) + margin, self.side)
        if x1 <= x0 or y1 <= y0:
            return
        matrix[:, 2] -= (x0, y0)
        source = self.rgba
        zoom = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
        if zoom < 0.5:  # shrink in whole steps first, against aliasing
            step = int(1 / zoom)
            source = cv2.resize(source, (max(1, width // step), max(1, height // step)), interpolation=cv2.INTER_AREA)
            matrix[:, 0] *= width / source.shape[1]
            matrix[:, 1] *= height / source.shape[0]
        size = (int(x1 - x0), int(y1 - y0))
        if self.wobble:
            y, x = np.mgrid[0:size[1], 0:size[0]].astype(np.float32)
            reach, beat = self.wobble * self.size * self.side, self.wobble_pace * frame
            inverse = cv2.invertAffineTransform(matrix).astype(np.float32)
            length = 0.5 * self.size * self.side
            u, v = x + reach * np.sin(y / length * 3 + beat), y + reach * np.sin(x / length * 3 + 1.3 * beat)
            map_x = inverse[0, 0] * u + inverse[0, 1] * v + inverse[0, 2]
            map_y = inverse[1, 0] * u + inverse[1, 1] * v + inverse[1, 2]
            part = cv2.remap(source, map_x, map_y, cv2.INTER_LINEAR)
        else:
            part = cv2.warpAffine(source, matrix, size, flags=cv2.INTER_LINEAR)
        if blur > 0.3:
            part = cv2.GaussianBlur(part, (0, 0), blur)
        alpha = part[..., 3:].astype(np.float32) / 255
        if self.shadow:
            shift = np.float32([[1, 0, self.shadow_at[0] * self.side], [0, 1, self.shadow_at[1] * self.side]])
            shade = cv2.GaussianBlur(cv2.warpAffine(alpha, shift, size), (0, 0), 2 + 6 * self.size)
            canvas[y0:y1, x0:x1] *= 1 - self.shadow * shade[..., None]
        region = canvas[y0:y1, x0:x1]
        region += alpha * (part[..., :3] - region)
        owners[y0:y1, x0:x1][alpha[..., 0] > 0.5] = number


class Composer:
    """Makes scenes from the assets of one split."""

    def __init__(self, assets, side=256):
        self.assets, self.side = assets, side
        self.grain = np.random.default_rng(0).normal(0, 1, (side * 2, side * 2, 3)).astype(np.float32)

    def cut_out(self, random):
        if not self.assets.cut_outs or random.random() < 0.18:
            return shape(random, int(random.integers(64, 160)))
        return self.assets.cut_outs[random.integers(len(self.assets.cut_outs))]

    def background(self, random):
        """A background at least 1.25 times the side, RGB float32."""
        size = int(self.side * 1.25)
        if not self.assets.backgrounds or random.random() < 0.45:
            ground = texture(random, size)
            if random.random() < 0.5:
                ground = 0.5 * (ground + texture(random, size))
        else:
            ground = self.assets.backgrounds[random.integers(len(self.assets.backgrounds))]
            cut = int(min(ground.shape[:2]) * random.uniform(0.45, 1.0))
            y, x = (int(random.integers(0, length - cut + 1)) for length in ground.shape[:2])
            ground = cv2.resize(ground[y:y + cut, x:x + cut], (size, size), interpolation=cv2.INTER_LINEAR)
            ground = recoloured(random, np.dstack([ground, ground[..., 0]]), 0.6)[..., :3].astype(np.float32)
            if random.random() < 0.5:
                ground = ground[:, ::-1]
        if random.random() < 0.2:
            ground = cv2.GaussianBlur(ground, (0, 0), random.uniform(0.7, 3))
        return np.ascontiguousarray(ground, np.float32)

    def actors(self, random, frames, motion):
        """Two to seven objects, the nearest last; some are of the same class as the one before."""
        actors = []
        for _ in range(int(random.integers(2, 8))):
            if actors and random.random() < 0.3:
                rgba = recoloured(random, actors[-1].rgba, 0.5)
                actors.append(Actor(random, rgba, self.side, frames, motion))
                actors[-1].size = actors[-2].size * random.uniform(0.8, 1.2)
            else:
                rgba = self.cut_out(random)
                if random.random() < 0.7:
                    rgba = recoloured(random, rgba, 1.0)
                actors.append(Actor(random, rgba, self.side, frames, motion))
        # Larger objects tend to lie behind, else they would hide the small ones.
        return sorted(actors, key=lambda actor: -actor.size * random.uniform(0.5, 2))

    def finished(self, random, canvas, light, softness, noise):
        """The picture as a camera would give it: light, softness, grain."""
        canvas = canvas * light[0] + light[1]
        if softness > 0.35:
            canvas = cv2.GaussianBlur(canvas, (0, 0), softness)
        if noise > 1:
            y, x = random.integers(0, self.side, 2)
            canvas += noise * self.grain[y:y + self.side, x:x + self.side]
        return np.clip(canvas, 0, 255).astype(np.uint8)

    def clip(self, random, frames, motion=1.0):
        """A clip as (pictures [frames, side, side, 3], owners [frames, side, side]), object numbers from 1."""
        actors = self.actors(random, frames, motion)
        ground = self.background(random)
        if frames > 1:
            self.direct(random, actors, frames, motion)
        light = np.array([random.uniform(0.7, 1.2, 3) * random.uniform(0.8, 1.1), random.uniform(-20, 20, 3)])
        slow = min(1.0, FREE / frames)
        drift = random.normal(0, 0.012, (2, 3)) * motion * slow * np.array([[1], [30]])
        softness = max(0.0, random.normal(0.2, 0.5))
        noise = max(0.0, random.normal(2, 5))
        edge = random.uniform(0, 0.7)
        pan, zoom = random.normal(0, 0.008, 2) * motion * slow, random.normal(0, 0.006) * motion * slow
        pictures = np.empty((frames, self.side, self.side, 3), np.uint8)
        owners = np.zeros((frames, self.side, self.side), np.uint8)
        slack = (ground.shape[0] - self.side) / 2
        for frame in range(frames):
            camera = (pan[0] * frame, pan[1] * frame, float(np.exp(zoom * frame)))
            at = np.float32([[camera[2], 0, camera[0] * self.side], [0, camera[2], camera[1] * self.side]])
            at[:, 2] += self.side / 2 * (1 - camera[2]) - camera[2] * slack
            canvas = cv2.warpAffine(
                ground, at, (self.side, self.side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
            for number, actor in enumerate(actors, 1):
                actor.draw(canvas, owners[frame], number, frame, camera, edge)
            pictures[frame] = self.finished(random, canvas, light + drift * frame, softness, noise)
        return pictures, owners

    def picture(self, random):
        """A picture as (picture [side, side, 3], owners [side, side])."""
        pictures, owners = self.clip(random, 1, motion=0.0)
        return pictures[0], owners[0]

    def direct(self, random, actors, frames, motion):
        """Gives some objects an absence, a way out of the picture and back, or a way across the others."""
        for actor in actors:
            event = random.random()
            if event < 0.12 and frames > 2:  # gone for a while
                begin = int(random.integers(1, frames))
                actor.shown[begin:begin + int(random.integers(1, max(2, frames // 2)))] = False
            elif event < 0.3:  # out of the picture, perhaps back
                reach = np.sin(np.linspace(0, random.uniform(1.5, 3.2), frames)) * random.uniform(0.4, 1.1)
                heading = random.uniform(0, 2 * np.pi)
                actor.x = actor.x + np.cos(heading) * reach * motion
                actor.y = actor.y + np.sin(heading) * reach * motion
        if random.random() < 0.45:  # the nearest crosses the picture in front of the rest
            actor = actors[-1]
            time = np.linspace(-0.2, 1.2, frames)
            target = actors[random.integers(len(actors))]
            heading = random.uniform(0, 2 * np.pi)
            meet = random.uniform(0.3, 0.8)
            reach = random.uniform(0.6, 1.6)
            actor.size = max(actor.size, random.uniform(0.25, 0.5))
            actor.x = target.x[0] + np.cos(heading) * (time - meet) * reach
            actor.y = target.y[0] + np.sin(heading) * (time - meet) * reach
