import Kernels
import Tensors
import Testing

@Test func windowsMatchOfficialCode() throws {
  let tokens = try recorded("tokens")
  let (windows, padded) = tokens.windowPartitioned(3)
  #expect(padded == (6, 6))
  #expect(windows.shape == [8, 3, 3, 3])
  #expect(try windows.elements == recorded("tokens.windows.3").elements)
  let back = windows.windowUnpartitioned(size: 3, padded: padded, height: 5, width: 4)
  #expect(back.shape == tokens.shape)
  #expect(back.elements == tokens.elements)
}

/// Stage 3 of SAM 2.1 tiny: 64 × 64 tokens in windows of 14 are padded to 70 × 70.
@Test func paddedWindowsComeBack() {
  let tokens = positions([1, 64, 64, 5])
  let (windows, padded) = tokens.windowPartitioned(14)
  #expect(windows.shape == [25, 14, 14, 5])
  #expect(padded == (70, 70))
  #expect(
    windows.windowUnpartitioned(size: 14, padded: padded, height: 64, width: 64).elements == tokens.elements)
}
