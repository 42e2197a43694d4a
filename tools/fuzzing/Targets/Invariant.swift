// What every fuzz target shares: its input as bytes, and how it says that an invariant does not hold.

/// Ends the program, which libFuzzer reports together with the input, unless `holds`.
func require(_ holds: Bool, _ invariant: @autoclosure () -> String) {
  if !holds { fatalError("invariant: \(invariant())") }
}

/// The input, valid while the target runs.
func input(_ start: UnsafePointer<UInt8>, _ count: Int) -> UnsafeRawBufferPointer {
  UnsafeRawBufferPointer(start: start, count: count)
}
