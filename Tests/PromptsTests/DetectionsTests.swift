// COCO's and labelme's JSON as prompts. What is expected is what the formats' descriptions say.
import Prompts
import Testing

@Suite struct DetectionsTests {
  private func prompts(
    _ json: String, of picture: String = "a/x.jpg", minimumScore: Double = 0
  ) throws -> [ObjectPrompt] {
    try Detections(json: json.utf8, path: "d.json").prompts(of: picture, minimumScore: minimumScore).prompts
  }

  /// COCO's boxes are x, y, width, height.
  @Test func scoresAreReachedOrLeftOut() throws {
    let json = """
      [{"image_id": 1, "bbox": [1, 2, 30, 40], "score": 0.5}, {"image_id": 1, "bbox": [5, 6, 7, 8], "score": 0.25},
       {"image_id": 1, "bbox": [9, 9, 1, 1]}]
      """
    let detections = try Detections(json: json.utf8, path: "d.json")
    let found = try detections.prompts(of: "x.jpg", minimumScore: 0.5, frame: 3)
    #expect(found.leftOut == 1)
    #expect(
      found.prompts == [
        ObjectPrompt(object: 1, frame: 3, box: Box(x0: 1, y0: 2, x1: 31, y1: 42)),
        ObjectPrompt(object: 2, frame: 3, box: Box(x0: 9, y0: 9, x1: 10, y1: 10)),
      ])
    #expect(try prompts(json, minimumScore: 0.25).count == 3)
    #expect(throws: PromptError.self) {
      try prompts("[{\"bbox\": [1, 2, 3, 4], \"score\": 0.4}]", minimumScore: 0.5)
    }
  }

  /// Of several pictures those that are about the one are taken: by its file's name, its stem, or the number that it ends in.
  @Test(arguments: [
    ("x.jpg", "7", #""images": [{"id": 7, "file_name": "train/x.jpg"}, {"id": 8, "file_name": "y.jpg"}],"#),
    ("x.jpg", #""x""#, ""), ("COCO_val2014_000000000007.jpg", "7", ""), ("0007.png", "7", ""),
  ])
  func detectionsAreOfTheirPicture(picture: String, id: String, images: String) throws {
    let json = """
      {\(images) "annotations": [{"image_id": 8, "bbox": [1, 1, 1, 1]}, {"image_id": \(id), "bbox": [2, 2, 2, 2]}]}
      """
    #expect(try prompts(json, of: "/some/\(picture)").map(\.box) == [Box(x0: 2, y0: 2, x1: 4, y1: 4)])
    #expect {
      try prompts(json, of: "z.jpg")
    } throws: {
      "\($0)".contains("expected detections of z.jpg, found those of 2 other pictures")
    }
  }

  /// A file that says how large its picture is isn't for one of another size.
  @Test(arguments: [
    #"{"imageWidth": 640, "imageHeight": 480, "shapes": [{"shape_type": "point", "points": [[3, 4]]}]}"#,
    #"{"images": [{"id": 1, "width": 640, "height": 480}], "annotations": [{"image_id": 1, "bbox": [1, 1, 2, 2]}]}"#,
  ])
  func detectionsAreForTheirPicturesSize(json: String) throws {
    let found = try Detections(json: json.utf8, path: "d.json").prompts(of: "x.jpg", minimumScore: 0)
    #expect(found.size == PictureSize(width: 640, height: 480, place: "d.json"))
    var script = PromptScript(objects: found.prompts)
    script.size = found.size
    try script.check(width: 640, height: 480)
    for (width, height) in [(480, 640), (640, 479), (320, 240)] {
      #expect {
        try script.check(width: width, height: height)
      } throws: {
        "\($0)" == "d.json: expected detections of \(width) × \(height) pixels, found those of 640 × 480"
      }
    }
  }

  @Test func aPictureMayBeOnePixel() throws {
    let json = #"{"imageWidth": 1, "imageHeight": 1, "shapes": [{"shape_type": "point", "points": [[0,0]]}]}"#
    let found = try Detections(json: json.utf8, path: "d.json").prompts(of: "x.jpg", minimumScore: 0)
    #expect(found.size == PictureSize(width: 1, height: 1, place: "d.json"))
  }

  /// COCO's `size` is height, width.
  @Test(
    arguments: [
      (#""size": [4, 5], "counts": ":;a0""#, .runs(width: 5, height: 4, counts: ":;a0")),
      (#""size": [2, 3], "counts": [1, 5]"#, .lengths(width: 3, height: 2, counts: [1, 5])),
    ] as [(String, PromptMask)])
  func runLengthsHaveTheirPicturesSize(runs: String, mask: PromptMask) throws {
    let found = try prompts("[{\"segmentation\": {\(runs)}}]")
    #expect(found.map { $0.mask.map { PromptMask($0) } } == [mask])
  }

  @Test(arguments: [
    (#"[{"bbox": [1, 2, 3, 4],\#n"score": "x"}]"#, "d.json:2: expected a number as `score`, found \"x\""),
    (
      #"{"imageWidth": "a", "imageHeight": 1, "shapes": []}"#,
      "d.json:1: expected `imageWidth` and `imageHeight` of pixels, found \"a\" and 1"
    ),
    (
      #"{"images": [{"id": 1, "width": 0, "height": 5}], "annotations": []}"#,
      "d.json:1: expected `width` and `height` of pixels, found 0 and 5"
    ),
  ])
  func whatADetectionMayNotSayIsNamed(json: String, message: String) {
    let error = #expect(throws: PromptError.self) { try prompts(json) }
    #expect(error?.description == message)
  }

  @Test func labelmesShapesOfAGroupAreOneObject() throws {
    let json = """
      {"shapes": [{"label": "a", "group_id": 4, "points": [[0, 0], [5, 0], [5, 5]]},
        {"label": "b", "shape_type": "rectangle", "points": [[9, 8], [1, 2]]},
        {"label": "a", "group_id": 4, "points": [[7, 7], [9, 7], [9, 9.5]]},
        {"label": "c", "shape_type": "point", "group_id": 1, "points": [[3, 4]]},
        {"label": "c", "shape_type": "point", "group_id": 1, "points": [[5, 6]]}]}
      """
    let found = try prompts(json)
    #expect(found.map(\.object) == [1, 2, 3])
    let outlines = [[0, 0, 5, 0, 5, 5], [7, 7, 9, 7, 9, 9.5]]
    #expect(found[0].mask.map { PromptMask($0) } == .polygons(outlines))
    #expect(found[1].box == Box(x0: 1, y0: 2, x1: 9, y1: 8))
    #expect(found[2].points == [Click(x: 3, y: 4), Click(x: 5, y: 6)])
  }

  /// What a prompt carries as a text is what it was; names of files stay names.
  @Test func masksAreTheirTexts() {
    for mask: PromptMask in [
      .polygons([[1, 2.5, 3, 4, 5, -6]]), .polygons([[0, 0, 1, 1, 2, 2], [3, 3, 4, 4, 5, 5]]),
      .runs(width: 5, height: 4, counts: ":;a0"), .lengths(width: 2, height: 3, counts: [0, 6]),
      .object(12, of: "a#b.png"), .file("a.png"), .file("coco:x"), .file("polygon:1,2"), .file("a.png#0"),
    ] { #expect(PromptMask(mask.text) == mask, "\(mask)") }
  }
}
