// The fewest modules that have to stay in floating point for masks to be worth what they were.

/// A greedy search: everything is quantized first; modules are freed, the most harmful first, until no more is lost than
/// may be; then each is quantized again, the least harmful first, and stays so where the loss allows it.
///
/// It asks for at most two evaluations a module, and always for the same ones: who knows those that were made goes on where
/// another search stopped.
public struct FloatSearch: Sendable {
  /// What was lost with some modules in floating point.
  public struct Evaluation: Hashable, Sendable, Codable {
    /// The modules in floating point, by name.
    public let floats: [String]
    /// What was lost.
    public let loss: MaskLoss

    enum CodingKeys: String, CodingKey {
      case floats = "modules_in_float"
      case loss
    }

    /// A loss with some modules in floating point.
    public init(floats: [String], loss: MaskLoss) { (self.floats, self.loss) = (floats.sorted(), loss) }
  }

  /// What a search came to.
  public struct Outcome: Sendable, Encodable {
    /// How many points may be lost.
    public let limit: Double
    /// The modules that stay in floating point, the most harmful first.
    public let floats: [String]
    /// What is lost with them.
    public let loss: MaskLoss
    /// What was evaluated, in order, by an earlier search that this one went on from as well.
    public let evaluations: [Evaluation]

    enum CodingKeys: String, CodingKey {
      case loss, evaluations
      case limit = "max_drop_points"
      case floats = "modules_in_float"
    }
  }

  /// The modules that may be quantized, the most harmful first.
  private let ranked: [String]
  private let limit: Double

  /// A search among modules.
  ///
  /// - Parameters:
  ///   - ranked: the most harmful first.
  ///   - limit: how many points may be lost, of mIoU and of J&F.
  public init(_ ranked: [String], limit: Double) { (self.ranked, self.limit) = (ranked, limit) }

  /// Searches.
  ///
  /// - Parameters:
  ///   - known: evaluations that needn't be made again.
  ///   - evaluate: what is lost with these modules in floating point and the others quantized.
  ///   - save: is given all evaluations that are known, after every new one.
  /// - Throws: `UnreachableLoss` where any quantized module loses too much, what the closures throw.
  public func run(
    knowing known: [Evaluation] = [], evaluate: (_ floats: Set<String>) throws -> MaskLoss,
    save: ([Evaluation]) throws -> Void = { _ in }
  ) throws -> Outcome {
    var losses = Dictionary(known.map { (Set($0.floats), $0.loss) }) { $1 }
    var (evaluations, made) = ([Evaluation](), known)
    func loss(_ floats: [String]) throws -> MaskLoss {
      let set = Set(floats)
      // Nothing is quantized, and nothing lost.
      guard set.count < ranked.count else { return MaskLoss(meanIoU: 0, jAndF: 0) }
      if let known = losses[set] {
        let evaluation = Evaluation(floats: floats, loss: known)
        if !evaluations.contains(where: { $0.floats == evaluation.floats }) { evaluations.append(evaluation) }
        return known
      }
      let evaluation = Evaluation(floats: floats, loss: try evaluate(set))
      losses[set] = evaluation.loss
      evaluations.append(evaluation)
      made.append(evaluation)
      try save(made)
      return evaluation.loss
    }

    var floats: [String] = []
    while try !isWithin(loss(floats)) { floats.append(ranked[floats.count]) }
    for module in floats.reversed() {
      let fewer = floats.filter { $0 != module }
      if try isWithin(loss(fewer)) { floats = fewer }
    }
    guard floats.count < ranked.count else {
      let least = evaluations.min { $0.loss.worst < $1.loss.worst }
      throw UnreachableLoss(limit: limit, least: least?.loss.worst ?? .nan)
    }
    return Outcome(limit: limit, floats: floats, loss: try loss(floats), evaluations: evaluations)
  }

  /// What isn't a number isn't within anything.
  private func isWithin(_ loss: MaskLoss) -> Bool { loss.worst <= limit }
}

/// Whatever is quantized, too much is lost.
public struct UnreachableLoss: Error, Equatable, CustomStringConvertible {
  /// How many points may be lost.
  public let limit: Double
  /// The fewest that were.
  public let least: Double

  /// One sentence: what was expected, what was found.
  public var description: String {
    "expected a module that can be quantized for at most \(limit) points, found that the least costs \(least)"
  }
}
