import Kernels
import Taps
import Tensors

/// How a tensor lies here, where PyTorch has it otherwise.
enum Layout: Sendable {
  case same
  /// `[B, H, W, C]` here, `[B, C, H, W]` there.
  case channelsLast
  /// `[B, N, C]` here, `[N, B, C]` there.
  case batchFirst

  /// As PyTorch has it.
  func offered(_ x: Tensor) -> Tensor {
    switch self {
    case .same: x
    case .channelsLast: x.permuted(0, 3, 1, 2)
    case .batchFirst: x.permuted(1, 0, 2)
    }
  }

  /// As it lies here.
  func restored(_ x: Tensor) -> Tensor {
    switch self {
    case .same: x
    case .channelsLast: x.permuted(0, 2, 3, 1)
    case .batchFirst: x.permuted(1, 0, 2)
    }
  }
}

/// One argument or result of a module, declared once: what taps see of it, and how it is made again of what they saw.
struct Field<Owner>: Sendable {
  /// The name that PyTorch's `forward` gives it, or its place or key among the results.
  let name: String
  /// In PyTorch's layout.
  let offer: @Sendable (Owner) -> any TapValue
  /// Puts back what was recorded under the name given.
  let restore: @Sendable (inout Owner, RecordedCall, _ name: String) throws -> Void

  /// A tensor.
  init(_ name: String, _ place: WritableKeyPath<Owner, Tensor> & Sendable, _ layout: Layout = .same) {
    self.name = name
    offer = { layout.offered($0[keyPath: place]) }
    restore = { $0[keyPath: place] = layout.restored(try $1.tensor($2)) }
  }

  /// Tensors, or another value of several.
  init<Value: RestorableValue>(_ name: String, _ place: WritableKeyPath<Owner, Value> & Sendable) {
    self.name = name
    offer = { $0[keyPath: place] }
    restore = { $0[keyPath: place] = try Value(named: $2, from: $1) }
  }

  /// What may be absent: if it is here, it is there.
  init<Value: RestorableValue>(_ name: String, _ place: WritableKeyPath<Owner, Value?> & Sendable) {
    self.name = name
    offer = { $0[keyPath: place] }
    restore = { owner, call, name in
      guard owner[keyPath: place] != nil else { return }
      owner[keyPath: place] = try Value(named: name, from: call)
    }
  }

  /// A tensor that PyTorch takes as the one entry of a list.
  init(listed name: String, _ place: WritableKeyPath<Owner, Tensor> & Sendable, _ layout: Layout) {
    self.name = name
    offer = { [layout.offered($0[keyPath: place])] }
    restore = { $0[keyPath: place] = layout.restored(try $1.tensor("\($2)/0")) }
  }

  /// Likewise, where it may be absent.
  init(listed name: String, _ place: WritableKeyPath<Owner, Tensor?> & Sendable, _ layout: Layout) {
    self.name = name
    offer = { $0[keyPath: place].map { [layout.offered($0)] } }
    restore = { owner, call, name in
      guard owner[keyPath: place] != nil else { return }
      owner[keyPath: place] = layout.restored(try call.tensor("\(name)/0"))
    }
  }

  /// A tensor that is one for all prompts here, `[1, …]`, and repeated for each of those of another in PyTorch.
  init(
    _ name: String, _ place: WritableKeyPath<Owner, Tensor> & Sendable,
    repeatedLike other: KeyPath<Owner, Tensor> & Sendable
  ) {
    self.name = name
    offer = { $0[keyPath: place].repeated(toLeading: $0[keyPath: other].shape[0]) }
    restore = { $0[keyPath: place] = try $1.tensor($2) }
  }

  /// What PyTorch returns besides, and others say as well.
  init(derived name: String, _ value: @escaping @Sendable (Owner) -> Tensor) {
    self.name = name
    offer = { value($0) }
    restore = { _, _, _ in }
  }
}

/// A struct of tensors whose members are fields.
protocol FieldedValue: RestorableValue {
  /// With something in every field that `restore` fills.
  init()
  static var fields: [Field<Self>] { get }
}

extension FieldedValue {
  func visitTensors(named name: String, _ visit: (String, Tensor) throws -> Void) rethrows {
    for field in Self.fields { try field.offer(self).visitTensors(named: "\(name)/\(field.name)", visit) }
  }

  init(named name: String, from recorded: RecordedCall) throws {
    self.init()
    for field in Self.fields { try field.restore(&self, recorded, "\(name)/\(field.name)") }
  }
}

extension Tensor {
  /// Nothing, where a field is filled later.
  static var none: Tensor { Tensor([0], []) }

  /// The same for each of `count` entries, where there is one for all.
  func repeated(toLeading count: Int) -> Tensor {
    shape[0] == count ? self : repeated(leading: count / shape[0])
  }
}
