// Masks that overlap, made to share no pixel.

extension RunLengthEncoding {
  /// Several masks of one size, each without the pixels of those before it.
  public static func disjoint(_ masks: [RunLengthEncoding]) -> [RunLengthEncoding] {
    guard let first = masks.first else { return [] }
    var isTaken = [Bool](repeating: false, count: first.width * first.height)
    return masks.map { mask in
      precondition(
        mask.width == first.width && mask.height == first.height,
        "a mask of \(mask.width) × \(mask.height) beside one of \(first.width) × \(first.height)")
      var counts = [0]
      var place = 0
      for (index, count) in mask.counts.enumerated() {
        let end = place + count
        if index.isMultiple(of: 2) {
          extend(&counts, with: false, by: count)
          place = end
        }
        while place < end {
          let start = place
          let taken = isTaken[place]
          while place < end, isTaken[place] == taken {
            isTaken[place] = true
            place += 1
          }
          extend(&counts, with: !taken, by: place - start)
        }
      }
      return RunLengthEncoding(width: mask.width, height: mask.height, found: counts)
    }
  }
}
