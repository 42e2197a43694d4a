import Kernels
import Pipelines
import Quantization

extension QuantizeResult {
  /// What became of each layer, and of the file's size, for people.
  func text(_ output: String) -> String {
    let rows = layers.map { layer in
      [
        layer.layer, layer.kept == nil ? layer.precision.rawValue : "\(layer.precision.rawValue) (F16)",
        "\(layer.shape)", layer.sqnr.isFinite ? layer.sqnr.rounded(1) : "exact",
      ]
    }
    let table = TextTable.aligned([["layer", "scheme", "weight", "SQNR dB"]] + rows)
    let ratio = Double(outputBytes) / Double(max(1, float32Bytes))
    let size =
      "\(output): \(outputBytes.bytes), \(ratio.rounded(3)) of \(float32Bytes.bytes) in Float32 "
      + "(read \(sourceBytes.bytes)); \(layers.count) layers quantized"
    return (table + ["", size]).joined(separator: "\n")
  }
}
