import CVector
import Kernels

// Weights or inputs below the least normal number, 1.2e-38, are many times slower to multiply than others. The fast
// backend's tiles take them for zero, which no sum of theirs can tell; the reference computes with them.

/// As the function of the same name in `Kernels`, with numbers below the least normal one taken for zero.
func parallelFor(_ count: Int, grain: Int = 1, _ body: (Range<Int>) -> Void) {
  parallelFor(count, grain: grain, scratch: 0) { range, _ in body(range) }
}

/// As the function of the same name in `Kernels`, with numbers below the least normal one taken for zero.
func parallelFor(
  _ count: Int, grain: Int, scratch: Int, _ body: (Range<Int>, UnsafeMutablePointer<Float>) -> Void
) {
  Kernels.parallelFor(count, grain: grain, scratch: scratch) { range, memory in
    let mode = cvector_flush_subnormals()
    body(range, memory)
    cvector_set_floating_mode(mode)
  }
}
