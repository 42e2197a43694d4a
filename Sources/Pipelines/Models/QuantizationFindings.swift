// What quantizing does, found out before anything is written: modules ranked, those chosen that stay in floating point.
import Evaluation
import Files
import Foundation
import Quantization
import SAM2

/// What was asked to be found out, checked before hours of work.
struct QuantizationQuestions {
  private let request: QuantizeRequest
  private let calibration: CalibrationRequest
  private let set: ValidationSet?

  /// Nil where nothing is asked.
  ///
  /// - Throws: `QuantizationQuestionError`, `CalibrationError`, `EvaluationError`, `FileError`.
  init?(_ request: QuantizeRequest) throws {
    guard request.ranksModules || request.wantsReport || request.maximumLoss != nil else { return nil }
    guard let calibration = request.calibration else { throw QuantizationQuestionError.noCalibration }
    guard request.rounding == .nearest, !request.equalizes else { throw QuantizationQuestionError.notNearest }
    if let limit = request.maximumLoss {
      guard limit.isFinite, limit >= 0 else { throw QuantizationQuestionError.limit(found: limit) }
      guard request.data != nil else { throw QuantizationQuestionError.noData }
      guard request.output != nil else { throw QuantizationQuestionError.noOutput }
    }
    self.request = request
    self.calibration = calibration
    set = try request.data.map { try ValidationSet(folder: $0) }
    _ = try CalibrationFolder(path: calibration.folder)
    if let output = request.output {
      _ = try OutputFile(path: output)
      if request.maximumLoss != nil { _ = try OutputFile(path: SearchState.path(for: output)) }
    }
  }

  /// Finds it out.
  func findings(
    _ study: QuantizationStudy, watch: @escaping PipelineWatcher, isCancelled: @escaping () -> Bool
  ) throws -> QuantizationFindings {
    let exactness = try study.exactness(on: calibration, watch, isCancelled)
    var findings = QuantizationFindings(
      study: study, exactness: exactness, ranked: ModuleSensitivity.ranked(exactness.modules))
    guard let set else { return findings }
    findings.set = set
    let losses = try MaskLosses(study, on: set, watch: watch, isCancelled: isCancelled)
    findings.before = losses.before
    if request.ranksModules {
      let all = Set(study.modules.map(\.name))
      let measured = try findings.ranked.enumerated().map { place, module in
        var module = module
        module.loss = try losses.loss(
          keeping: all.subtracting([module.module]),
          "\(module.module) alone, \(place + 1) of \(findings.ranked.count)")
        return module
      }
      findings.ranked = ModuleSensitivity.ranked(measured)
    }
    if let limit = request.maximumLoss, let output = request.output, let folder = request.data {
      findings.search = try search(
        study, losses, findings.ranked.map(\.module), limit, beside: output, folder: folder, watch)
    }
    if request.wantsReport {
      findings.after = try losses.result(keeping: Set(findings.search?.floats ?? []), "quantized")
    }
    return findings
  }

  private func search(
    _ study: QuantizationStudy, _ losses: MaskLosses, _ ranked: [String], _ limit: Double,
    beside output: String, folder: String, _ watch: PipelineWatcher
  ) throws -> FloatSearch.Outcome {
    let path = SearchState.path(for: output)
    let identity = try SearchState.identity(study, folder: folder)
    return try FloatSearch(ranked, limit: limit).run(
      knowing: SearchState.evaluations(at: path, of: identity, watch)
    ) { floats in
      let words = floats.isEmpty ? "all quantized" : "\(floats.count) of \(ranked.count) modules in float"
      return try losses.loss(keeping: floats, words)
    } save: {
      try SearchState.write($0, of: identity, to: path)
    }
  }

  /// Removes what a search left for another to go on from: its result is written.
  func finish() {
    guard request.maximumLoss != nil, let output = request.output else { return }
    // The file alone: a folder of that name is somebody else's.
    _ = SearchState.path(for: output).withFileName { unlink($0) }
  }
}

/// What was found out.
struct QuantizationFindings {
  /// With all quantized that may be.
  let study: QuantizationStudy
  /// Of that.
  let exactness: QuantizationStudy.Exactness
  /// The most harmful first.
  var ranked: [ModuleSensitivity]
  var search: FloatSearch.Outcome?
  /// What masks were measured on, and what they were worth in Float32 and as they are to be written.
  var set: ValidationSet?
  var before: EvaluationResult?
  var after: EvaluationResult?

  /// The plan that a search came to; nil where there was none, or nothing had to stay in floating point.
  var planOfSearch: PrecisionPlan? {
    guard let floats = search?.floats, !floats.isEmpty else { return nil }
    return study.plan(keeping: Set(floats))
  }
}

/// What can't be found out as asked.
public enum QuantizationQuestionError: Error, Equatable, CustomStringConvertible {
  /// Modules' results are compared on pictures, and there are none.
  case noCalibration
  /// What is compared, and written after a search, is rounded to the nearest, of norms as they are.
  case notNearest
  /// A loss may be limited only where it is measured.
  case noData
  /// A search keeps its state beside what it writes.
  case noOutput
  /// Points that can't be lost.
  case limit(found: Double)

  /// One sentence: what was expected, what was found.
  public var description: String {
    switch self {
    case .noCalibration:
      "expected a folder of pictures and clips to compare modules on, found none: name one to calibrate with"
    case .notNearest:
      "expected weights rounded to the nearest and norms as they are to compare modules of, found gptq or equalizing"
    case .noData: "expected a validation set to measure the loss that is limited on, found none"
    case .noOutput: "expected a file to write what a search finds to, found none"
    case .limit(let found): "expected at most so many points to lose, 0 or more, found \(found)"
    }
  }
}
