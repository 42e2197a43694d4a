import Kernels
import Prompts
import SAM2
import Tensors
import Testing
import TestSupport
import Traces
import Verification

// Every recording was made from the official sam2 1.1.0: those of the micro model by tools/record_all.py, those of
// smaller models with other switches by tools/fixtures/make_nano.py.

@Suite struct VideoParityTests {
  @Test(
    arguments: [
      "clicks", "refined", "masks", "reverse", "leaving", "edited", "max_cond_frames_in_attn",
      "add_all_frames_to_correct_as_cond", "clear_non_cond_mem_around_input", "memory_temporal_stride_for_eval",
      "non_overlap_masks_for_mem_enc",
    ])
  func theMicroModelTracksAsPyTorchDoes(name: String) throws {
    let recording = try RecordedVideo.micro(name)
    let comparison = try recording.compare(tolerance: RecordedVideo.rounding)
    #expect(comparison.passes, "\(comparison.failures.prefix(3).map { "\($0)" })")
    #expect(comparison.arrays.count == recording.reader.taps.count)
  }

  @Test(
    arguments: [
      ("sam2.1", "sam2.1_nano"), ("absent", "sam2.1_nano"), ("soft_no_obj_ptr", "sam2.1_nano"),
      ("fixed_no_obj_ptr", "sam2.1_nano"), ("multimask_output_for_tracking", "sam2.1_nano"),
      ("multimask_output_in_sam", "sam2.1_nano"), ("only_obj_ptrs_in_the_past_for_eval", "sam2.1_nano"),
      ("use_signed_tpos_enc_to_obj_ptrs", "sam2.1_nano"), ("max_obj_ptrs_in_encoder", "sam2.1_nano"),
      ("use_mask_input_as_output_without_sam", "sam2.1_nano"),
      ("binarize_mask_from_pts_for_mem_enc", "sam2.1_nano"), ("sam2.0", "sam2.0_nano"),
      ("sam2.0_masks", "sam2.0_nano"), ("sam2.0_tpos", "sam2.0_nano"), ("plain", "plain"),
      ("plain_masks", "plain"),
    ])
  func otherSwitchesTrackAsPyTorchDoes(name: String, model: String) throws {
    // Their object scores are amplified, to come out on both sides of zero, and so is what a rounding makes of them:
    // 7e-4 at most.
    let comparison = try RecordedVideo(
      TestFiles.fixture("video/\(name).h5"), model: TestFiles.fixture(model)
    ).compare(tolerance: 2e-3)
    #expect(comparison.passes, "\(comparison.failures.prefix(3).map { "\($0)" })")
  }

  @Test func masksExcludeEachOtherAsInPyTorch() throws {
    let recording = try RecordedVideo.micro("non_overlap_masks")
    var compared = 0
    _ = try recording.compare { masks, step in
      for (object, logits) in zip(masks.objects, masks.logits()) {
        let name = "prediction/\(step)/\(masks.frame)/\(object.id)/logits"
        guard let tap = try? recording.reader.tap(name) else { continue }
        let expected = try recording.reader.tensor(tap)
        let difference = zip(logits.elements, expected.elements).map { abs($0 - $1) }.max() ?? 1
        // Logits reach 30; the recording itself is compared to 1e-4 of that.
        #expect(difference < 3e-3, "\(name)")
        compared += 1
      }
    }
    #expect(compared == recording.reader.taps.count { $0.name.hasSuffix("/logits") })
    #expect(compared > 0)
  }

  @Test(arguments: ["clicks", "refined", "leaving", "memory_temporal_stride_for_eval"])
  func aWindowOfHistoryGivesTheSameMasks(name: String) throws {
    var masks: [VideoHistory: [[UInt32]]] = [:]
    for history in [VideoHistory.everything, .window] {
      _ = try RecordedVideo.micro(name).compare(history: history) { found, _ in
        masks[history, default: []].append(contentsOf: found.objects.map(\.lowResLogits.bits))
      }
    }
    #expect(masks[.everything] == masks[.window])
    #expect(masks[.window]?.isEmpty == false)
  }
}
