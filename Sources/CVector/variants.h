// How a loop is compiled for several instruction sets.
#pragma once

// x86-64 Linux: three clones, chosen once by the dynamic linker. ARM's baseline already has NEON; on macOS
// there is no such linker support, so an Intel Mac runs the baseline.
#if defined(__x86_64__) && defined(__linux__)
#define CVECTOR_VARIANTS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CVECTOR_VARIANTS
#endif

// Helpers must be inlined, or each clone would call the baseline's.
#define CVECTOR_INLINE static inline __attribute__((always_inline))

// The loop below has no dependence between iterations even where out equals an input. Sixteen lanes: the
// compiler's own choice for x86-64-v4 is half of a register. Not interleaved, since rows are often 96 or 112
// long and what is left over from a step of 64 would run one by one.
#define CVECTOR_LOOP _Pragma("clang loop vectorize(assume_safety) vectorize_width(16) interleave_count(1)")
