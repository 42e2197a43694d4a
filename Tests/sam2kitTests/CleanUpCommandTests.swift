import Foundation
import Masks
import Media
import Testing
import TestSupport

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
private let picture = TestFiles.package("Reference/micro.png")
private let objects = ["--point", "100,120", "--point", "2:220,90", "--box", "3:20,20,300,220"]

private func segment(_ output: String, _ arguments: [String] = []) throws -> Program.Outcome {
  try Program.run(["segment", "--model", micro, "--image", picture, "--output", output] + objects + arguments)
}

private func masks(_ folder: String) throws -> [BinaryMask] {
  try (0..<3).map { try BinaryMask.read(path: "\(folder)/mask_\($0).png") }
}

private func decoded<Kind: Decodable>(_ path: String, as kind: Kind.Type) throws -> Kind {
  try JSONDecoder().decode(kind, from: Data(contentsOf: URL(filePath: path)))
}

@Suite struct CleanUpCommandTests {
  /// Each option does to a mask what the library does to it, in the library's order.
  @Test func segmentedMasksAreCleaned() throws {
    try TestFiles.withTemporaryFolder { folder in
      let plain = try segment("\(folder)/plain")
      #expect(plain.code == 0, "\(plain.errors)")
      let raw = try masks("\(folder)/plain")
      var cleanUp = CleanUp()
      (cleanUp.holeArea, cleanUp.islandArea, cleanUp.smoothing) = (50, 400, 2)
      cleanUp.opening = MorphologyKernel(.ellipse, size: 9)
      cleanUp.closing = MorphologyKernel(.cross, size: 5)
      cleanUp.keepsLargest = true
      let cleaned = try segment(
        "\(folder)/cleaned",
        [
          "--fill-holes", "50", "--remove-islands", "400", "--open", "ellipse:9", "--close", "cross:5",
          "--smooth", "2",
          "--largest-component",
        ])
      #expect(cleaned.code == 0, "\(cleaned.errors)")
      let found = try masks("\(folder)/cleaned")
      #expect(found == raw.map { cleanUp($0) })
      #expect(found != raw)
    }
  }

  /// A square that is larger than the picture fits into no mask.
  @Test func emptyMasksAreSaid() throws {
    try TestFiles.withTemporaryFolder { folder in
      let opened = try segment(folder, ["--open", "square:1001"])
      #expect(opened.code == 0, "\(opened.errors)")
      for object in 1...3 {
        #expect(opened.output.contains("  object \(object)  0 pixels  "), "\(opened.output)")
        #expect(opened.errors.contains("object \(object): no pixel is in its mask "), "\(opened.errors)")
      }
    }
  }

  @Test func objectsCanBeKeptApart() throws {
    try TestFiles.withTemporaryFolder { folder in
      #expect(try segment("\(folder)/plain").code == 0)
      let apart = try segment("\(folder)/apart", ["--no-overlap"])
      #expect(apart.code == 0, "\(apart.errors)")
      struct Report: Decodable {
        struct Mask: Decodable { let predicted_iou: Float }
        let masks: [Mask]
      }
      let scores = try decoded("\(folder)/plain/prediction.json", as: Report.self).masks.map(\.predicted_iou)
      let (raw, found) = try (masks("\(folder)/plain"), masks("\(folder)/apart"))
      var isShared = false
      for pixel in raw[0].pixels.indices {
        let there = raw.indices.filter { raw[$0].pixels[pixel] == 1 }
        let kept = found.indices.filter { found[$0].pixels[pixel] == 1 }
        #expect(kept == Array(there.sorted { scores[$0] > scores[$1] }.prefix(1)))
        isShared = isShared || there.count > 1
      }
      #expect(isShared)
    }
  }

  @Test func trackedMasksAreCleaned() throws {
    try TestFiles.withTemporaryFolder { folder in
      let asked = ["--prompts", Clip.prompts("clicks")]
      let plain = try Clip.track(asked, into: "\(folder)/plain")
      let cleaned = try Clip.track(asked + ["--open", "square:5"], into: "\(folder)/cleaned")
      #expect(plain.code == 0 && cleaned.code == 0, "\(cleaned.errors)")
      let (raw, found) = try (
        TracksReport(folder: "\(folder)/plain"), TracksReport(folder: "\(folder)/cleaned")
      )
      #expect(raw.frames.count == found.frames.count)
      var hasChanged = false
      for (frame, other) in zip(raw.frames, found.frames) {
        for (object, cleaned) in zip(frame.objects, other.objects) {
          let expected = try object.mask.opened(by: MorphologyKernel(.square, size: 5))
          #expect(try cleaned.mask == expected)
          hasChanged = try hasChanged || expected != object.mask
        }
      }
      #expect(hasChanged)
    }
  }

  /// Polygons of each kind of file, filled again, are the masks.
  @Test func outlinesAreTheMasks() throws {
    struct COCO: Decodable {
      struct Annotation: Decodable {
        let id: Int
        let area: Int
        let segmentation: [[Double]]
      }
      let annotations: [Annotation]
    }
    struct Features: Decodable {
      struct Feature: Decodable {
        struct Geometry: Decodable {
          let type: String
          let coordinates: [[[[Double]]]]
        }
        let id: Int
        let geometry: Geometry
      }
      let type: String
      let features: [Feature]
    }
    try TestFiles.withTemporaryFolder { folder in
      let run = try segment(folder, ["--outlines", "coco", "--outlines", "geojson", "--outlines", "svg"])
      #expect(run.code == 0, "\(run.errors)")
      let raw = try masks(folder)
      let annotations = try decoded("\(folder)/outlines.coco.json", as: COCO.self).annotations
      let collection = try decoded("\(folder)/outlines.geojson", as: Features.self)
      #expect(annotations.map(\.id) == [1, 2, 3] && collection.features.map(\.id) == [1, 2, 3])
      #expect(collection.type == "FeatureCollection")
      for (index, mask) in raw.enumerated() {
        var filled = [UInt8](repeating: 0, count: mask.pixels.count)
        for polygon in annotations[index].segmentation {
          let part = BinaryMask(try RunLengthEncoding(width: mask.width, height: mask.height, polygon: polygon))
          filled = zip(filled, part.pixels).map { $0 | $1 }
        }
        #expect(filled == mask.pixels && annotations[index].area == mask.area)
        let geometry = collection.features[index].geometry
        #expect(geometry.type == "MultiPolygon")
        // Shells count, holes, which go round the other way, are taken off.
        let area = geometry.coordinates.joined().reduce(0.0) { sum, ring in
          #expect(ring.first == ring.last)
          return sum
            + zip(ring, ring.dropFirst()).reduce(0) { $0 + ($1.0[0] * $1.1[1] - $1.1[0] * $1.0[1]) / 2 }
        }
        #expect(area == Double(mask.area))
      }
      let svg = try String(contentsOfFile: "\(folder)/outlines.svg", encoding: .utf8)
      #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
      #expect(svg.components(separatedBy: "<path id=\"mask_").count == 4)
      let fewer = try segment("\(folder)/fewer", ["--outlines", "svg", "--tolerance", "2"])
      #expect(fewer.code == 0)
      #expect(try String(contentsOfFile: "\(folder)/fewer/outlines.svg", encoding: .utf8).count < svg.count)
    }
  }

  @Test func generatedMasksAreCleaned() throws {
    struct Record: Decodable { let segmentation: RunLengthEncoding }
    try TestFiles.withTemporaryFolder { folder in
      let arguments = [
        "masks", "--model", micro, "--image", picture, "--points-per-side", "4", "--pred-iou-thresh", "0.5",
        "--stability-score-thresh", "0.7",
      ]
      let plain = try Program.run(arguments + ["--output", "\(folder)/plain"])
      let cleaned = try Program.run(
        arguments + ["--output", "\(folder)/cleaned", "--open", "square:9", "--outlines", "svg"])
      #expect(plain.code == 0 && cleaned.code == 0, "\(cleaned.errors)")
      let raw = try decoded("\(folder)/plain/masks.json", as: [Record].self).map { BinaryMask($0.segmentation) }
      let found = try decoded("\(folder)/cleaned/masks.json", as: [Record].self).map {
        BinaryMask($0.segmentation)
      }
      let expected = raw.map { $0.opened(by: MorphologyKernel(.square, size: 9)) }.filter { $0.area > 0 }
      #expect(found == expected && found != raw)
      #expect(FileManager.default.fileExists(atPath: "\(folder)/cleaned/outlines.svg"))
    }
  }

  @Test(arguments: [
    ["--open", "circle:3"], ["--close", "square"], ["--open", "square:0"], ["--fill-holes", "-1"],
    ["--tolerance", "2"], ["--outlines", "svg", "--tolerance", "-1"], ["--outlines", "pdf"],
  ]) func whatCannotBeMeantIsUsage(_ arguments: [String]) throws {
    #expect(try segment("/nowhere", arguments).code == 64)
  }
}
