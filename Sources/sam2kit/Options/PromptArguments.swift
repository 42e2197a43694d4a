import ArgumentParser
import Foundation
import Traces

/// A prompt argument that may name its object: `2:100,50` belongs to object 2, `100,50` to object 1.
struct ObjectArgument {
  let object: Int
  let rest: Substring

  init?(_ argument: String) {
    guard let colon = argument.firstIndex(of: ":"), let object = Int(argument[..<colon]) else {
      self.object = 1
      rest = argument[...]
      return
    }
    guard object > 0 else { return nil }
    self.object = object
    rest = argument[argument.index(after: colon)...]
  }

  /// The rest as comma-separated finite numbers.
  var numbers: [Double]? {
    let numbers = rest.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
    let finite = numbers.compactMap { $0 }.filter(\.isFinite)
    return finite.count == numbers.count ? finite : nil
  }
}

/// `[OBJECT:]X,Y[,LABEL]`.
struct PointArgument: ExpressibleByArgument {
  let object: Int
  let x: Double, y: Double
  let label: Int

  init?(argument: String) {
    guard let parsed = ObjectArgument(argument), let numbers = parsed.numbers, (2...3).contains(numbers.count),
      let label = numbers.count == 3 ? Int(exactly: numbers[2]) : 1, (0...1).contains(label)
    else { return nil }
    object = parsed.object
    (x, y) = (numbers[0], numbers[1])
    self.label = label
  }
}

/// `[OBJECT:]X0,Y0,X1,Y1`.
struct BoxArgument: ExpressibleByArgument {
  let object: Int
  let corners: [Double]

  init?(argument: String) {
    guard let parsed = ObjectArgument(argument), let numbers = parsed.numbers, numbers.count == 4 else {
      return nil
    }
    object = parsed.object
    corners = numbers
  }
}

/// `[OBJECT:]FILE`.
struct MaskArgument: ExpressibleByArgument {
  let object: Int
  let path: String

  init?(argument: String) {
    guard let parsed = ObjectArgument(argument), !parsed.rest.isEmpty else { return nil }
    object = parsed.object
    path = String(parsed.rest)
  }
}

/// Prompts given as arguments.
struct PromptArguments {
  let points: [PointArgument]
  let boxes: [BoxArgument]
  let masks: [MaskArgument]

  /// What mask paths are relative to.
  static var folder: URL {
    URL(fileURLWithPath: FileManager.default.currentDirectoryPath, isDirectory: true)
  }

  /// One entry per object, in ascending order.
  func objects(frame: Int? = nil) -> [TracePrompts.Object] {
    Set(points.map(\.object) + boxes.map(\.object) + masks.map(\.object)).sorted().map { id in
      let points = points.filter { $0.object == id }
      return TracePrompts.Object(
        id: id, frame: frame, points: points.isEmpty ? nil : points.map { [$0.x, $0.y] },
        labels: points.isEmpty ? nil : points.map(\.label),
        box: boxes.first { $0.object == id }?.corners, mask: masks.first { $0.object == id }?.path)
    }
  }
}

/// Throws if an object is named twice.
func rejectRepeats(_ objects: [Int], _ kind: String) throws {
  if let twice = objects.first(where: { object in objects.count { $0 == object } > 1 }) {
    throw ValidationError(
      "object \(twice) has more than one \(kind); name another object, as in --\(kind) \(twice + 1):…")
  }
}
