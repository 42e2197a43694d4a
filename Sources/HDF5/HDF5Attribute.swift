/// The value of an attribute: a small fact attached to a group or dataset.
public enum HDF5Attribute: Equatable, Sendable {
  /// Text in UTF-8.
  case string(String)
  /// A whole number.
  case integer(Int64)
  /// A real number.
  case real(Double)
}
