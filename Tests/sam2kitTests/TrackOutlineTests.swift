import Foundation
import Masks
import Media
import Testing
import TestSupport

private struct COCO: Decodable {
  struct Annotation: Decodable {
    let id: Int
    let image_id: Int
    let object: Int
    let area: Int
    let segmentation: [[Double]]
  }
  struct Image: Decodable {
    let id: Int
    let file_name: String
    let width: Int
    let height: Int
  }
  let annotations: [Annotation]
  let images: [Image]
}

private struct Features: Decodable {
  struct Feature: Decodable {
    struct Properties: Decodable {
      let area: Int
      let frame: Int
      let object: Int
    }
    let id: Int
    let properties: Properties
  }
  let features: [Feature]
}

private func decoded<Kind: Decodable>(_ path: String, as kind: Kind.Type) throws -> Kind {
  try JSONDecoder().decode(kind, from: Data(contentsOf: URL(filePath: path)))
}

@Suite struct TrackOutlineTests {
  private let prompts = ["--box", "2:38,18,86,58", "--point", "1:44,84", "--frame", "20"]
  private let formats = ["--outlines", "coco", "--outlines", "geojson", "--outlines", "svg"]

  @Test func polygonsCoverTheMasksOfEveryFrame() throws {
    try TestFiles.withTemporaryFolder { folder in
      let run = try Clip.track(prompts + formats, into: folder)
      #expect(run.code == 0, "\(run.errors)")
      let frames = try TracksReport(folder: folder).frames
      let seen = frames.flatMap { frame in frame.objects.filter { $0.area > 0 }.map { (frame: frame.frame, $0) }
      }
      #expect(seen.count > 4)
      let coco = try decoded("\(folder)/outlines.coco.json", as: COCO.self)
      #expect(coco.images.map(\.id) == Array(20...23) && coco.images.map(\.file_name) == frames.map(\.mask))
      #expect(coco.images.allSatisfy { $0.width == Clip.width && $0.height == Clip.height })
      #expect(coco.annotations.map(\.id) == Array(1...seen.count))
      for (annotation, (frame, object)) in zip(coco.annotations, seen) {
        #expect(annotation.image_id == frame && annotation.object == object.object)
        #expect(annotation.area == object.area)
        let mask = try object.mask
        var filled = [UInt8](repeating: 0, count: mask.pixels.count)
        for polygon in annotation.segmentation {
          let part = BinaryMask(try RunLengthEncoding(width: mask.width, height: mask.height, polygon: polygon))
          filled = zip(filled, part.pixels).map { $0 | $1 }
        }
        #expect(filled == mask.pixels)
      }
      let features = try decoded("\(folder)/outlines.geojson", as: Features.self).features
      #expect(features.map(\.id) == Array(1...seen.count))
      #expect(features.map(\.properties.frame) == seen.map(\.frame))
      #expect(features.map(\.properties.object) == seen.map(\.1.object))
      #expect(features.map(\.properties.area) == seen.map(\.1.area))
      let svg = try String(contentsOfFile: "\(folder)/outlines.svg", encoding: .utf8)
      #expect(svg.components(separatedBy: "<path ").count == seen.count + 1)
      #expect(svg.contains("<g id=\"frame_20\">") && svg.contains("<g id=\"frame_23\" display=\"none\">"))
      #expect(svg.components(separatedBy: "<g").count == svg.components(separatedBy: "</g>").count)
    }
  }

  @Test func outlinesOfAnEarlierTrackGoWithItsReport() throws {
    try TestFiles.withTemporaryFolder { folder in
      #expect(try Clip.track(prompts + formats, into: folder).code == 0)
      try Data().write(to: URL(fileURLWithPath: "\(folder)/outlines.txt"))
      #expect(try Clip.track(prompts + ["--outlines", "svg"], into: folder).code == 0)
      #expect(names(in: folder).filter { $0.hasPrefix("outlines") } == ["outlines.svg", "outlines.txt"])
    }
  }

  /// The model sees the same as in a clip that somebody made smaller before, so the same scores come out.
  @Test func longestSideIsThatOfASmallerClip() throws {
    try TestFiles.withTemporaryFolder { folder in
      let smaller = "\(folder)/frames"
      try FileManager.default.createDirectory(atPath: smaller, withIntermediateDirectories: true)
      let source = try openFrameSource(path: Clip.frames)
      for index in 18..<Clip.frameCount {
        guard let picture = try source.frame(at: index)?.picture else { continue }
        let small = picture.resizedBicubic(width: Clip.width / 2, height: Clip.height / 2)
        try small.write(path: "\(smaller)/\(index - 18).png")
      }
      let whole = try Clip.track(
        "--box", "38,18,86,58", "--from", "18", "--frame", "18", into: "\(folder)/whole")
      let asked = try Clip.track(
        "--box", "38,18,86,58", "--from", "18", "--frame", "18", "--max-side", "80", into: "\(folder)/asked")
      let made = try Clip.track("--box", "19,9,43,29", video: smaller, into: "\(folder)/made")
      #expect(
        whole.code == 0 && asked.code == 0 && made.code == 0, "\(whole.errors)\(asked.errors)\(made.errors)")
      func scores(_ name: String) throws -> [[Float]] {
        try TracksReport(folder: "\(folder)/\(name)").frames.map {
          $0.objects.flatMap { [$0.score, $0.object_score] }
        }
      }
      #expect(try scores("asked").count == 6)
      #expect(try scores("asked") == scores("made"))
      #expect(try scores("asked") != scores("whole"))
      let report = try TracksReport(folder: "\(folder)/asked")
      #expect(report.video.width == Clip.width && report.video.height == Clip.height)
    }
  }

  @Test(arguments: [["--max-side", "0"], ["--tolerance", "1"], ["--outlines", "png"]])
  func whatCannotBeMeantIsUsage(_ arguments: [String]) throws {
    #expect(try Clip.track(["--point", "44,84"] + arguments, into: "/nowhere").code == 64)
  }
}
