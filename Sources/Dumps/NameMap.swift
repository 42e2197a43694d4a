import Files
import Foundation
import Prompts
import Taps
import Tensors

/// How a program's names lead to taps: a JSON file with rules, see `README.md` of this target.
public struct NameMap: Equatable, Sendable {
  /// What becomes of the arrays whose names fit a pattern.
  struct Rule: Equatable, Sendable {
    /// The pattern as written.
    let from: String
    let glob: CapturingGlob
    /// The tap's name, with `{1}` for what the first wildcard stood for; nil drops the array.
    let to: TapTemplate?
    var layout: AxisLayout?
    /// What the elements are.
    var type: ElementType?
    /// Whether the array takes the shape of the tap if it has as many elements.
    var reshapes = false
    /// Whether it is fine if no array fits.
    var isOptional = false
    /// What the whole numbers stand for; nil where they are what they are.
    var scales: DumpedScales?

    /// Whether the pattern is one name.
    var isExact: Bool { glob.captureCount == 0 }
  }

  /// The file it was read from.
  let path: String
  /// The taps that the dump has to hold; all of the reference's when there are none.
  let taps: [String]
  /// The layout of arrays that no rule gives one, where they have as many axes.
  let layout: AxisLayout?
  let rules: [Rule]
  /// The precision that the dump was computed in, as policies or traces name it.
  public let precision: String

  /// Reads a map.
  ///
  /// - Throws: `FileError`, `DumpError.badMap`.
  public init(path: String) throws {
    try self.init(Data(try MappedFile.contents(of: path)), path: path)
  }

  init(_ json: Data, path: String) throws(DumpError) {
    let written: WrittenMap
    if let flaw = JSONForm.flaw(in: json) {
      throw .badMap(path: path, place: "the map", expected: "JSON", found: "another text: \(flaw.words)")
    }
    do { written = try JSONDecoder().decode(WrittenMap.self, from: json) } catch {
      throw WrittenMap.account(of: error, path: path)
    }
    self.path = path
    taps = written.taps ?? []
    precision = written.precision ?? "float32"
    layout = try written.layout.map { text throws(DumpError) in try Self.layout(text, path, "layout") }
    var rules: [Rule] = []
    for (index, rule) in (written.rules ?? []).enumerated() {
      let place = "rules[\(index)]"
      guard let glob = CapturingGlob(rule.from), !rule.from.isEmpty else {
        throw .badMap(path: path, place: "\(place).from", expected: "a pattern", found: "'\(rule.from)'")
      }
      let template = try rule.to.map { text throws(DumpError) in
        guard let template = TapTemplate(text, captures: glob.captureCount) else {
          throw .badMap(
            path: path, place: "\(place).to",
            expected:
              "a tap's name with {0} to {\(glob.captureCount)} for what the pattern's wildcards stand for",
            found: "'\(text)'")
        }
        return template
      }
      let type = try rule.dtype.map { text throws(DumpError) in
        guard let type = ElementType(rawValue: text), StridedElements.isReadable(type) else {
          throw .badMap(
            path: path, place: "\(place).dtype", expected: "a type such as float32, float16 or bfloat16",
            found: "'\(text)'")
        }
        return type
      }
      rules.append(
        Rule(
          from: rule.from, glob: glob, to: template,
          layout: try rule.layout.map { text throws(DumpError) in try Self.layout(text, path, "\(place).layout")
          },
          type: type, reshapes: rule.reshape ?? false, isOptional: rule.optional ?? false,
          scales: try DumpedScales(rule, path: path, place: place)))
    }
    if let twice = Dictionary(grouping: rules, by: \.from).first(where: { $0.value.count > 1 }) {
      throw .badMap(
        path: path, place: "rules", expected: "one rule '\(twice.key)'", found: "\(twice.value.count)")
    }
    self.rules = rules
  }

  private static func layout(_ text: String, _ path: String, _ place: String) throws(DumpError) -> AxisLayout {
    guard let layout = AxisLayout(text) else {
      throw .badMap(
        path: path, place: place, expected: "a layout such as NHWC, NCHW or NHWC->NCHW", found: "'\(text)'")
    }
    return layout
  }

  /// The rule for an array: the one that is its name, or else the one pattern that fits, with what its wildcards stand for.
  ///
  /// - Throws: `DumpError.ambiguous`.
  func rule(for name: String, in dump: String) throws(DumpError) -> (rule: Rule, captures: [String])? {
    let fitting = rules.compactMap { rule in rule.glob.captures(in: name).map { (rule: rule, captures: $0) } }
    if let exact = fitting.first(where: { $0.rule.isExact }) { return exact }
    guard fitting.count <= 1 else {
      throw .ambiguous(path: dump, name: name, rules: fitting.map { $0.rule.from })
    }
    return fitting.first
  }
}

/// A tap's name with places for what a pattern's wildcards stood for: `{0}` is the whole name, `{1}` the first wildcard.
struct TapTemplate: Equatable, Sendable {
  private enum Part: Equatable {
    case text(String)
    case capture(Int)
  }
  private let parts: [Part]

  /// A template, or nil where braces hold anything but a number up to that of the wildcards.
  init?(_ text: String, captures: Int) {
    var parts: [Part] = []
    var rest = text[...]
    while let open = rest.firstIndex(of: "{") {
      guard let close = rest[open...].firstIndex(of: "}"),
        let number = Int(rest[rest.index(after: open)..<close]), (0...captures).contains(number)
      else { return nil }
      if open > rest.startIndex { parts.append(.text(String(rest[..<open]))) }
      parts.append(.capture(number))
      rest = rest[rest.index(after: close)...]
    }
    guard !rest.contains("}"), !text.isEmpty else { return nil }
    if !rest.isEmpty { parts.append(.text(String(rest))) }
    self.parts = parts
  }

  /// The name, with the wildcards' parts of `name` in their places.
  func name(for name: String, captures: [String]) -> String {
    parts.map { part in
      switch part {
      case .text(let text): text
      case .capture(0): name
      case .capture(let number): captures[number - 1]
      }
    }.joined()
  }
}

/// Which array of a dump is which tap.
struct Assignment {
  /// The arrays that are kept: their positions in the dump, their names as taps, and the rules that say so.
  let members: [(index: Int, tap: TapID, rule: NameMap.Rule?)]

  /// Finds every array's tap.
  ///
  /// - Throws: `DumpError` for two rules, two arrays for one tap, rules that fit nothing or lead nowhere, and where no
  ///   array is a tap at all.
  init(_ arrays: [DumpedArray], path: String, map: NameMap?, taps: [TapID]) throws(DumpError) {
    var members: [(index: Int, tap: TapID, rule: NameMap.Rule?)] = []
    var owners: [TapID: String] = [:]
    var used: Set<String> = []
    let known = Set(taps)
    for (index, array) in arrays.enumerated() {
      let found = try map?.rule(for: array.name, in: path)
      var tap = TapID(array.name)
      if let found {
        used.insert(found.rule.from)
        guard let template = found.rule.to else { continue }
        tap = TapID(template.name(for: array.name, captures: found.captures))
        guard known.contains(tap) else {
          throw .unknownTap(
            path: path, name: array.name, tap: tap.name,
            nearest: Self.nearest(to: tap.name, among: taps.map(\.name)))
        }
      }
      if let owner = owners.updateValue(array.name, forKey: tap) {
        throw .collision(path: path, tap: tap.name, names: [owner, array.name])
      }
      members.append((index, tap, found?.rule))
    }
    if let idle = map?.rules.first(where: { !$0.isOptional && !used.contains($0.from) }) {
      throw .unmatchedRule(path: path, rule: idle.from, names: arrays.map(\.name))
    }
    guard members.contains(where: { known.contains($0.tap) }) else {
      throw .nothingInCommon(path: path, names: arrays.map(\.name))
    }
    self.members = members
  }

  /// The taps that share the longest beginning and end with a name.
  private static func nearest(to name: String, among taps: [String]) -> [String] {
    func likeness(_ tap: String) -> Int {
      let head = zip(name, tap).prefix { $0 == $1 }.count
      let tail = zip(name.reversed(), tap.reversed()).prefix { $0 == $1 }.count
      return min(head + tail, tap.count)
    }
    let alike: [(likeness: Int, tap: String)] = taps.map { (likeness: likeness($0), tap: $0) }
    let best = alike.filter { $0.likeness >= 4 }
      .sorted { first, second in (second.likeness, first.tap) < (first.likeness, second.tap) }
    return best.prefix(3).map(\.tap)
  }
}
