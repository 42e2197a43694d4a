import Kernels
import OpenBLASBackend
import Tensors
import Testing

@Test(arguments: [(1, 1, 1, 1), (3, 5, 7, 2), (2, 300, 4, 9)])
func matmulMatchesReference(batch: Int, m: Int, k: Int, n: Int) throws {
  let (a, b) = (noise([batch, 1, m, k], seed: 1), noise([batch, 1, k, n], seed: 2))
  expectClose(try OpenBLASBackend().matmul(a, b), DoubleReference.matmul(a, b))
}
