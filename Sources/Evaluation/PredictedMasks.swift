import Files
public import Masks
import Media

/// Masks that somebody made of a clip: pictures of object numbers, or a folder of masks for each object.
public struct PredictedMasks: Sendable {
  private let folder: String
  private let truths: TrueMasks
  /// The objects that have folders of their own; none where a picture holds all.
  private let objects: [Int]

  /// The masks in a clip's folder.
  ///
  /// - Throws: `FileError` where there is no such folder.
  public init(folder: String, _ truths: TrueMasks) throws {
    self.folder = folder
    self.truths = truths
    objects = try Folder.entries(folder).filter { FilePath.isFolder("\(folder)/\($0)") }.compactMap { Int($0) }
  }

  /// The objects' masks on a frame that has true ones, by object.
  ///
  /// - Throws: `MediaError` where a mask is missing or unreadable, `EvaluationError.wrongSize`.
  public func masks(on frame: Int) throws -> [Int: BinaryMask] {
    let name = truths.name(of: frame)
    let (width, height) = (truths.nothing.width, truths.nothing.height)
    guard !objects.isEmpty else {
      let labels = try LabelRaster.read(path: "\(folder)/\(name).png", of: width, height)
      return Dictionary(uniqueKeysWithValues: labels.objects.map { ($0, labels.mask(of: $0)) })
    }
    var masks: [Int: BinaryMask] = [:]
    for object in objects {
      let path = "\(folder)/\(String(object).leftPadded(to: 3))/\(name).png"
      let plain = "\(folder)/\(object)/\(name).png"
      masks[object] =
        try LabelRaster.read(path: FilePath.exists(path) ? path : plain, of: width, height).foreground
    }
    return masks
  }
}
