import Pipelines

func trackClip(model: String, video: String, output: String) throws {
  let model = try Model(path: model)
  let objects = [
    ObjectPrompt(object: 1, points: [Click(x: 44, y: 84)]),
    ObjectPrompt(object: 2, frame: 4, box: Box(x0: 38, y0: 18, x1: 86, y1: 58)),
  ]
  let request = TrackRequest(video: video, prompts: PromptScript(objects: objects), output: output)
  let result = try model.track(request) { event in
    guard case .progress(let progress) = event else { return }
    print("\(progress.done) of \(progress.total ?? 0) frames in \(progress.seconds) s")
  } isCancelled: {
    false  // or what a button has set
  } visit: { frame in
    for object in frame.objects { print("object \(object.object): \(object.mask.area) pixels") }
  }
  print("\(result.frameCount) frames: \(result.report)")  // beside it an indexed PNG for each
}
