import Testing

@testable import Checkpoints

@Suite struct Float32ConversionTests {
  @Test func widensEveryHalf() {
    // numpy: np.array([bits], np.uint16).view(np.float16).astype(np.float32)
    let cases: [(UInt16, Float)] = [
      (0x0000, 0), (0x3c00, 1), (0xc000, -2), (0x7bff, 65504), (0x0400, 6.103515625e-05),
      (0x0001, 5.9604644775390625e-08), (0x83ff, -6.097555160522461e-05), (0x3555, 0.333251953125),
      (0x7c00, .infinity), (0xfc00, -.infinity),
    ]
    for (bits, number) in cases { #expect(float(half: bits) == number) }
    #expect(float(half: 0x8000).bitPattern == 0x8000_0000)
    #expect(float(half: 0x7e01).bitPattern == 0x7fc0_2000)
  }
}
