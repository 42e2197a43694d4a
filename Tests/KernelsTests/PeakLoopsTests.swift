// The loops that show what a processor gives at most: they do what they are timed for.
import CVector
import Testing

/// All loops that this processor has, with what they are for.
private var loops: [(name: String, loop: cvector_peaks_loop)] {
  let ranked = [("f32", cvector_peaks_f32), ("bf16", cvector_peaks_bf16), ("int8", cvector_peaks_int8)]
  return ranked.flatMap { name, loop in
    (0..<8).map { (name, loop($0)) }.prefix { $0.1.instructions != nil }
  }
}

@Test func everyProcessorMultipliesFloat32AndRanksEnd() {
  #expect(cvector_peaks_f32(0).instructions != nil)
  for ranked in [cvector_peaks_f32, cvector_peaks_bf16, cvector_peaks_int8] {
    let past = ranked(8)
    #expect(past.instructions == nil && past.sum == nil && past.products == 0)
  }
}

/// Each product of ones is 1, so that their sum counts them.
@Test(arguments: [0, 1, 7, 1000, 1 << 18]) func loopsMultiplyAsOftenAsTheySay(rounds: Int) throws {
  #expect(CVECTOR_PEAKS_ROUNDS == 1 << 18)
  for (name, loop) in loops {
    let sum = try #require(loop.sum)
    #expect(loop.products > 0)
    #expect(
      sum(rounds) == Double(loop.products) * Double(rounds),
      "\(name) by \(loop.instructions.map { String(cString: $0) } ?? "")")
  }
}

@Test(arguments: [0, 1, 31, 32, 33, 1000]) func readingAddsEveryElement(count: Int) {
  let numbers = (0..<count).map { UInt64($0 + 1) &* 0x9e37_79b9_7f4a_7c15 }
  #expect(cvector_peaks_read(numbers, count) == numbers.reduce(0, &+))
}
