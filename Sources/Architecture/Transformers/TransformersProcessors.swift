import Foundation

/// How transformers is to prepare pictures, videos and prompts for a model: the texts of `processor_config.json` and of
/// the two files that version 4 has instead.
///
/// Source: transformers 5.24, Sam2VideoProcessor, Sam2ImageProcessor and Sam2VideoVideoProcessor, as `save_pretrained`
/// writes them.
public struct TransformersProcessors {
  private let side: Int
  private let maskSide: Int

  /// The processors of a model of that configuration.
  public init(_ model: ModelConfiguration) {
    side = model.imageSize
    maskSide = 4 * model.imageEmbeddingSize
  }

  /// `processor_config.json`.
  public var processor: String {
    JSONTree.object([
      "processor_class": .string("Sam2VideoProcessor"),
      "image_processor": .object(pictureTree),
      "video_processor": .object(videoTree),
      "target_size": .integer(side),
      "point_pad_value": .integer(-10),
    ]).text
  }

  /// `preprocessor_config.json`.
  public var picture: String { JSONTree.object(pictureTree.merging(owner) { $1 }).text }

  /// `video_preprocessor_config.json`.
  public var video: String { JSONTree.object(videoTree.merging(owner) { $1 }).text }

  private var owner: [String: JSONTree] { ["processor_class": .string("Sam2VideoProcessor")] }

  private var pictureTree: [String: JSONTree] {
    shared.merging([
      "image_processor_type": .string("Sam2ImageProcessor"), "mask_size": square(maskSide),
    ]) { $1 }
  }

  private var videoTree: [String: JSONTree] {
    shared.merging(["video_processor_type": .string("Sam2VideoVideoProcessor")]) { $1 }
  }

  private var shared: [String: JSONTree] {
    [
      "do_convert_rgb": .bool(true), "do_normalize": .bool(true), "do_rescale": .bool(true),
      "do_resize": .bool(true),
      // The means and deviations of ImageNet, as the official code has them.
      "image_mean": .list([.real(0.485), .real(0.456), .real(0.406)]),
      "image_std": .list([.real(0.229), .real(0.224), .real(0.225)]),
      // Pillow's BILINEAR.
      "resample": .integer(2),
      "rescale_factor": .double(1 / 255),
      "size": square(side),
    ]
  }

  private func square(_ side: Int) -> JSONTree {
    .object(["height": .integer(side), "width": .integer(side)])
  }
}

/// A JSON text to be written, with whole numbers and others told apart as Python's `json` does: transformers refuses
/// `20` where it expects `20.0`.
indirect enum JSONTree {
  case integer(Int)
  case real(Float)
  case double(Double)
  case bool(Bool)
  case string(String)
  case list([JSONTree])
  case object([String: JSONTree])

  static func integers(_ numbers: [Int]) -> JSONTree { .list(numbers.map { .integer($0) }) }

  /// The text, keys sorted, two spaces for every level.
  var text: String { text(indentation: "") + "\n" }

  private func text(indentation: String) -> String {
    let inner = indentation + "  "
    switch self {
    case .integer(let number): return "\(number)"
    case .real(let number): return "\(number)"
    case .double(let number): return "\(number)"
    case .bool(let truth): return "\(truth)"
    case .string(let text):
      let encoded = try? JSONEncoder().encode(text)
      return encoded.map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    case .list(let items):
      let lines = items.map { inner + $0.text(indentation: inner) }
      return "[\n" + lines.joined(separator: ",\n") + "\n\(indentation)]"
    case .object(let items):
      let lines = items.sorted { $0.key < $1.key }.map { key, value in
        "\(inner)\"\(key)\": " + value.text(indentation: inner)
      }
      return "{\n" + lines.joined(separator: ",\n") + "\n\(indentation)}"
    }
  }
}
