// Numbers below the least normal one, which processors multiply a hundred times slower than others, taken for zero.
// Source: Intel SDM volume 1, 10.2.3 (MXCSR); Arm ARM, FPCR.
#include "cvector.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

// Flush to zero, and denormals are zeros.
static const uint64_t flushing = 0x8040;

uint64_t cvector_floating_mode(void) { return _mm_getcsr(); }
void cvector_set_floating_mode(uint64_t mode) { _mm_setcsr((unsigned)mode); }
#elif defined(__aarch64__)
static const uint64_t flushing = 1 << 24;

uint64_t cvector_floating_mode(void) {
  uint64_t mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
void cvector_set_floating_mode(uint64_t mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }
#else
static const uint64_t flushing = 0;

uint64_t cvector_floating_mode(void) { return 0; }
void cvector_set_floating_mode(uint64_t mode) { (void)mode; }
#endif

uint64_t cvector_flush_subnormals(void) {
  uint64_t mode = cvector_floating_mode();
  if ((mode & flushing) != flushing) cvector_set_floating_mode(mode | flushing);
  return mode;
}
