/// The means over a picture's objects.
public struct PictureSummary: Equatable, Sendable {
  /// The picture's name.
  public let picture: String
  /// How many objects it has.
  public let objects: Int
  /// The mean IoU after one click.
  public let oneClick: Double
  /// The mean IoU for a box.
  public let box: Double
  /// The mean IoU after three clicks.
  public let threeClicks: Double

  /// Every picture's means, in the pictures' order.
  public static func each(_ scores: [PictureScores]) -> [PictureSummary] {
    scores.inGroups(by: \.picture).map { group in
      PictureSummary(
        picture: group[0].picture, objects: group.count, oneClick: group.map(\.oneClick).mean,
        box: group.map(\.box).mean, threeClicks: group.map(\.threeClicks).mean)
    }
  }
}

/// The means over a clip's objects.
public struct ClipSummary: Equatable, Sendable {
  /// The clip's name.
  public let clip: String
  /// How many objects were tracked.
  public let objects: Int
  /// The mean J.
  public let region: Double
  /// The mean F.
  public let contour: Double

  /// Every clip's means, in the clips' order.
  public static func each(_ scores: [ClipScores]) -> [ClipSummary] {
    scores.inGroups(by: \.clip).map { group in
      ClipSummary(
        clip: group[0].clip, objects: group.count, region: group.map(\.region).mean,
        contour: group.map(\.contour).mean)
    }
  }
}

/// The means over the objects of all clips on the frames of one number.
public struct FrameSummary: Equatable, Sendable {
  /// The frame's number, from 1: the first, 0, is given.
  public let frame: Int
  /// How many objects were judged there; clips that ended before have none.
  public let objects: Int
  /// The mean J.
  public let region: Double
  /// The mean F.
  public let contour: Double

  /// The means of every frame that counts in any clip, in order.
  public static func each(_ scores: [ClipScores]) -> [FrameSummary] {
    var byFrame: [Int: [(region: Double, contour: Double)]] = [:]
    for object in scores {
      for (place, frame) in object.frames.enumerated() {
        byFrame[frame, default: []].append((object.regions[place], object.contours[place]))
      }
    }
    return byFrame.sorted { $0.key < $1.key }.map { frame, there in
      FrameSummary(
        frame: frame, objects: there.count, region: there.map(\.region).mean, contour: there.map(\.contour).mean
      )
    }
  }
}

extension Array {
  /// Runs of neighbours that have the same name.
  package func inGroups(by name: (Element) -> String) -> [[Element]] {
    reduce(into: []) { groups, element in
      if let last = groups.last?.last, name(last) == name(element) {
        groups[groups.count - 1].append(element)
      } else {
        groups.append([element])
      }
    }
  }
}

extension [Double] {
  /// The arithmetic mean; NaN of nothing.
  var mean: Double { isEmpty ? .nan : reduce(0, +) / Double(count) }
}
