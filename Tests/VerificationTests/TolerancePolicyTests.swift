// What policies say about arrays.
import Foundation
import Taps
import Tensors
import Testing
import TestSupport

@testable import Verification

/// A policy with a rule.
private let preset = TolerancePolicy(
  name: "small", defaults: Tolerance(limits: [.relative: 1e-5, .cosine: 0.99], zero: .flag),
  rules: [ToleranceRule(taps: "memory*", reason: "a test", Tolerance(limits: [.relative: 0.01]))])
private let presets = PolicyPresets([preset, .f32])

private func policy(_ json: String) throws -> TolerancePolicy {
  try TolerancePolicy(json: Data(json.utf8), file: "p.json", presets: presets)
}

/// A policy's JSON with that inside.
private func whole(_ inside: String) -> String {
  #"{"format": "sam2kit.tolerance_policy", "format_version": 1, "name": "p", \#(inside)}"#
}

@Suite struct TolerancePolicyTests {
  @Test func anotherToleranceNeverMakesARuleStricter() {
    #expect(preset.withRelative(0.5).tolerance(for: "memory/3/output").relative == 0.5)
    #expect(preset.withRelative(1e-9).tolerance(for: "memory/3/output").relative == 0.01)
    #expect(preset.withRelative(1e-9).tolerance(for: "neck/0/output").relative == 1e-9)
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
        "defaults": {"relative": 1e-3}, "rules": [{"taps": "*", "precisions": ["bf16", "w8a8"], "relative": 0.1}]
        """))
    #expect(read.narrowed(to: "bfloat16").tolerance(for: "a").relative == 0.1)
    #expect(read.narrowed(to: "int8").tolerance(for: "a").relative == 0.1)
    #expect(read.narrowed(to: "float32").tolerance(for: "a").relative == 1e-3)
  }

  @Test func apolicyMayExtendAPreset() throws {
    let read = try policy(whole(#""extends": "small", "rules": [{"taps": "neck*", "relative": 0.02}]"#))
    #expect(read.defaults == preset.defaults)
    #expect(read.tolerance(for: "memory/3/output").relative == 0.01)
    #expect(read.tolerance(for: "neck/0/output").relative == 0.02)
  }

  @Test func presetsSurviveJSONAndAreFoundByName() throws {
    #expect(try TolerancePolicy(json: preset.json(), file: "p", presets: PolicyPresets([])) == preset)
    #expect(try TolerancePolicy(named: "small", presets: presets) == preset)
  }

  @Test(
    arguments: [
      (whole(#""defaults": {"relatve": 1}"#), "defaults: found the key relatve, expected some of relative,"),
      (whole(#""defaults": {"zeros": 1}"#), ", zero, non_finite"),
      (whole(#""defaults": {"sqnr_decibles": 1}"#), "found the key sqnr_decibles"),
      (whole(#""defaults": {"relative": -1}"#), "defaults.relative: found -1.0, expected"),
      (whole(#""defaults": {"relative": "nan"}"#), "defaults.relative: found nan, expected"),
      (whole(#""defaults": {"mask_iou": 2}"#), "defaults.mask_iou: found 2.0, expected 0.0...1.0"),
      (whole(#""defaults": {}"#), "defaults: found no bound"),
      (whole(#""extends": "fp64""#), "extends: found fp64, expected one of f32, small"),
      (whole(#""defaults": {"relative": 1}, "rules": [{"relative": 1}]"#), "rules[0]: there is no taps"),
      (whole(#""defaults": {"relative": 1}, "rules": [{"taps": "a", "zero": "panic"}]"#), "rules[0].zero: "),
      (whole(#""defaults": {"relative": 1}, "rule": []"#), "found the key rule"),
      (#"{"format": "other", "format_version": 1, "name": "p"}"#, "format: found other, expected sam2kit"),
      (#"{"format": "sam2kit.tolerance_policy", "format_version": 9, "name": "p"}"#, "format_version: found 9"),
      (
        whole(
          #""defaults": {"relative": 1}, "rules": ["#
            + Array(repeating: #"{"taps": "a", "relative": 1}"#, count: 4097).joined(separator: ",") + "]"),
        "rules: found 4097, expected at most 4096"
      ),
      ("{", "p.json: expected JSON: expected a key in quotes"),
      (
        #"{"format": "sam2kit.tolerance_policy", "format_version": 1e30, "name": "p"}"#,
        "p.json: the JSON: a number is out of range, or not a whole one"
      ),
      (whole(#""defaults": {"relative": 1e-500}"#), "p.json: the JSON: a number is out of range"),
    ])
  func whatIsNoPolicyIsRefusedByName(_ json: String, _ words: String) {
    let error = #expect(throws: PolicyError.self) { _ = try policy(json) }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }

  @Test func aPolicyThatIsNotThereIsSaid() {
    #expect(throws: PolicyError.unknown(name: "/none.json", presets: ["f32", "small"])) {
      _ = try TolerancePolicy(named: "/none.json", presets: presets)
    }
  }
}
