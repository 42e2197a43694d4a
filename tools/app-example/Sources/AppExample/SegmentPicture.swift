import Pipelines

func segmentPicture(model: String, picture: String, output: String) throws {
  let model = try Model(path: model)
  let found = try model.segment(
    picture: picture,
    objects: [
      ObjectPrompt(object: 1, points: [Click(x: 104, y: 132), Click(x: 214, y: 70, isObject: false)]),
      ObjectPrompt(object: 2, box: Box(x0: 168, y0: 34, x1: 282, y1: 156)),
    ])
  for mask in found.masks {
    print("object \(mask.object): \(mask.mask.area) pixels, estimated IoU \(mask.predictedIoU)")
  }
  try found.write(to: output)  // PNG masks, an overlay, prediction.json
}
