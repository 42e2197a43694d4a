import Foundation
import Masks
import Media
import Testing
import TestSupport

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
private let picture = TestFiles.package("Reference/micro.png")

/// The records of `masks.json`.
private struct Record: Decodable {
  let segmentation: RunLengthEncoding
  let area: Int
  let bbox: [Int]
  let predicted_iou: Float
  let point_coords: [[Float]]
  let stability_score: Float
  let crop_box: [Int]

  static func read(_ path: String) throws -> [Record] {
    try JSONDecoder().decode([Record].self, from: Data(contentsOf: URL(filePath: path)))
  }
}

/// Few points and low thresholds, so that there is something in no time.
private let lenient = ["--points-per-side", "4", "--pred-iou-thresh", "0.5", "--stability-score-thresh", "0.7"]

private func masks(
  _ image: String, _ output: String, _ arguments: [String] = lenient
) throws -> Program.Outcome {
  try Program.run(["masks", "--model", micro, "--image", image, "--output", output] + arguments)
}

@Suite struct MasksTests {
  /// The recording of the official generator with its defaults: three masks, here in words and pictures.
  @Test func aPictureLeavesRecordsLabelsAndAnOverlay() throws {
    try TestFiles.withTemporaryFolder { folder in
      let run = try masks(picture, folder, ["--backend", "openblas"])
      #expect(run.code == 0, "\(run.errors)")
      #expect(run.output.hasPrefix("3 masks\n"))
      let records = try Record.read("\(folder)/masks.json")
      try #require(records.count == 3)
      // As the first lines of Tests/SAM2Tests/Fixtures/automatic_masks.json have them, to what PyTorch rounds otherwise.
      #expect(records.map(\.predicted_iou) == records.map(\.predicted_iou).sorted(by: >))
      var expected = [UInt8](repeating: 0, count: 320 * 240)
      for (index, record) in records.enumerated().sorted(by: { $0.element.area > $1.element.area }) {
        let mask = BinaryMask(record.segmentation)
        #expect(mask.area == record.area)
        let bounds = mask.bounds
        #expect(record.bbox == [bounds.x, bounds.y, bounds.width - 1, bounds.height - 1])
        #expect(record.crop_box == [0, 0, 320, 240])
        #expect(record.stability_score >= 0.95 && record.predicted_iou > 0.8)
        for pixel in expected.indices where mask.pixels[pixel] == 1 { expected[pixel] = UInt8(index + 1) }
      }
      let labels = try Picture.read(path: "\(folder)/labels.png")
      #expect(labels.notes == ["16-bit greyscale clipped to 0...255, as Pillow's convert does"])
      #expect(stride(from: 0, to: labels.pixels.count, by: 3).map { labels.pixels[$0] } == expected)
      let overlay = try Picture.read(path: "\(folder)/overlay.png")
      let original = try Picture.read(path: picture)
      for pixel in expected.indices {
        let isTouched = (0..<3).contains { overlay.pixels[3 * pixel + $0] != original.pixels[3 * pixel + $0] }
        #expect(!isTouched || expected[pixel] > 0)
      }
    }
  }

  @Test func noMaskIsNoError() throws {
    try TestFiles.withTemporaryFolder { folder in
      let run = try masks(picture, folder, ["--points-per-side", "2", "--pred-iou-thresh", "1"])
      #expect(run.code == 0, "\(run.errors)")
      #expect(try Record.read("\(folder)/masks.json").isEmpty)
      #expect(try Picture.read(path: "\(folder)/labels.png").pixels.allSatisfy { $0 == 0 })
    }
  }

  @Test(arguments: [
    ["--pred-iou-thresh", "1.5"], ["--stability-score-thresh", "-0.1"], ["--box-nms-thresh", "nan"],
    ["--points-per-side", "0"], ["--points-per-batch", "0"], ["--crop-n-layers", "-1"],
    ["--crop-overlap-ratio", "1"], ["--crops-only"], ["--min-area", "9", "--max-area", "8"], ["--halo", "3"],
    ["--output-mode", "polygons"], ["--tile", "64", "--crop-n-layers", "1"],
  ]) func whatCannotBeMeantIsUsage(_ arguments: [String]) throws {
    let run = try masks(picture, "/nowhere", arguments)
    #expect(run.code == 64, "\(run.errors)")
  }

  /// Sizes that no photograph has; crops that such a picture has no pixels for.
  @Test func oddPicturesAreLookedAt() throws {
    try TestFiles.withTemporaryFolder { folder in
      for (width, height) in [(1, 1), (1, 5000), (700, 1)] {
        let image = "\(folder)/picture.png"
        try Picture(width: width, height: height, pixels: [UInt8](repeating: 90, count: 3 * width * height))
          .write(path: image)
        let run = try masks(image, "\(folder)/out")
        #expect(run.code == 0, "\(run.errors)")
        for record in try Record.read("\(folder)/out/masks.json") {
          #expect((record.segmentation.width, record.segmentation.height) == (width, height))
        }
        let cropped = try masks(image, "\(folder)/crops", lenient + ["--crop-n-layers", "1"])
        #expect(cropped.code == 2)
        #expect(
          cropped.errors.contains(
            "crop layer 1: expected pixels for 2 × 2 crops, found a picture of \(width) × \(height)"))
      }
    }
  }

  @Test func ownPointsAreaAndRegionAreKeptTo() throws {
    try TestFiles.withTemporaryFolder { folder in
      let own = try masks(picture, "\(folder)/own", lenient + ["--point", "100,120", "--point", "200,50.5"])
      #expect(own.code == 0, "\(own.errors)")
      let allowed: Set<[Float]> = [[100, 120], [200, 50.5]]
      #expect(try Record.read("\(folder)/own/masks.json").allSatisfy { allowed.contains($0.point_coords[0]) })
      let left = BinaryMask(
        width: 320, height: 240, pixels: (0..<320 * 240).map { $0 % 320 < 160 ? 1 : 0 })
      try left.write(path: "\(folder)/left.png")
      let within = try masks(picture, "\(folder)/in", lenient + ["--within", "\(folder)/left.png"])
      #expect(within.code == 0, "\(within.errors)")
      let all = try masks(picture, "\(folder)/all")
      #expect(all.code == 0)
      let (found, every) = try (Record.read("\(folder)/in/masks.json"), Record.read("\(folder)/all/masks.json"))
      #expect(!found.isEmpty && found.allSatisfy { $0.point_coords[0][0] < 160 })
      #expect(every.contains { $0.point_coords[0][0] >= 160 })
      let areas = every.map(\.area).sorted()
      let sized = try masks(
        picture, "\(folder)/sized",
        lenient + ["--min-area", "\(areas[0] + 1)", "--max-area", "\(areas[areas.count - 1] - 1)"])
      #expect(sized.code == 0)
      #expect(
        try Record.read("\(folder)/sized/masks.json").map(\.area).sorted()
          == areas.filter { $0 > areas[0] && $0 < areas[areas.count - 1] })
      let disjoint = try masks(picture, "\(folder)/disjoint", lenient + ["--disjoint", "size"])
      #expect(disjoint.code == 0)
      var counts = [Int](repeating: 0, count: 320 * 240)
      for record in try Record.read("\(folder)/disjoint/masks.json") {
        for (pixel, value) in BinaryMask(record.segmentation).pixels.enumerated() {
          counts[pixel] += Int(value)
        }
      }
      var union = [Int](repeating: 0, count: 320 * 240)
      for record in every {
        for (pixel, value) in BinaryMask(record.segmentation).pixels.enumerated() where value == 1 {
          union[pixel] = 1
        }
      }
      #expect(counts == union)
    }
  }

  /// One picture is no picture: the others are done, the exit code tells. Resuming does what is left, and nothing else.
  @Test func aFolderIsGoneThrough() throws {
    try TestFiles.withTemporaryFolder { folder in
      let (input, output) = ("\(folder)/in", "\(folder)/out")
      try FileManager.default.createDirectory(atPath: input, withIntermediateDirectories: false)
      try FileManager.default.copyItem(atPath: picture, toPath: "\(input)/a.png")
      try FileManager.default.copyItem(
        atPath: TestFiles.package("Reference/validation/pictures/02.jpg"), toPath: "\(input)/b.jpg")
      try Data("no picture".utf8).write(to: URL(filePath: "\(input)/broken.png"))
      let run = try masks(input, output)
      #expect(run.code == 2)
      #expect(run.errors.contains("broken.png: expected a JPEG, PNG"))
      struct COCO: Decodable {
        struct Image: Decodable {
          let id: Int
          let file_name: String
          let width: Int
        }
        struct Annotation: Decodable {
          let id: Int
          let image_id: Int
          let segmentation: RunLengthEncoding
          let bbox: [Int]
          let area: Int
        }
        let images: [Image]
        let annotations: [Annotation]
      }
      func coco() throws -> COCO {
        try JSONDecoder().decode(COCO.self, from: Data(contentsOf: URL(filePath: "\(output)/coco.json")))
      }
      let first = try coco()
      #expect(first.images.map(\.file_name) == ["a.png", "b.jpg"])
      #expect(first.images.map(\.width) == [320, 288])
      let records = try ["a", "b"].map { try Record.read("\(output)/\($0)/masks.json") }
      #expect(first.annotations.map(\.area) == records.joined().map(\.area))
      #expect(first.annotations.map(\.id) == Array(1...first.annotations.count))
      #expect(first.annotations.filter { $0.image_id == 2 }.count == records[1].count)
      for annotation in first.annotations {
        let bounds = BinaryMask(annotation.segmentation).bounds
        #expect(annotation.bbox == [bounds.x, bounds.y, bounds.width, bounds.height])
      }
      // What is finished is not touched again; what was altered since is found once more.
      let old = Date(timeIntervalSince1970: 1_000_000_000)
      try FileManager.default.setAttributes(
        [.modificationDate: old], ofItemAtPath: "\(output)/a/masks.json")
      let whole = try contents(of: "\(output)/b")
      try Data("[]".utf8).write(to: URL(filePath: "\(output)/b/masks.json"))
      try FileManager.default.removeItem(atPath: "\(input)/broken.png")
      try FileManager.default.copyItem(atPath: "\(input)/b.jpg", toPath: "\(input)/c.jpg")
      let resumed = try masks(input, output, lenient + ["--resume"])
      #expect(resumed.code == 0, "\(resumed.errors)")
      let attributes = try FileManager.default.attributesOfItem(atPath: "\(output)/a/masks.json")
      #expect(attributes[.modificationDate] as? Date == old)
      #expect(try contents(of: "\(output)/b") == whole)
      #expect(try coco().images.map(\.file_name) == ["a.png", "b.jpg", "c.jpg"])
      #expect(try coco().annotations.count == records[0].count + 2 * records[1].count)
      let other = try masks(input, output, ["--points-per-side", "3", "--resume"])
      #expect(other.code == 2)
      #expect(other.errors.contains("leave out --resume"))
      #expect(names(in: output) == [".masks.journal", "a", "b", "c", "coco.json"])
    }
  }

  @Test func masksAreHeldAsAskedFor() throws {
    try TestFiles.withTemporaryFolder { folder in
      struct Named: Decodable { let segmentation: String }
      struct Listed: Decodable {
        struct Runs: Decodable {
          let size: [Int]
          let counts: [Int]
        }
        let segmentation: Runs
      }
      for mode in ["coco_rle", "uncompressed_rle", "binary_mask"] {
        let run = try masks(picture, "\(folder)/\(mode)", lenient + ["--output-mode", mode])
        #expect(run.code == 0, "\(run.errors)")
      }
      let runs = try Record.read("\(folder)/coco_rle/masks.json").map(\.segmentation)
      func read<Kind: Decodable>(_ mode: String) throws -> [Kind] {
        try JSONDecoder().decode(
          [Kind].self, from: Data(contentsOf: URL(filePath: "\(folder)/\(mode)/masks.json")))
      }
      let lists: [Listed] = try read("uncompressed_rle")
      #expect(lists.map(\.segmentation.counts) == runs.map(\.counts))
      #expect(lists.allSatisfy { $0.segmentation.size == [240, 320] })
      let files: [Named] = try read("binary_mask")
      let masks = try files.map { try BinaryMask.read(path: "\(folder)/binary_mask/\($0.segmentation)") }
      #expect(masks == runs.map { BinaryMask($0) })
    }
  }
}
