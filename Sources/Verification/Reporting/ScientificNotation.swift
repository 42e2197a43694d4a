import Foundation

/// An error or a tolerance in words: three digits and an exponent, and a plain zero.
func scientific(_ value: Double) -> String { value == 0 ? "0" : String(format: "%.2e", value) }
