// Which of OpenBLAS's kernels suit a processor. OpenBLAS knows processors by their model numbers; one that is newer than it
// gets kernels of 2004. The names of core types: OpenBLAS, driver/others/dynamic.c.
import COpenBLAS

/// What a processor can do and its system lets it do, as far as OpenBLAS has kernels for it.
enum Processor: Int, CaseIterable {
  case any, avx2, avx512

  /// This machine's.
  static var own: Processor { Processor(rawValue: Int(copenblas_processor())) ?? .any }
}

/// OpenBLAS's kernels for one kind of processor, under the name that OpenBLAS and `OPENBLAS_CORETYPE` have for them.
struct CoreType: Equatable {
  let name: String

  static let prescott = CoreType(name: "Prescott")
  static let haswell = CoreType(name: "Haswell")
  static let skylakeX = CoreType(name: "SkylakeX")

  /// How much of a processor they use: SSE, AVX, AVX2 or vectors of 128 bits with FMA, AVX-512, AVX-512 with 16-bit floats;
  /// nil where this code doesn't know them.
  private var rank: Int? {
    switch name {
    case "Prescott", "Core2", "Penryn", "Dunnington", "Nehalem", "Atom", "Nano", "Opteron", "Opteron_SSE3",
      "Barcelona", "Bobcat":
      0
    case "Sandybridge": 1
    case "Haswell", "Zen", "Bulldozer", "Piledriver", "Steamroller", "Excavator": 2
    case "SkylakeX": 3
    case "Cooperlake", "SapphireRapids": 4
    default: nil
    }
  }

  /// What runs on a processor, the best first. Those above SkylakeX are no faster in Float32.
  private static func running(on processor: Processor) -> [CoreType] {
    switch processor {
    case .avx512: [.skylakeX, .haswell, .prescott]
    case .avx2: [.haswell, .prescott]
    case .any: []
    }
  }

  /// What uses more of a processor than this, OpenBLAS's own choice; nil where that is good.
  func better(on processor: Processor) -> CoreType? {
    guard let rank, let best = Self.running(on: processor).first, let most = best.rank, rank < most else {
      return nil
    }
    return best
  }

  /// What to try where these compute wrong products: what uses less of a processor, the best first.
  func weaker(on processor: Processor) -> [CoreType] {
    Self.running(on: processor).filter { ($0.rank ?? 0) < (rank ?? .max) }
  }
}
