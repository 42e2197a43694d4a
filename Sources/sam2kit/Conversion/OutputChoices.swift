import ArgumentParser
import Checkpoints

/// What can be written.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case pt, pth, safetensors, h5, gguf

  var format: Checkpoint.Format {
    switch self {
    case .pt, .pth: .torch
    case .safetensors: .safetensors
    case .h5: .hdf5
    case .gguf: .gguf
    }
  }
}

/// What can be rounded to.
enum NumberType: String, ExpressibleByArgument, CaseIterable {
  case f32, f16, bf16

  var rounding: WeightRounding {
    switch self {
    case .f32: .float32
    case .f16: .float16
    case .bf16: .bfloat16
    }
  }
}

/// What tensors can be called.
enum NamingChoice: String, ExpressibleByArgument, CaseIterable {
  case meta, transformers

  var naming: Naming {
    switch self {
    case .meta: .meta
    case .transformers: .transformers
    }
  }
}
