import ArgumentParser

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
