/// Numbers that look random and are the same on every machine: the n-th output of SplitMix64, reached directly.
///
/// Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014, figures 13 to 16.
public struct CounterHash: Sendable {
  private let key: UInt64

  /// The golden ratio as a 64-bit fraction, made odd.
  private static let gamma: UInt64 = 0x9e37_79b9_7f4a_7c15

  /// The sequence of one name under a seed; the name enters as the 64-bit FNV-1a hash of its UTF-8.
  public init(seed: UInt64, name: String) {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    key = Self.mix(Self.mix(seed &+ Self.gamma) ^ hash)
  }

  /// The number at a position.
  @inline(__always)
  public subscript(index: Int) -> UInt64 {
    Self.mix(key &+ (UInt64(truncatingIfNeeded: index) &+ 1) &* Self.gamma)
  }

  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    var bits = value
    bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
    bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
    return bits ^ (bits >> 31)
  }
}
