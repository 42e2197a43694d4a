// Which instruction set the tiles use.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../amx.h"
#include "level.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

static const char *const names[] = {"portable", "avx2", "avx512", "avx512_bf16", "amx"};
enum { level_count = sizeof names / sizeof *names };

#if defined(__x86_64__)
bool cvector_may_use_tiles(unsigned products) {
#if defined(__linux__)
  // arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA): the kernel's Documentation/arch/x86/xstate.rst.
  const long request_permission = 0x1023, tile_data = 18;
  const unsigned needed = 1u << 24 | products;
  // What becomes of the products takes instructions that look up bytes (VBMI) and multiply them (VNNI): every such processor has
  // them, but a system may keep them back.
  const unsigned beside = 1u << 1 | 1u << 11;
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & needed) == needed && (c & beside) == beside &&
         syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
  (void)products;
  return false;
#endif
}

static cvector_instructions best(void) {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return cvector_portable;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq")) {
    return cvector_avx2;
  }
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a >> 5 & 1)) return cvector_avx512;
  return cvector_may_use_tiles(cvector_amx_bf16) ? cvector_amx : cvector_avx512_bf16;
}
#else
static cvector_instructions best(void) { return cvector_portable; }
#endif

// What the environment allows.
static cvector_instructions allowed(void) {
  const char *named = getenv("SAM2KIT_MAX_ISA");
  for (int level = 0; named && level < level_count; level++) {
    if (strcmp(named, names[level]) == 0) return (cvector_instructions)level;
  }
  return cvector_amx;
}

// One more than the instruction set that was found out; 0 until then.
static atomic_int found;
// The same for what a test asked for on this thread.
static _Thread_local int asked;

cvector_instructions cvector_use_instructions(cvector_instructions wanted) {
  const cvector_instructions has = best();
  const cvector_instructions chosen = wanted < has ? wanted : has;
  asked = (int)chosen + 1;
  return chosen;
}

void cvector_use_found_instructions(void) { asked = 0; }

cvector_instructions cvector_instructions_used(void) {
  if (asked) return (cvector_instructions)(asked - 1);
  int known = atomic_load_explicit(&found, memory_order_relaxed);
  if (!known) {
    const cvector_instructions has = best(), may = allowed();
    known = (int)(may < has ? may : has) + 1;
    atomic_store_explicit(&found, known, memory_order_relaxed);
  }
  return (cvector_instructions)(known - 1);
}

bool cvector_is_bf16_fast(void) {
  const cvector_instructions used = cvector_instructions_used();
#if defined(__x86_64__)
  if (used == cvector_avx512_bf16) return __builtin_cpu_is("amd");
#endif
  return used == cvector_amx;
}

const char *cvector_instructions_name(cvector_instructions instructions) { return names[instructions]; }

const cvector_level *cvector_level_used(void) {
#if defined(__x86_64__)
  static const cvector_level *const levels[] = {
      &cvector_level_portable, &cvector_level_avx2, &cvector_level_avx512, &cvector_level_avx512_bf16,
      &cvector_level_amx,
  };
  // What a test asks for it gets.
  const cvector_instructions used = cvector_instructions_used();
  if (used == cvector_avx512_bf16 && !asked && !cvector_is_bf16_fast()) return &cvector_level_avx512_widening;
  return levels[used];
#else
  return &cvector_level_portable;
#endif
}
