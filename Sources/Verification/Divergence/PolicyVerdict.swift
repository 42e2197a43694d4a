extension TolerancePolicy {
  /// Whether an array of that name and those metrics passes.
  func accepts(_ metrics: ErrorMetrics, of name: String) -> Bool {
    tolerance(for: name).breaches(metrics).isEmpty
  }

  /// The relative error below which a cause counts as found: the policy's own limit, or what Float32 layers differ by.
  func relativeLimit(for name: String) -> Double { tolerance(for: name).relative ?? 1e-4 }
}
