// What policies say about arrays.
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Verification

private func policy(_ json: String) throws -> TolerancePolicy {
  try TolerancePolicy(json: Data(json.utf8), file: "p.json")
}

/// A policy's JSON with that inside.
private func whole(_ inside: String) -> String {
  #"{"format": "sam2kit.tolerance_policy", "format_version": 1, "name": "p", \#(inside)}"#
}

@Suite struct TolerancePolicyTests {
  @Test(
    arguments: [
      ("memory_attention/3/input/memory", true), ("memory_attention.layers.2/0/input/memory", true),
      ("memory_attention.layers.0.cross_attn_image/1/input/k", true),
      ("memory_attention.layers.0.cross_attn_image.v_proj/1/output", true),
      ("memory_encoder/0/output/vision_features", false), ("memory_attention/3/output", false),
      ("memory_attention/3/input/memory_pos", false),
      ("memory_attention.layers.0.cross_attn_image/1/input/q", false),
      ("memory_attention.layers.0.self_attn.k_proj/0/output", false), ("prediction/0/0/1/object_score", false),
    ])
  func onlyWhatReadsStoredMemoriesMayDifferByTheirRounding(name: String, isExcepted: Bool) {
    #expect(TolerancePolicy.fp32.tolerance(for: name).relative == (isExcepted ? 0x1p-7 : 1e-4))
  }

  @Test func anObjectScoreNearZeroIsHeldToAnAbsoluteBound() {
    #expect(TolerancePolicy.fp32.tolerance(for: "prediction/0/0/1/object_score").limits[.absolute] == 1e-3)
    #expect(TolerancePolicy.fp32.tolerance(for: "prediction/0/0/1/low_res_logits").limits[.absolute] == nil)
  }

  @Test func anotherToleranceNeverMakesARuleStricter() {
    let loose = TolerancePolicy.fp32.withRelative(0.5)
    #expect(loose.tolerance(for: "memory_attention/3/input/memory").relative == 0.5)
    let tight = TolerancePolicy.fp32.withRelative(1e-9)
    #expect(tight.tolerance(for: "memory_attention/3/input/memory").relative == 0x1p-7)
  }

  @Test func theLastRuleThatNamesABoundDecides() throws {
    let read = try policy(
      whole(
        """
        "defaults": {"relative": 1e-3, "cosine": 0.9},
        "rules": [{"taps": "a*", "relative": 0.1, "zero": "fail"}, {"taps": "ab", "sqnr_decibels": 30, "relative": 0.2}]
        """))
    #expect(read.tolerance(for: "b") == Tolerance(limits: [.relative: 1e-3, .cosine: 0.9]))
    #expect(read.tolerance(for: "a") == Tolerance(limits: [.relative: 0.1, .cosine: 0.9], zero: .fail))
    #expect(
      read.tolerance(for: "ab")
        == Tolerance(limits: [.relative: 0.2, .cosine: 0.9, .sqnrDecibels: 30], zero: .fail))
  }

  @Test func rulesMayBeAboutAPrecision() throws {
    let read = try policy(
      whole(
        """
        "defaults": {"relative": 1e-3}, "rules": [{"taps": "*", "precisions": ["bf16", "int8"], "relative": 0.1}]
        """))
    #expect(read.narrowed(to: "bfloat16").tolerance(for: "a").relative == 0.1)
    #expect(read.narrowed(to: "int8").tolerance(for: "a").relative == 0.1)
    #expect(read.narrowed(to: "float32").tolerance(for: "a").relative == 1e-3)
  }

  @Test func apolicyMayExtendAPreset() throws {
    let read = try policy(whole(#""extends": "fp32", "rules": [{"taps": "neck*", "relative": 0.01}]"#))
    #expect(read.defaults == TolerancePolicy.fp32.defaults)
    #expect(read.tolerance(for: "memory_attention/3/input/memory").relative == 0x1p-7)
    #expect(read.tolerance(for: "neck/0/output").relative == 0.01)
  }

  @Test(arguments: TolerancePolicy.presets.values.sorted { $0.name < $1.name })
  func presetsSurviveJSON(_ preset: TolerancePolicy) throws {
    #expect(try TolerancePolicy(json: preset.json(), file: "p") == preset)
    #expect(try TolerancePolicy(named: preset.name) == preset)
    #expect(preset.defaults.relative != nil && preset.defaults.zero == .flag)
  }

  @Test func coarserPrecisionsAreGrantedMore() {
    let limits = [TolerancePolicy.fp32, .bf16, .int8].compactMap(\.defaults.relative)
    #expect(limits == limits.sorted() && Set(limits).count == 3)
  }

  @Test(
    arguments: [
      (whole(#""defaults": {"relatve": 1}"#), "defaults: found the key relatve, expected some of relative,"),
      (whole(#""defaults": {"sqnr_decibles": 1}"#), "found the key sqnr_decibles"),
      (whole(#""defaults": {"relative": -1}"#), "defaults.relative: found -1.0, expected"),
      (whole(#""defaults": {"relative": "nan"}"#), "defaults.relative: found nan, expected"),
      (whole(#""defaults": {"mask_iou": 2}"#), "defaults.mask_iou: found 2.0, expected 0.0...1.0"),
      (whole(#""defaults": {}"#), "defaults: found no bound"),
      (whole(#""extends": "fp64""#), "extends: found fp64, expected one of bf16, fp32, int8"),
      (whole(#""defaults": {"relative": 1}, "rules": [{"relative": 1}]"#), "rules[0]: there is no taps"),
      (whole(#""defaults": {"relative": 1}, "rules": [{"taps": "a", "zero": "panic"}]"#), "rules[0].zero: "),
      (whole(#""defaults": {"relative": 1}, "rule": []"#), "found the key rule"),
      (#"{"format": "other", "format_version": 1, "name": "p"}"#, "format: found other, expected sam2kit"),
      (#"{"format": "sam2kit.tolerance_policy", "format_version": 9, "name": "p"}"#, "format_version: found 9"),
      ("{", "p.json: the JSON: "),
    ])
  func whatIsNoPolicyIsRefusedByName(_ json: String, _ words: String) {
    let error = #expect(throws: PolicyError.self) { _ = try policy(json) }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }

  @Test func aPolicyThatIsNotThereIsSaid() {
    #expect(throws: PolicyError.unknown(name: "/none.json", presets: ["bf16", "fp32", "int8"])) {
      _ = try TolerancePolicy(named: "/none.json")
    }
  }
}
