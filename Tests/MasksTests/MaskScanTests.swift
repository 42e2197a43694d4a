import Masks
import Tensors
import Testing

@Suite struct MaskScanTests {
  /// Logits that change often, and a few that are no numbers.
  private func logits(_ width: Int, _ height: Int) -> [Float] {
    var state: UInt64 = 11
    return (0..<width * height).map { index in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return index % 97 == 5 ? .nan : Float(state >> 40) / Float(1 << 23) * 3 - 3
    }
  }

  /// What a part of a frame is scanned to be, against the whole mask in memory.
  @Test(arguments: [
    (13, 9, 0..<13, 0..<9), (13, 9, 2..<11, 3..<7), (13, 9, 0..<5, 0..<4), (13, 9, 7..<13, 5..<9),
    (1, 1, 0..<1, 0..<1), (40, 3, 8..<33, 0..<3), (3, 40, 1..<2, 39..<40), (5, 5, 2..<2, 0..<0),
  ])
  func aPassFindsWhatTheMaskInMemoryHas(_ width: Int, _ height: Int, _ columns: Range<Int>, _ rows: Range<Int>)
  {
    let values = logits(width, height)
    var scan = MaskScan(
      width: width, height: height, columns: columns, from: rows.lowerBound,
      MaskScan.Thresholds(mask: 0.25, offset: 0.5))
    var inside = [Float](repeating: -100, count: width * height)
    for y in rows where !columns.isEmpty {
      let row = columns.map { values[y * width + $0] }
      for x in columns { inside[y * width + x] = values[y * width + x] }
      row.withUnsafeBufferPointer { scan.add($0) }
    }
    let found = scan.finish()
    let tensor = Tensor([height, width], inside)
    let mask = BinaryMask(logits: tensor, threshold: 0.25)
    #expect(BinaryMask(found.runs) == mask)
    #expect(found.runs.counts.reduce(0, +) == width * height)
    #expect(found.area == mask.area && found.bounds == mask.bounds && found.runs.bounds == mask.bounds)
    let (certain, possible) = (tensor.count(above: 0.75), tensor.count(above: -0.25))
    #expect(found.stabilityScore == (possible > 0 ? Float(certain) / Float(possible) : nil))
  }
}

@Test func disjointMasksShareNoPixel() {
  let masks = [["##..", "##.."], [".##.", "####"], ["####", "####"]].map { RunLengthEncoding(BinaryMask($0)) }
  let parts = RunLengthEncoding.disjoint(masks).map { BinaryMask($0) }
  #expect(parts == [["##..", "##.."], ["..#.", "..##"], ["...#", "...."]].map { BinaryMask($0) })
}

@Test func aRasterShowsTheSmallestMask() throws {
  let masks = [["###.", "###."], ["##..", "...."], [".#.#", "...."]].map { RunLengthEncoding(BinaryMask($0)) }
  let raster = try LabelRaster(width: 4, height: 2, masks: masks)
  #expect(raster.labels == [2, 2, 1, 3, 1, 1, 1, 0])
  #expect(throws: MaskError.self) { try LabelRaster(width: 4, height: 3, masks: masks) }
  let many = [RunLengthEncoding](repeating: masks[0], count: 65536)
  #expect(throws: MaskError.tooManyMasks(found: 65536, limit: 65535)) {
    try LabelRaster(width: 4, height: 2, masks: many)
  }
}
