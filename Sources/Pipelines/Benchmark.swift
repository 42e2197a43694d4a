import Architecture
import Kernels
import Prompts
import SAM2
import Tensors

/// Seconds of every measured round, and what computed.
public struct Timing: Sendable {
  /// What computed, such as `openblas`.
  public let backend: String
  /// Its version.
  public let backendVersion: String
  /// Which of its kernels ran, such as `SkylakeX`; nil where there is no choice of them.
  public let kernels: String?
  /// Of embedding a picture.
  public fileprivate(set) var imageEncoderSeconds: [Double] = []
  /// Of one prompt on it.
  public fileprivate(set) var promptSeconds: [Double] = []

  fileprivate init(backend: String, backendVersion: String, kernels: String?) {
    self.backend = backend
    self.backendVersion = backendVersion
    self.kernels = kernels
  }
}

extension Model {
  /// Times this model on this machine, after a round to warm up.
  ///
  /// - Parameter rounds: How often to measure.
  /// - Throws: Nothing of its own.
  public func benchmark(rounds: Int) throws -> Timing {
    let size = configuration.imageSize
    // Any picture takes the same time; a ramp keeps the numbers away from special cases.
    let ramp = Tensor([3, size, size]) { pixels in
      for index in pixels.indices { pixels[index] = Float(index % 251) / 125 - 1 }
    }
    let picture = PictureInput(prepared: ramp, width: size, height: size)
    var timing = Timing(
      backend: base.backend.name, backendVersion: base.backend.version, kernels: base.backend.kernels)
    let clock = ContinuousClock()
    for round in 0...rounds {
      let start = clock.now
      let embedded = try EmbeddedPicture(picture, model: self)
      let middle = clock.now
      _ = try embedded.predict(Prompt(points: [Click(x: 1, y: 1)]))
      guard round > 0 else { continue }
      timing.imageEncoderSeconds.append((middle - start) / .seconds(1))
      timing.promptSeconds.append((clock.now - middle) / .seconds(1))
    }
    return timing
  }
}
