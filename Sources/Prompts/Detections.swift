// What other programs found or people drew, as prompts: COCO's results and annotations, and labelme's shapes.
// Source: cocodataset.org, "Data format" and "Results format"; labelme's JSON (shapes, imagePath).

/// Objects that a detector found or somebody outlined.
public struct Detections: Sendable {
  /// One of them.
  struct Found: Sendable {
    var points: [Click] = []
    var box: Box?
    var mask: String?
    var score: Double?
    /// Which picture it is of, where the file says.
    var image: String?
  }

  /// What a file says of a picture.
  struct Described: Sendable {
    var name: String?
    var size: PictureSize?
  }

  private let found: [Found]
  private let path: String
  /// Pictures by the identifiers that detections have for them.
  private let images: [String: Described]
  /// What labelme says of the one picture.
  private let whole: PictureSize?

  /// Reads COCO's results, COCO's annotations or labelme's shapes.
  ///
  /// - Parameters:
  ///   - json: The file's bytes.
  ///   - path: Its name, for errors.
  /// - Throws: `PromptError`, which names the line and the field.
  public init(json: some Sequence<UInt8>, path: String) throws(PromptError) {
    self.path = path
    let reading = DetectionReading(path: path)
    let root = try JSONNode(json, path: path)
    images = try reading.images(root)
    whole = try reading.size(root, "imageWidth", "imageHeight")
    found = try reading.detections(root)
  }

  /// The detections of a picture as prompts, numbered from 1 in the file's order; and how many had a lower score.
  ///
  /// - Parameters:
  ///   - picture: The picture's path: of a file about several pictures only those are taken that are about this one.
  ///   - minimumScore: What detections that have a score must reach.
  ///   - frame: Of a video, the frame that they are about.
  /// - Returns: The prompts, how many were left out, and what size of the picture they are for, where the file says.
  /// - Throws: `PromptError` where none is left, or it can't be told which are about the picture.
  public func prompts(
    of picture: String, minimumScore: Double, frame: Int = 0
  ) throws(PromptError) -> (prompts: [ObjectPrompt], leftOut: Int, size: PictureSize?) {
    let here = try about(picture)
    let kept = here.filter { $0.score ?? 1 >= minimumScore }
    guard !kept.isEmpty else {
      let best = here.compactMap(\.score).max().map { "; the highest score is \($0)" } ?? ""
      throw PromptError(
        place: path, problem: "expected a detection with a score of at least \(minimumScore), found none\(best)"
      )
    }
    let prompts = kept.enumerated().map { place, found in
      ObjectPrompt(object: place + 1, frame: frame, points: found.points, box: found.box, mask: found.mask)
    }
    let sizes = Set(kept.compactMap(\.image).compactMap { images[$0]?.size })
    return (prompts, here.count - kept.count, sizes.count == 1 ? sizes.first : whole)
  }

  /// The detections that are about a picture.
  private func about(_ picture: String) throws(PromptError) -> [Found] {
    let known = Set(found.compactMap(\.image))
    guard known.count > 1 else { return found }
    let name = Self.fileName(picture)
    let stem = Self.stem(name)
    let here = found.filter { found in
      guard let image = found.image else { return false }
      if let file = images[image]?.name { return Self.fileName(file) == name }
      return image == stem || Self.number(stem) != nil && Self.number(stem) == Self.number(image)
    }
    guard !here.isEmpty else {
      throw PromptError(
        place: path,
        problem: "expected detections of \(name), found those of \(known.count) other pictures, such as "
          + "\(images[known.sorted()[0]]?.name ?? known.sorted()[0])")
    }
    return here
  }

  private static func fileName(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  private static func stem(_ name: String) -> String {
    name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
  }

  /// The number that COCO's file names end in, after their last underscore.
  private static func number(_ name: String) -> Int? { name.split(separator: "_").last.flatMap { Int($0) } }
}

/// Makes detections of JSON.
private struct DetectionReading {
  let path: String

  func error(_ node: JSONNode, _ problem: String) -> PromptError {
    PromptError(place: node.line.map { "\(path):\($0)" } ?? path, problem: problem)
  }

  /// Pictures by identifier, of COCO's annotations.
  func images(_ root: JSONNode) throws(PromptError) -> [String: Detections.Described] {
    var images: [String: Detections.Described] = [:]
    for image in root["images"]?.list ?? [] {
      guard let id = image["id"]?.name else { continue }
      images[id] = Detections.Described(
        name: image["file_name"]?.name, size: try size(image, "width", "height"))
    }
    return images
  }

  /// A picture's size; nil where it isn't said.
  func size(_ node: JSONNode, _ width: String, _ height: String) throws(PromptError) -> PictureSize? {
    guard let (across, down) = both(node[width], node[height]) else { return nil }
    guard let columns = across.integer, let rows = down.integer, columns > 0, rows > 0 else {
      throw error(
        node, "expected `\(width)` and `\(height)` of pixels, found \(across.words) and \(down.words)")
    }
    return PictureSize(width: columns, height: rows, place: path)
  }

  private func both(_ one: JSONNode?, _ other: JSONNode?) -> (JSONNode, JSONNode)? {
    guard let one, let other, !one.isNull, !other.isNull else { return nil }
    return (one, other)
  }

  /// The number under a key; nil where there is none.
  private func number(_ node: JSONNode, _ key: String) throws(PromptError) -> Double? {
    guard let value = node[key], !value.isNull else { return nil }
    guard let number = value.number else {
      throw error(value, "expected a number as `\(key)`, found \(value.words)")
    }
    return number
  }

  func detections(_ root: JSONNode) throws(PromptError) -> [Detections.Found] {
    if let list = root.list ?? root["annotations"]?.list {
      return try list.map { node throws(PromptError) in try coco(node) }
    }
    if let shapes = root["shapes"]?.list { return try labelme(shapes) }
    throw error(
      root, "expected COCO's results (a list), COCO's `annotations` or labelme's `shapes`, found \(root.words)")
  }

  /// A result, which has a score, points with its box; an annotation with its outline.
  private func coco(_ node: JSONNode) throws(PromptError) -> Detections.Found {
    var found = Detections.Found(score: try number(node, "score"), image: node["image_id"]?.name)
    if let box = node["bbox"]?.numbers, box.count == 4 {
      found.box = Box(x0: box[0], y0: box[1], x1: box[0] + box[2], y1: box[1] + box[3])
    }
    if found.score == nil || found.box == nil, let segmentation = node["segmentation"],
      let mask = try mask(segmentation)
    {
      (found.mask, found.box) = (mask, nil)
    }
    guard found.box != nil || found.mask != nil else {
      throw error(node, "expected `bbox` as [x, y, width, height] or `segmentation`, found neither")
    }
    return found
  }

  private func mask(_ node: JSONNode) throws(PromptError) -> String? {
    if let polygons = node.list {
      guard !polygons.isEmpty else { return nil }
      return PromptMask.polygons(
        try polygons.map { polygon throws(PromptError) in
          guard let corners = polygon.numbers, corners.count >= 6, corners.count % 2 == 0 else {
            throw error(
              polygon, "expected a polygon as x, y, x, y… of three corners at least, found \(polygon.words)")
          }
          return corners
        }
      ).text
    }
    guard let size = node["size"]?.integers, size.count == 2 else {
      throw error(node, "expected polygons or run lengths with `size` and `counts`, found \(node.words)")
    }
    if let text = node["counts"]?.name {
      return PromptMask.runs(width: size[1], height: size[0], counts: text).text
    }
    guard let counts = node["counts"]?.integers else {
      throw error(node, "expected `counts` as a text or a list of whole numbers, found neither")
    }
    return PromptMask.lengths(width: size[1], height: size[0], counts: counts).text
  }

  /// Shapes of one group are one object; others are each its own.
  private func labelme(_ shapes: [JSONNode]) throws(PromptError) -> [Detections.Found] {
    var found: [Detections.Found] = []
    var polygons: [Int: [[Double]]] = [:]
    var places: [String: Int] = [:]
    for shape in shapes {
      let group = shape["group_id"]?.name.map { "\(shape["label"]?.name ?? "") \($0)" }
      let place = group.flatMap { places[$0] } ?? found.count
      if place == found.count { found.append(Detections.Found()) }
      if let group { places[group] = place }
      let points = (shape["points"]?.list ?? []).compactMap(\.numbers).filter { $0.count == 2 }
      let kind = shape["shape_type"]?.name ?? "polygon"
      switch (kind, points.count) {
      case ("polygon", 3...): polygons[place, default: []].append(points.flatMap(\.self))
      case ("rectangle", 2):
        found[place].box = Box(
          x0: min(points[0][0], points[1][0]), y0: min(points[0][1], points[1][1]),
          x1: max(points[0][0], points[1][0]), y1: max(points[0][1], points[1][1]))
      case ("point", 1): found[place].points.append(Click(x: points[0][0], y: points[0][1]))
      default:
        throw error(
          shape,
          "expected a polygon, a rectangle or a point, found `shape_type` \(kind) of \(points.count) points")
      }
    }
    for (place, outlines) in polygons {
      found[place].mask = PromptMask.polygons(outlines).text
      (found[place].box, found[place].points) = (nil, [])
    }
    return found
  }
}

extension JSONNode {
  fileprivate subscript(_ key: String) -> JSONNode? {
    guard case .object(let members) = value else { return nil }
    return members.first { $0.key == key }?.node
  }

  fileprivate var list: [JSONNode]? { if case .list(let nodes) = value { nodes } else { nil } }

  fileprivate var isNull: Bool { if case .null = value { true } else { false } }

  fileprivate var integer: Int? { number.flatMap { Int(exactly: $0) } }

  fileprivate var number: Double? { if case .number(let number, _) = value { number } else { nil } }

  fileprivate var numbers: [Double]? {
    guard let list else { return nil }
    let numbers = list.compactMap(\.number)
    return numbers.count == list.count ? numbers : nil
  }

  fileprivate var integers: [Int]? {
    guard let numbers else { return nil }
    let integers = numbers.compactMap { Int(exactly: $0) }
    return integers.count == numbers.count ? integers : nil
  }

  /// A text, or a number as it is written.
  fileprivate var name: String? {
    switch value {
    case .text(let text): text
    case .number(_, let text): text
    default: nil
    }
  }
}
