/// What a pickle keeps under numbers to come back to. Picklers count from 0, so an array holds what a dictionary would
/// look up; numbers out of that order go to one nevertheless, since the file chooses them.
struct PickleMemo {
  private var first: [PickleMachine.Item] = []
  private var others: [Int: PickleMachine.Item] = [:]

  var count: Int { first.count + others.count }

  /// What is kept under a number.
  subscript(index: Int) -> PickleMachine.Item? {
    get { index < first.count ? first[index] : others.isEmpty ? nil : others[index] }
    set {
      guard let newValue else { return }
      if index < first.count {
        first[index] = newValue
      } else if index == first.count, others.isEmpty {
        first.append(newValue)
      } else {
        others[index] = newValue
      }
    }
  }
}
