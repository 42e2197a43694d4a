import Kernels
import Tensors
import Testing

@Test(arguments: ["nearest", "bilinear", "bicubic"], [(5, 8), (7, 9), (3, 2)])
func resizingMatchesPyTorch(mode: String, size: (height: Int, width: Int)) throws {
  let kinds: [String: Interpolation] = ["nearest": .nearest, "bilinear": .bilinear, "bicubic": .bicubic]
  let resized = try recorded("image").resized(to: size, by: #require(kinds[mode]))
  expectClose(resized, try recorded("image.\(mode).\(size.height)x\(size.width)"), tolerance: 2e-6)
}

@Test func sameSizeKeepsEveryElement() throws {
  let image = try recorded("image")
  #expect(image.resized(to: (5, 4), by: .bicubic).elements == image.elements)
}
