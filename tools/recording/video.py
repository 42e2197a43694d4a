"""A video's run through the official SAM2VideoPredictor."""

import contextlib
import functools
import hashlib
import time

from PIL import Image
from sam2.sam2_video_predictor import SAM2VideoPredictor
from tqdm import tqdm

import official_model
import video_scenario
from recording.picture import foreground

tqdm.__init__ = functools.partialmethod(tqdm.__init__, disable=True)  # else every propagation shows a bar


def with_float_memory(module, arguments, keywords):
    """A hook before MemoryAttention that widens memories, which are kept as bfloat16.

    Concatenation with object pointers does so too. Without a pointer sam2 1.1.0 stops at the first matrix product on
    a CPU, having counted on autocast.
    """
    return arguments, {**keywords, "memory": keywords["memory"].float()}


class RecordedPredictor(SAM2VideoPredictor):
    """The official predictor, knowing which frame and object it works on and encoding each frame once."""

    def __init__(self, **keywords):
        super().__init__(**keywords)
        self.place = (None, None)
        self.encoded = {}
        self.last_output = None
        self.memory_attention.register_forward_pre_hook(with_float_memory, with_kwargs=True)

    @contextlib.contextmanager
    def at(self, frame, identifier):
        """Says what the calls made inside are made for."""
        outer, self.place = self.place, (frame, identifier)
        yield
        self.place = outer

    def forward_image(self, img_batch):
        frame, _ = self.place
        if frame not in self.encoded:
            self.encoded[frame] = super().forward_image(img_batch)
        return self.encoded[frame]

    def _get_image_feature(self, inference_state, frame_idx, batch_size):
        with self.at(frame_idx, None):
            return super()._get_image_feature(inference_state, frame_idx, batch_size)

    def _run_single_frame_inference(self, inference_state, output_dict, frame_idx, **keywords):
        index = next(
            index for index, outputs in inference_state["output_dict_per_obj"].items() if outputs is output_dict)
        with self.at(frame_idx, self._obj_idx_to_id(inference_state, index)):
            result = super()._run_single_frame_inference(inference_state, output_dict, frame_idx, **keywords)
        self.last_output = result[0]
        return result

    def _run_memory_encoder(self, inference_state, frame_idx, batch_size, high_res_masks, object_score_logits,
                            is_mask_from_pts):
        """Only ever called before tracking, for an output that waits among the temporary ones."""
        index = next(
            index for index, outputs in inference_state["temp_output_dict_per_obj"].items()
            for kind in outputs.values()
            if frame_idx in kind and kind[frame_idx]["object_score_logits"] is object_score_logits)
        with self.at(frame_idx, self._obj_idx_to_id(inference_state, index)):
            return super()._run_memory_encoder(
                inference_state, frame_idx, batch_size, high_res_masks, object_score_logits, is_mask_from_pts)

    def _clear_obj_non_cond_mem_around_input(self, inference_state, frame_idx, obj_idx):
        """sam2 1.1.0 calls this method but lacks it; it has the older one, which clears every object's memory."""
        reach = self.memory_temporal_stride_for_eval * self.num_maskmem
        outputs = inference_state["output_dict_per_obj"][obj_idx]["non_cond_frame_outputs"]
        for frame in range(frame_idx - reach, frame_idx + reach + 1):
            outputs.pop(frame, None)


def frame_files(folder):
    """The JPEG files of a folder in the order the official loader takes them."""
    files = [path for path in folder.iterdir() if path.suffix in (".jpg", ".jpeg", ".JPG", ".JPEG")]
    if not files:
        raise SystemExit(f"{folder} holds no JPEG files")
    return sorted(files, key=lambda path: int(path.stem))


def describe(video):
    """Width, height, number of frames and digest of a folder of JPEG files or an mp4 file."""
    if video.is_dir():
        files = frame_files(video)
        lines = "".join(f"{official_model.sha256(path)}  {path.name}\n" for path in files)
        width, height = Image.open(files[-1]).size
        return width, height, len(files), hashlib.sha256(lines.encode()).hexdigest()
    try:
        import decord
    except ImportError:
        raise SystemExit("reading an mp4 file needs decord (pip install decord); a folder of JPEG files does not")
    reader = decord.VideoReader(str(video))
    height, width, _ = reader[0].shape
    return width, height, len(reader), official_model.sha256(video)


class VideoRun:
    """The predictor, the video and the steps of one run, and what a trace says of them."""

    def __init__(self, options):
        tree = official_model.video_configuration(options.tree)
        self.model = official_model.build_video(tree, options.checkpoint, RecordedPredictor)
        self.video = options.video
        self.folder = options.prompts.parent
        self.video_logits = options.video_logits
        self.configuration = official_model.yaml_text(tree)
        width, height, frames, self.input_sha256 = describe(options.video)
        self.input = {"kind": "video", "width": width, "height": height, "frames": frames,
                      "preprocessing": "load_video_frames"}
        self.steps = video_scenario.steps(options.prompts.read_text(), frames)
        self.times = []

    def place(self):
        return self.model.place

    def prompt(self, state, prompt):
        """Prompts an object and gives the logits at the video's size of all objects, in the order of their ids."""
        frame, identifier = prompt["frame"], prompt["object"]
        if "mask" in prompt:
            return self.model.add_new_mask(state, frame, identifier, foreground(self.folder / prompt["mask"]))
        return self.model.add_new_points_or_box(
            state, frame, identifier, points=prompt.get("points"), labels=prompt.get("labels"),
            clear_old_points=not prompt.get("keep", False), box=prompt.get("box"))

    def propagate(self, state, arguments):
        """Yields as propagate_in_video does."""
        return self.model.propagate_in_video(
            state, start_frame_idx=arguments.get("from"), max_frame_num_to_track=arguments.get("frames"),
            reverse=arguments.get("reverse", False))

    def record(self, trace):
        """Runs the steps, and writes the predictions of each."""
        state = self.model.init_state(str(self.video))
        for step, (kind, arguments) in enumerate(self.steps):
            before = time.perf_counter()
            if kind == "prompt":
                frame, identifiers, logits = self.prompt(state, arguments)
                self.times.append({"step": step, "frame": frame, "seconds": time.perf_counter() - before})
                index = identifiers.index(arguments["object"])
                folder = f"/prediction/{step}/{frame}/{arguments['object']}"
                self.write(trace, folder, self.model.last_output, logits[index])
            elif kind == "propagate":
                for frame, identifiers, logits in self.propagate(state, arguments):
                    self.times.append({"step": step, "frame": frame, "seconds": time.perf_counter() - before})
                    for index, identifier in enumerate(identifiers):
                        outputs = state["output_dict_per_obj"][index]
                        output = outputs["cond_frame_outputs"].get(frame) or outputs["non_cond_frame_outputs"][frame]
                        self.write(trace, f"/prediction/{step}/{frame}/{identifier}", output, logits[index])
                    before = time.perf_counter()
            elif kind == "clear":
                self.model.clear_all_prompts_in_frame(state, arguments["frame"], arguments["object"])
            elif kind == "remove":
                self.model.remove_object(state, arguments["object"], strict=True)
            else:
                self.model.reset_state(state)

    def write(self, trace, folder, output, logits):
        trace.write(f"{folder}/low_res_logits", output["pred_masks"][0])
        trace.write(f"{folder}/object_score", output["object_score_logits"][0])
        if self.video_logits:
            trace.write(f"{folder}/logits", logits[0])
