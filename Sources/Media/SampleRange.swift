// Which samples of a picture of more than eight bits are black and which are white.

/// How samples of more than eight bits become eight.
public enum SampleRange: Sendable, Equatable {
  /// As Pillow's `convert("RGB")` does it: grey is clipped to 0…255, colours keep their upper eight bits.
  case pillow
  /// The least sample of a picture, or of all frames of a folder, is black and the largest white.
  case automatic
  /// One sample is black, one is white; what lies beyond them is that, too.
  case fixed(black: Double, white: Double)

  /// What `automatic` comes to, given the least and the largest sample.
  func settled(_ span: () throws(MediaError) -> ClosedRange<Double>?) throws(MediaError) -> SampleRange {
    guard case .automatic = self, let span = try span() else { return self }
    return .fixed(black: span.lowerBound, white: max(span.upperBound, span.lowerBound.nextUp))
  }

  /// What is said where there is nothing that a range could be of.
  var ignoredNotes: [String] {
    self == .pillow ? [] : ["8 bits per sample, to which --range does nothing"]
  }

  /// What the user is told where grey was clipped.
  static let offer = "--range auto or --range BLACK,WHITE shows what is there"
}

extension Optional<ClosedRange<Double>> {
  /// The range of both.
  func joined(with other: Self) -> Self {
    guard let self, let other else { return self ?? other }
    return min(self.lowerBound, other.lowerBound)...max(self.upperBound, other.upperBound)
  }
}

/// Samples of more than eight bits, before they are made eight: `height · width · channels`.
struct DeepSamples {
  let samples: [Double]
  /// 1 for grey, 3 for colours.
  let channels: Int

  /// The least and the largest; nil where there is none that is a number.
  var span: ClosedRange<Double>? {
    let numbers = samples.lazy.filter(\.isFinite)
    guard let least = numbers.min(), let largest = numbers.max() else { return nil }
    return least...largest
  }

  /// What became of grey where Pillow clips it, and what to do where that leaves little.
  func clippingNote(bits: Int) -> String { Self.clippingNote(bits: bits, clips: samples.contains { $0 > 255 }) }

  /// What became of grey where Pillow clips it, and what to do where that leaves little.
  static func clippingNote(bits: Int, clips: Bool) -> String {
    let note = "\(bits)-bit greyscale clipped to 0...255, as Pillow's convert does"
    return clips ? "\(note): samples above are all white; \(SampleRange.offer)" : note
  }

  /// What became of samples that a range was given for.
  static func rangeNote(bits: Int, black: Double, white: Double) -> String {
    "\(bits)-bit samples from \(black) to \(white) made 0...255, as asked"
  }

  /// Interleaved RGB with one sample as black and one as white.
  func pixels(black: Double, white: Double) -> [UInt8] {
    let scale = 255 / (white - black)
    let levels = samples.map { sample in
      sample.isNaN ? 0 : UInt8(max(0, min(255, (sample - black) * scale)).rounded())
    }
    return channels == 3 ? levels : levels.flatMap { [$0, $0, $0] }
  }
}
