"""What a user did to a video: the prompts file of a video run, in its full and its short form.

The full form lists steps, each a dictionary of one key: prompt, propagate, clear, remove or reset. The short form
lists objects with the frames they are prompted on, and stands for prompting and tracking in the order of the video.
Both are described in Reference/README.md.
"""

import json

KEYS = {
    "prompt": {"object", "frame", "points", "labels", "box", "mask", "keep"},
    "propagate": {"from", "frames", "reverse"},
    "clear": {"object", "frame"},
    "remove": {"object"},
    "reset": set(),
}


def steps(text, frame_count):
    """The steps of a prompts file's text, [(kind, arguments)], for a video of so many frames."""
    scenario = json.loads(text)
    if ("steps" in scenario) == ("objects" in scenario):
        raise SystemExit("a video prompts file has either `steps` or `objects`")
    listed = scenario["steps"] if "steps" in scenario else expanded(scenario["objects"], frame_count)
    result = []
    for step in listed:
        (kind, arguments), = step.items()
        unknown = set(arguments) - KEYS.get(kind, set())
        if kind not in KEYS or unknown:
            raise SystemExit(f"a step of the prompts file is unknown or has unknown keys: {json.dumps(step)}")
        given = {key: value for key, value in arguments.items() if value is not None}
        if kind == "prompt":
            check_prompt(given)
        result.append((kind, given))
    return result


def check_prompt(prompt):
    """Stops at a prompt that the official predictor would not take."""
    by_mask = "mask" in prompt
    by_points = "points" in prompt or "box" in prompt
    if by_mask == by_points or ("points" in prompt) != ("labels" in prompt):
        raise SystemExit(f"a prompt is points with labels, a box, both, or a mask alone: {json.dumps(prompt)}")


def expanded(objects, frame_count):
    """The short form's steps: prompt a frame, track up to and onto the next prompted frame, prompt that one, …"""
    prompts = {}
    for item in objects:
        prompt = {"object": item["id"], "frame": item.get("frame") or 0}
        prompt.update((key, value) for key, value in item.items() if key not in ("id", "frame"))
        prompts.setdefault(prompt["frame"], []).append({"prompt": prompt})
    frames = sorted(prompts)
    result = list(prompts[frames[0]])
    begin = frames[0]
    for frame in frames[1:]:
        result.append({"propagate": {"from": begin, "frames": frame - begin}})
        result += prompts[frame]
        begin = frame + 1
    if begin < frame_count:
        result.append({"propagate": {"from": begin}})
    return result
