public import Taps
import Tensors

/// Reads out of a comparison where an error begins.
struct DivergenceSearch {
  private let comparison: Comparison
  /// The call of every array.
  private let calls: [CallID?]
  /// The places of every call's inputs.
  private let inputPlaces: [CallID: [Int]]
  /// The place of the first array that is off.
  private let firstFailure: Int?

  init(_ comparison: Comparison) {
    self.comparison = comparison
    let calls = comparison.arrays.map(\.id.call)
    self.calls = calls
    var places: [CallID: [Int]] = [:]
    for (place, call) in calls.enumerated() {
      guard let call, comparison.arrays[place].id.isInput else { continue }
      places[call, default: []].append(place)
    }
    inputPlaces = places
    firstFailure = comparison.arrays.firstIndex { $0.metrics != nil && !$0.passes(comparison.policy) }
  }

  /// Whether an array is off although what it was made from was right. Isolation tells; else an input is off by
  /// whatever comes before if nothing before it is off, and an output by its module if the inputs agree.
  private func isIntroduced(_ place: Int) -> Bool {
    let array = comparison.arrays[place]
    if let isolated = array.isolated { return !comparison.policy.accepts(isolated, of: array.id) }
    guard array.metrics != nil, !array.passes(comparison.policy), let call = calls[place] else { return false }
    if isInput(place) { return place == firstFailure || isFirstWithin(call.module) }
    let inputs = inputs(of: call)
    return !inputs.isEmpty && inputs.allSatisfy(\.agrees)
  }

  /// Whether the first that is off lies in a module that no module calls, as far as isolation can tell: then it is that
  /// module's input, of which nothing was isolated, that is off before all else.
  private func isFirstWithin(_ module: ModulePath) -> Bool {
    guard comparison.isIsolated, let first = firstFailure.flatMap({ calls[$0]?.module }) else { return false }
    return first == module || first.isInside(module)
  }

  private func isInput(_ place: Int) -> Bool { comparison.arrays[place].id.isInput }

  func inputs(of call: CallID) -> [FirstDivergence.InputAgreement] {
    (inputPlaces[call] ?? []).compactMap { place in
      let array = comparison.arrays[place]
      return array.metrics.map {
        .init(tap: array.id, relativeError: $0.relativeError, agrees: array.passes(comparison.policy))
      }
    }
  }

  /// The places of all that is off by itself, in order.
  var introduced: [Int] { comparison.arrays.indices.filter(isIntroduced) }

  /// What brings about that something is off.
  func origin(_ introduced: [Int]) -> FirstDivergence.Origin {
    guard let place = introduced.first else {
      return FirstDivergence.Origin(
        kind: comparison.isIsolated ? .accumulation : .unknown, module: nil, inside: nil, tap: nil,
        relativeError: nil, isIsolated: comparison.isIsolated)
    }
    let shown = comparison.arrays[place]
    let module = calls[place]?.module
    let isIsolated = shown.isolated != nil
    // Without isolation the outermost module whose input is off too is what the error came in by.
    let named = isInput(place) && !isIsolated ? enclosing(place) ?? module : module
    return FirstDivergence.Origin(
      kind: isInput(place) ? .glue : .module, module: named?.name,
      inside: isInput(place) && isIsolated ? module.flatMap(parent)?.name : nil, tap: shown.id,
      relativeError: (shown.isolated ?? shown.metrics)?.relativeError, isIsolated: isIsolated)
  }

  /// The outermost module around an input's module of which an input is off too.
  private func enclosing(_ place: Int) -> ModulePath? {
    guard let call = calls[place] else { return nil }
    return comparison.arrays.indices.last { later in
      guard later > place, isInput(later), let around = calls[later] else { return false }
      let array = comparison.arrays[later]
      return around.number == call.number && call.module.isInside(around.module)
        && array.metrics != nil && !array.passes(comparison.policy)
    }.flatMap { calls[$0]?.module }
  }

  /// The nearest module around another of which something was compared.
  private func parent(of module: ModulePath) -> ModulePath? {
    let known = Set(calls.compactMap { $0?.module })
    var steps = module.name.split(separator: ".").dropLast()
    while !steps.isEmpty {
      let name = ModulePath(steps.joined(separator: "."))
      if known.contains(name) { return name }
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
  public init?(_ comparison: Comparison, hints: (_ tap: TapID) throws -> [Hint]) rethrows {
    let search = DivergenceSearch(comparison)
    let places = search.introduced
    let introduced = places.map { comparison.arrays[$0] }
    guard let first = comparison.firstDivergence ?? introduced.first,
      let metrics = first.metrics ?? first.isolated
    else { return nil }
    tap = first.id
    relativeError = metrics.relativeError
    worst = metrics.worst
    origin = search.origin(places)
    inputs = (origin.tap ?? first.id).call.map(search.inputs) ?? []
    var modules: [String] = []
    for name in introduced.compactMap(\.id.module?.name) where !modules.contains(name) {
      modules.append(name)
    }
    introducing = modules
    let introducedTaps = Set(introduced.map(\.id))
    // The first was named already.
    carried = comparison.arrays.count {
      $0.metrics != nil && !$0.passes(comparison.policy) && !introducedTaps.contains($0.id) && $0.id != first.id
    }
    self.hints = try Self.hints(origin.tap, first.id, hints)
  }

  /// The causes for the tap that shows the error's origin, or else for the first that is off.
  private static func hints(
    _ origin: TapID?, _ first: TapID, _ hints: (_ tap: TapID) throws -> [Hint]
  ) rethrows -> [Hint] {
    if let origin {
      let found = try hints(origin)
      if !found.isEmpty || origin == first { return found }
    }
    return try hints(first)
  }
}
