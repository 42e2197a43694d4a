// A level of the feature pyramid and its projection as one convolution: pixels times one weight after the other are pixels times
// both weights' product, which has a quarter of the numbers or fewer, and the level, the largest of all tensors, is never there.
import Kernels
import Tensors

extension ProjectedLevel {
  /// Weight Wₚ · Wₗ and bias Wₚ · bₗ + bₚ, summed in double precision; nil for 8 bits, different precisions, or where a pixel
  /// sees others.
  var folded: (layer: ConvolutionLayer, numbers: Numbers)? {
    let both = [lateral, projection]
    guard let numbers = Numbers(projection.site.precision), numbers == Numbers(lateral.site.precision),
      both.allSatisfy({ $0.groups == 1 && ConvolutionGeometry($0).isPointwise })
    else { return nil }
    let (inputs, between) = (lateral.weight.shape[1], lateral.weight.shape[0])
    let outputs = projection.weight.shape[0]
    let (first, second) = (lateral.weight.elements, projection.weight.elements)
    let (shift, last) = (lateral.bias?.elements, projection.bias?.elements)
    var weight: [Float] = []
    var bias: [Float] = []
    for output in 0..<outputs {
      var sums = [Double](repeating: 0, count: inputs)
      var sum = Double(last?[output] ?? 0)
      for channel in 0..<between {
        let factor = Double(second[output * between + channel])
        for input in 0..<inputs { sums[input] += factor * Double(first[channel * inputs + input]) }
        sum += factor * Double(shift?[channel] ?? 0)
      }
      weight += sums.map { Float($0) }
      bias.append(Float(sum))
    }
    let layer = ConvolutionLayer(
      Site(projection.site.path, precision: numbers == .f32 ? .f32 : .bf16),
      weight: Tensor([outputs, inputs, 1, 1], weight), bias: Tensor([outputs], bias))
    return (layer, numbers)
  }
}
