// Attention in double precision.
import Foundation
import Tensors

extension DoubleReference {
  static func attention(_ q: Tensor, _ k: Tensor, _ v: Tensor) -> (Shape, [Double]) {
    let (qe, ke, ve) = (q.elements.map(Double.init), k.elements.map(Double.init), v.elements.map(Double.init))
    let (heads, size, queries, keys) = (q.shape[2], q.shape[3], q.shape[1], k.shape[1])
    var result: [Double] = []
    for entry in 0..<q.shape[0] {
      for query in 0..<queries {
        for head in 0..<heads {
          let left = ((entry * queries + query) * heads + head) * size
          let right = { (key: Int) in ((entry * keys + key) * heads + head) * size }
          let weights = (0..<keys).map { key in
            exp((0..<size).reduce(0) { $0 + qe[left + $1] * ke[right(key) + $1] } / Double(size).squareRoot())
          }
          let total = weights.reduce(0, +)
          for i in 0..<size {
            result.append((0..<keys).reduce(0) { $0 + weights[$1] / total * ve[right($1) + i] })
          }
        }
      }
    }
    return (q.shape, result)
  }
}
