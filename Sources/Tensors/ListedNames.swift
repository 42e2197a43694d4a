extension [String] {
  /// The first few with commas between, and how many more there are.
  package func listed(_ most: Int) -> String {
    prefix(most).joined(separator: ", ") + (count > most ? " and \(count - most) more" : "")
  }
}
