// Layers in natural groups: what is measured, and kept in floating point, together.
public import Kernels
public import SAM2
import Tensors

/// A part of a model whose quantized layers stand or fall together: a block of Hiera, the neck, the memory encoder, a layer of
/// the memory attention or of the decoder, the projection of object pointers.
public struct QuantizedModule: Hashable, Sendable {
  /// Its name in the state dict and in a trace.
  public let name: String
  /// The layers in it that are quantized, in the model's order.
  public let layers: [String]

  /// Modules whose children are groups, the longest names first; of all else the first step is.
  private static let parents = [
    "sam_mask_decoder.transformer.layers", "sam_mask_decoder.transformer", "image_encoder.trunk.blocks",
    "memory_attention.layers", "image_encoder.trunk", "image_encoder", "memory_attention", "sam_mask_decoder",
  ]

  /// The name of the group that a layer is in.
  public static func name(of layer: String) -> String {
    let parent = parents.first { layer.hasPrefix("\($0).") }.map { "\($0)." } ?? ""
    return parent + layer.dropFirst(parent.count).prefix { $0 != "." }
  }

  /// The groups of a model's quantized layers, in the model's order.
  public static func groups(of layers: [QuantizedModel.Layer]) -> [QuantizedModule] {
    var found: [(name: String, layers: [String])] = []
    for layer in layers {
      let name = name(of: layer.layer)
      if let place = found.firstIndex(where: { $0.name == name }) {
        found[place].layers.append(layer.layer)
      } else {
        found.append((name, [layer.layer]))
      }
    }
    return found.map { QuantizedModule(name: $0.name, layers: $0.layers) }
  }

  /// Whether it runs only where a clip is tracked: pictures are segmented without it.
  public var isOfTrackingAlone: Bool { name.hasPrefix("memory_") || name.hasPrefix("obj_ptr") }
}

extension PrecisionPlan {
  /// The plan with the quantized layers of these modules in floating point, by rules that a person can read: one for a
  /// module where nothing else in it is computed otherwise, else one for each layer and each attention in 8 bits.
  ///
  /// - Parameters:
  ///   - modules: what is to be kept.
  ///   - sites: all layers of the model, as the plan has them.
  public func keeping(_ modules: [QuantizedModule], of sites: [Site]) -> PrecisionPlan {
    var plan = self
    let float = `default`.isQuantized ? .f32 : `default`
    for module in modules {
      let layers = Set(module.layers)
      let others = sites.filter { $0.path.name.hasPrefix("\(module.name).") && !layers.contains($0.path.name) }
      // It has no weights, and is in no list of layers.
      let attention = others.filter { $0.precision == .w8a8 }
      let isWhole =
        !layers.contains(module.name) && others.allSatisfy { $0.precision == float || $0.precision == .w8a8 }
      let patterns = isWhole ? ["\(module.name).*"] : module.layers + attention.map(\.path.name)
      plan.rules += patterns.map { Rule(layers: $0, precision: float) }
      for layer in module.layers { plan.inputs[layer] = nil }
    }
    return plan
  }
}
