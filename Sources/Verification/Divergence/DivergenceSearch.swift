import Tensors
import Traces

/// Reads out of a comparison where an error begins.
struct DivergenceSearch {
  private let comparison: Comparison
  private let positions: [String: Int]

  init(_ comparison: Comparison) {
    self.comparison = comparison
    positions = Dictionary(
      comparison.arrays.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Whether any module was run on recorded inputs.
  var isIsolated: Bool { comparison.arrays.contains { $0.isolated != nil } }

  /// Whether an array is off although what it was made from was right. Isolation tells; else an input is off by
  /// whatever comes before, and an output by its module if the inputs agree.
  private func isIntroduced(_ array: ArrayComparison) -> Bool {
    if let isolated = array.isolated { return !comparison.policy.accepts(isolated, of: array.name) }
    guard !array.passes(comparison.policy), array.metrics != nil, let call = CallID(ofTap: array.name)
    else { return false }
    if isInput(array.name) { return !isCarriedInput(array) }
    let inputs = inputs(of: call)
    return !inputs.isEmpty && inputs.allSatisfy(\.agrees)
  }

  /// Whether an input is off only as an output before it is.
  private func isCarriedInput(_ array: ArrayComparison) -> Bool {
    guard let position = positions[array.name] else { return false }
    return comparison.arrays[..<position].contains { earlier in
      earlier.metrics != nil && !earlier.passes(comparison.policy)
    }
  }

  private func isInput(_ name: String) -> Bool {
    CallID(ofTap: name).map { name.hasPrefix("\($0)/input/") } ?? false
  }

  func inputs(of call: CallID) -> [FirstDivergence.InputAgreement] {
    comparison.arrays.filter { $0.name.hasPrefix("\(call)/input/") }.compactMap { array in
      array.metrics.map {
        .init(tap: array.name, relativeError: $0.relativeError, agrees: array.passes(comparison.policy))
      }
    }
  }

  /// All that is off by itself, in order.
  var introduced: [ArrayComparison] { comparison.arrays.filter(isIntroduced) }

  /// What brings about that an array is off.
  func origin(of first: ArrayComparison, _ introduced: [ArrayComparison]) -> FirstDivergence.Origin {
    guard let shown = introduced.first else {
      return FirstDivergence.Origin(
        kind: isIsolated ? .accumulation : .unknown, module: nil, inside: nil, tap: nil, relativeError: nil,
        isIsolated: isIsolated)
    }
    let module = CallID(ofTap: shown.name)?.module
    let error = (shown.isolated ?? shown.metrics)?.relativeError
    guard isInput(shown.name) else {
      return FirstDivergence.Origin(
        kind: .module, module: module?.name, inside: nil, tap: shown.name, relativeError: error,
        isIsolated: shown.isolated != nil)
    }
    // Without isolation the outermost module whose input is off too is what the error came in by.
    let outermost = shown.isolated == nil ? enclosing(shown) : nil
    return FirstDivergence.Origin(
      kind: .glue, module: (outermost ?? module)?.name,
      inside: shown.isolated == nil ? nil : module.flatMap(parent)?.name, tap: shown.name, relativeError: error,
      isIsolated: shown.isolated != nil)
  }

  /// The outermost module around an input's module of which an input is off too.
  private func enclosing(_ input: ArrayComparison) -> ModulePath? {
    guard let module = CallID(ofTap: input.name)?.module, let position = positions[input.name] else { return nil }
    return comparison.arrays[position...].last { later in
      guard isInput(later.name), let around = CallID(ofTap: later.name)?.module else { return false }
      return module.name.hasPrefix("\(around.name).") && later.metrics != nil && !later.passes(comparison.policy)
        && CallID(ofTap: later.name)?.number == 0
    }.flatMap { CallID(ofTap: $0.name)?.module }
  }

  /// The nearest module around another of which something was compared.
  private func parent(of module: ModulePath) -> ModulePath? {
    var steps = module.name.split(separator: ".").dropLast()
    while !steps.isEmpty {
      let name = steps.joined(separator: ".")
      if comparison.arrays.contains(where: { $0.name.hasPrefix("\(name)/") }) { return ModulePath(name) }
      steps = steps.dropLast()
    }
    return nil
  }
}

extension FirstDivergence {
  /// What a comparison says of where the error begins; nil where all that was compared is near enough.
  ///
  /// - Parameter hints: Tests causes on the tensors of a tap.
  /// - Throws: What `hints` throws.
  public init?(_ comparison: Comparison, hints: (_ tap: String) throws -> [Hint]) rethrows {
    let search = DivergenceSearch(comparison)
    let introduced = search.introduced
    guard let first = comparison.firstDivergence ?? introduced.first,
      let metrics = first.metrics ?? first.isolated
    else { return nil }
    tap = first.name
    relativeError = metrics.relativeError
    worst = metrics.worst
    origin = search.origin(of: first, introduced)
    inputs = CallID(ofTap: origin.tap ?? first.name).map(search.inputs) ?? []
    var modules: [String] = []
    for name in introduced.compactMap({ CallID(ofTap: $0.name)?.module.name }) where !modules.contains(name) {
      modules.append(name)
    }
    introducing = modules
    let introducedNames = Set(introduced.map(\.name))
    carried = comparison.arrays.count {
      $0.metrics != nil && !$0.passes(comparison.policy) && !introducedNames.contains($0.name)
    }
    self.hints = try Self.hints(origin.tap, first.name, hints)
  }

  /// The causes for the tap that shows the error's origin, or else for the first that is off.
  private static func hints(
    _ origin: String?, _ first: String, _ hints: (_ tap: String) throws -> [Hint]
  ) rethrows -> [Hint] {
    if let origin {
      let found = try hints(origin)
      if !found.isEmpty || origin == first { return found }
    }
    return try hints(first)
  }
}
