import Kernels
import Pipelines
import Quantization

extension QuantizeResult {
  /// What was found of modules, or what became of each layer, and of the file's size, for people.
  func text(_ output: String?) -> [String] {
    var paragraphs = [modules.map(Self.ranking) ?? layerTable]
    if let search { paragraphs.append([search.text]) }
    if let output, let outputBytes {
      let ratio = Double(outputBytes) / Double(max(1, float32Bytes))
      paragraphs.append([
        "\(output): \(outputBytes.bytes), \(ratio.rounded(3)) of \(float32Bytes.bytes) in Float32 "
          + "(read \(sourceBytes.bytes)); \(layers.count) layers quantized"
      ])
    }
    return Array(paragraphs.joined(separator: [""]))
  }

  private var layerTable: [String] {
    let rows = layers.map { layer in
      [
        layer.layer, layer.kept == nil ? layer.precision.rawValue : "\(layer.precision.rawValue) (F16)",
        "\(layer.shape)", Self.decibels(layer.sqnr),
      ]
    }
    return TextTable.aligned([["layer", "scheme", "weight", "SQNR dB"]] + rows)
  }

  /// The most harmful first. Decibels: weights, inputs, both.
  private static func ranking(_ modules: [ModuleSensitivity]) -> [String] {
    let hasLoss = modules.contains { $0.loss != nil }
    let heads =
      ["module", "layers", "weights", "expected w", "i", "both", "alone w", "i", "both", "in place"]
      + (hasLoss ? ["mIoU lost", "J&F lost"] : [])
    let rows = modules.map { module in
      [module.module, "\(module.layers.count)", module.weights.grouped]
        + decibels(module.expected) + decibels(module.isolated) + [decibels(module.accumulated)]
        + (hasLoss ? [points(module.loss?.meanIoU), points(module.loss?.jAndF)] : [])
    }
    return TextTable.aligned([heads] + rows) + [
      "",
      "dB of results with weights (w), inputs (i) or both rounded: expected from the sizes of steps, alone on exact inputs, in "
        + "place behind all else"
        + (hasLoss ? "; points lost with this module alone quantized" : ""),
    ]
  }

  private static func decibels(_ found: SQNRByRounding) -> [String] {
    [found.weights, found.inputs, found.both].map(decibels)
  }

  private static func decibels(_ value: Double?) -> String {
    value.map { $0.isFinite ? $0.rounded(1) : "exact" } ?? "–"
  }

  private static func points(_ value: Double?) -> String {
    let text = value?.rounded(2) ?? "–"
    return text == "-0.00" ? "0.00" : text
  }
}

extension FloatSearch.Outcome {
  /// What stays in floating point, and what is lost with it.
  fileprivate var text: String {
    let kept =
      floats.isEmpty ? "all modules quantized" : "in floating point: \(floats.joined(separator: ", "))"
    let lost = [("mIoU", loss.meanIoU), ("J&F", loss.jAndF)].compactMap { name, points in
      points.map { "\($0.rounded(2)) of \(name)" }
    }
    return "\(kept); points lost: \(lost.joined(separator: ", ")), at most \(limit.significant); "
      + "\(evaluations.count) plans evaluated"
  }
}
