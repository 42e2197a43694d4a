// What quantizing costs in masks: a model evaluated with some modules quantized, again and again.
import Evaluation
import Foundation
import Quantization

/// Evaluates a model quantized in part and says what is lost against Float32.
final class MaskLosses {
  private let study: QuantizationStudy
  private let set: ValidationSet
  private let watch: PipelineWatcher
  private let isCancelled: () -> Bool
  /// In Float32.
  let before: EvaluationResult
  /// What was found on pictures, by the quantized modules that have a part in them.
  private var pictures: [Set<String>: [PictureScores]] = [:]

  /// Evaluates the model in Float32.
  init(
    _ study: QuantizationStudy, on set: ValidationSet, watch: @escaping PipelineWatcher,
    isCancelled: @escaping () -> Bool
  ) throws {
    (self.study, self.set, self.watch, self.isCancelled) = (study, set, watch, isCancelled)
    before = try study.float.evaluate(
      set,
      watch: { event in
        if case .step(let name) = event { watch(.step("evaluating in Float32: \(name)")) } else { watch(event) }
      }, isCancelled: isCancelled)
  }

  /// The scores with these modules in floating point and the others quantized.
  ///
  /// - Parameter words: what to call this in what is told of how far it is.
  func result(keeping floats: Set<String>, _ words: String) throws -> EvaluationResult {
    let ofPictures = Set(study.modules.filter { !$0.isOfTrackingAlone }.map(\.name)).subtracting(floats)
    let found = try study.model(keeping: floats).evaluate(
      set, knowing: pictures[ofPictures],
      watch: { event in
        // What there is to say of pictures and clips was said in Float32.
        if case .step(let name) = event { watch(.step("evaluating \(words): \(name)")) }
      }, isCancelled: isCancelled)
    pictures[ofPictures] = found.pictures
    return found
  }

  /// What is lost with these modules in floating point and the others quantized.
  func loss(keeping floats: Set<String>, _ words: String) throws -> MaskLoss {
    MaskLoss(before, try result(keeping: floats, words))
  }
}

extension MaskLoss {
  /// What one result has less than another, on the same pictures and clips.
  init(_ before: EvaluationResult, _ after: EvaluationResult) {
    func lost(_ mean: (EvaluationResult) -> Double?) -> Double? {
      mean(before).flatMap { before in mean(after).map { 100 * (before - $0) } }
    }
    self.init(meanIoU: lost(\.meanIoU), jAndF: lost(\.jAndF))
  }
}

extension EvaluationResult {
  /// The mean over objects of pictures and over the three ways to point at them; nil without pictures.
  fileprivate var meanIoU: Double? {
    GroupedMean(pictures.map { [($0.oneClick + $0.box + $0.threeClicks) / 3] })?.value
  }

  /// The mean over objects of clips; nil without clips.
  fileprivate var jAndF: Double? { GroupedMean(clips.map { [($0.region + $0.contour) / 2] })?.value }
}
