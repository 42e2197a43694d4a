// What a prompt's mask is: a file, one of a file's objects, or an outline that stands in the prompt itself.

/// A prompt's mask, which prompts carry as a text.
public enum PromptMask: Sendable, Equatable {
  /// A picture of one object.
  case file(String)
  /// One of the objects of a picture of object numbers: `first.png#2`; of an array of logits, the one in that place.
  case object(Int, of: String)
  /// COCO's run lengths: `coco:<height>x<width>:<counts>`.
  case runs(width: Int, height: Int, counts: String)
  /// The same as numbers: `lengths:<height>x<width>:<n>,<n>…`.
  case lengths(width: Int, height: Int, counts: [Int])
  /// Outlines in pixels, `polygon:x,y,x,y…`, with semicolons between several.
  case polygons([[Double]])

  /// What a text says.
  public init(_ text: String) {
    if text.hasPrefix("polygon:") {
      let polygons = text.dropFirst(8).split(separator: ";").map { $0.split(separator: ",").map { Double($0) } }
      if !polygons.isEmpty,
        polygons.allSatisfy({ $0.count >= 6 && $0.count % 2 == 0 && !$0.contains(where: { $0 == nil }) })
      {
        self = .polygons(polygons.map { $0.compactMap(\.self) })
        return
      }
    }
    let parts = text.split(separator: ":", maxSplits: 2)
    if parts.count == 3, parts[0] == "coco" || parts[0] == "lengths" {
      let size = parts[1].split(separator: "x").compactMap { Int($0) }
      if size.count == 2 {
        if parts[0] == "coco" {
          self = .runs(width: size[1], height: size[0], counts: String(parts[2]))
          return
        }
        let counts = parts[2].split(separator: ",").map { Int($0) }
        if !counts.contains(nil) {
          self = .lengths(width: size[1], height: size[0], counts: counts.compactMap(\.self))
          return
        }
      }
    }
    if let mark = text.lastIndex(of: "#"), let object = Int(text[text.index(after: mark)...]), object > 0 {
      self = .object(object, of: String(text[..<mark]))
      return
    }
    self = .file(text)
  }

  /// The text that says it.
  public var text: String {
    switch self {
    case .file(let path): path
    case .object(let object, let path): "\(path)#\(object)"
    case .runs(let width, let height, let counts): "coco:\(height)x\(width):\(counts)"
    case .lengths(let width, let height, let counts):
      "lengths:\(height)x\(width):" + counts.map(String.init).joined(separator: ",")
    case .polygons(let polygons):
      "polygon:" + polygons.map { $0.map { "\($0)" }.joined(separator: ",") }.joined(separator: ";")
    }
  }
}
