// What about the memory's parts doesn't fit together. PyTorch finds out when the first frame is tracked.

extension ModelConfiguration {
  /// Why the memory can't be computed, if there is a reason.
  var memoryContradiction: String? {
    memoryAttention.contradiction(memDim: memDim) ?? memoryEncoder.contradiction
      ?? (maskMemorySize == imageEmbeddingSize
        ? nil
        : "memory_encoder.mask_downsampler brings masks of \(imageSize) to \(maskMemorySize) instead of "
          + "\(imageEmbeddingSize)")
  }

  /// Width and height of a mask behind the mask downsampler.
  private var maskMemorySize: Int {
    let downsampler = memoryEncoder.maskDownsampler
    return downsampler.channels.reduce(imageSize) { size, _ in
      max(0, size + 2 * downsampler.padding - downsampler.kernelSize + downsampler.stride) / downsampler.stride
    }
  }
}

extension MemoryAttentionConfiguration {
  fileprivate func contradiction(memDim: Int) -> String? {
    if !batchFirst { return "memory_attention.batch_first is false, but rotary attention takes batches first" }
    let parts = [
      ("self_attention", layer.selfAttention, layer.dModel), ("cross_attention", layer.crossAttention, memDim),
    ]
    for (name, attention, keys) in parts {
      if layer.dModel != dModel || attention.embeddingDim != dModel {
        return "memory_attention has \(dModel) channels, its layers \(layer.dModel) and their \(name) "
          + "\(attention.embeddingDim)"
      }
      if (attention.kvInDim ?? dModel) != keys {
        return "\(name) takes keys of \(attention.kvInDim ?? dModel) channels, but they have \(keys)"
      }
      let size = attention.embeddingDim / attention.downsampleRate / attention.numHeads
      if size == 0 || !size.isMultiple(of: 4) {
        return "\(name) has heads of \(size) channels, which rotary positions need to be a multiple of 4"
      }
      if attention.featSizes.count != 2 {
        return "\(name) should have a width and a height in feat_sizes, found \(attention.featSizes)"
      }
    }
    return nil
  }
}

extension MemoryEncoderConfiguration {
  fileprivate var contradiction: String? {
    let block = fuser.layer
    let projection = fuser.inputProjection ? fuser.dim ?? inDim : inDim
    if block.dim != inDim || maskDownsampler.embedDim != inDim || projection != inDim {
      return
        "memory_encoder in_dim \(inDim), mask_downsampler embed_dim \(maskDownsampler.embedDim), fuser dim "
        + "\(projection) and its layers' dim \(block.dim) should be equal"
    }
    if positionEncoding.numPosFeats != outDim {
      return
        "memory_encoder out_dim \(outDim) and its num_pos_feats \(positionEncoding.numPosFeats) should be equal"
    }
    if block.kernelSize != 2 * block.padding + 1 {
      return "the fuser's kernel_size \(block.kernelSize) with padding \(block.padding) changes the size"
    }
    return nil
  }
}
