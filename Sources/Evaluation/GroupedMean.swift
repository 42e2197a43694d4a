/// A mean over objects, with the standard error that comes of having measured on these pictures or clips and no others.
///
/// Objects of one picture or clip succeed and fail together, so the spread is that of pictures or clips: the mean is a
/// ratio of two sums over them, of scores and of objects, and its standard error is that of a ratio of sums
/// (W. G. Cochran, Sampling Techniques, 1977, chapter 6). With as many objects in each it is the deviation of the
/// groups' means by the root of their count.
public struct GroupedMean: Equatable, Sendable {
  /// The mean of all objects' scores.
  public let value: Double
  /// Its standard error; nil for a single group, whose spread can't be known.
  public let standardError: Double?

  /// The mean of scores that stand in groups; nil where there is none.
  ///
  /// - Parameter groups: The scores of the objects of each picture or clip.
  public init?(_ groups: [[Double]]) {
    let groups = groups.filter { !$0.isEmpty }
    let objects = Double(groups.reduce(0) { $0 + $1.count })
    guard objects > 0 else { return nil }
    let mean = groups.joined().reduce(0, +) / objects
    value = mean
    guard groups.count > 1 else {
      standardError = nil
      return
    }
    let squares = groups.reduce(0.0) { sum, group in
      let apart = group.reduce(0.0) { $0 + ($1 - mean) }
      return sum + apart * apart
    }
    let count = Double(groups.count)
    standardError = (squares * count / (count - 1)).squareRoot() / objects
  }
}
