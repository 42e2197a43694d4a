// Modules in the order of what quantizing them does.

/// What quantizing costs, in points: hundredths of a mean that are lost. Below 0 where something is gained.
public struct MaskLoss: Hashable, Sendable, Codable {
  /// Of the mean IoU on pictures, over objects and over all ways to point at them; nil without pictures.
  public var meanIoU: Double?
  /// Of J&F on clips; nil without clips.
  public var jAndF: Double?

  enum CodingKeys: String, CodingKey {
    case meanIoU = "miou_points"
    case jAndF = "j_and_f_points"
  }

  /// So many points.
  public init(meanIoU: Double?, jAndF: Double?) { (self.meanIoU, self.jAndF) = (meanIoU, jAndF) }

  /// The larger of the two; not a number where one isn't.
  public var worst: Double {
    [meanIoU, jAndF].compactMap { $0 }.reduce(-.infinity) { $0.isNaN || $1.isNaN ? .nan : max($0, $1) }
  }
}

/// What quantizing one module does.
public struct ModuleSensitivity: Sendable, Encodable {
  /// The module.
  public let module: String
  /// Its layers that are quantized.
  public let layers: [String]
  /// How many numbers their weights are.
  public let weights: Int
  /// Of its layers' results to the first order, from the sizes of steps alone, in dB: their shares of noise added up.
  public let expected: SQNRByRounding
  /// Of its result on exact inputs, in dB; of several results the worst. Nothing where the module was never called.
  public let isolated: SQNRByRounding
  /// Of its result where it stands in the quantized model, in dB.
  public let accumulated: Double?
  /// What masks lose when this module alone is quantized; nil where it wasn't measured.
  public var loss: MaskLoss?

  enum CodingKeys: String, CodingKey {
    case module, layers, weights
    case expected = "expected_sqnr_db"
    case isolated = "isolated_sqnr_db"
    case accumulated = "accumulated_sqnr_db"
    case loss = "loss_alone"
  }

  /// What was found of a module.
  public init(
    module: String, layers: [String], weights: Int, expected: SQNRByRounding, isolated: SQNRByRounding,
    accumulated: Double?, loss: MaskLoss? = nil
  ) {
    (self.module, self.layers, self.weights) = (module, layers, weights)
    (self.expected, self.isolated, self.accumulated) = (expected, isolated, accumulated)
    self.loss = loss
  }

  /// What was found of a module's layers and of its result.
  public init(
    _ module: QuantizedModule, _ layers: [LayerSensitivity], weights: Int, isolated: SQNRByRounding,
    accumulated: Double?
  ) {
    let names = Set(module.layers)
    let noise = layers.filter { names.contains($0.layer) }.map(\.expectedNoise)
    self.init(
      module: module.name, layers: module.layers, weights: weights,
      expected: LayerSensitivity.expected(noise), isolated: isolated, accumulated: accumulated)
  }

  /// How exact its result is: on exact inputs, or where that is not known as expected.
  private var exactness: Double { isolated.both ?? expected.both ?? .infinity }

  /// The modules that do most harm first: by what masks lose, where that was measured of all, else by how exact their results
  /// are; equal ones in the order in which they were.
  public static func ranked(_ modules: [ModuleSensitivity]) -> [ModuleSensitivity] {
    let losses = modules.compactMap { $0.loss?.worst }
    let harms = losses.count == modules.count ? losses : modules.map { -$0.exactness }
    return zip(modules, harms).enumerated().sorted {
      $0.element.1 != $1.element.1 ? $0.element.1 > $1.element.1 : $0.offset < $1.offset
    }.map(\.element.0)
  }
}
