/* Causal attention through libflashcore on the CPU: launches once and checks the result.
 *
 *   cc -std=c11 attention.c -lflashcore -lm -o attention && ./attention
 *
 * All elements of V are 1, so each output is a weighted mean of ones and must be 1. The first query sees only
 * one key, so its log-sum-exp must be the score of that key.
 */
#include <flashcore.h>
#include <math.h>
#include <stdio.h>

#include "bfloat16.h"

enum { kHeads = 2, kSeq = 48, kHeadDim = 64, kElements = kHeads * kSeq * kHeadDim };

static uint16_t q[kElements], k[kElements], v[kElements], out[kElements];
static float lse[kHeads * kSeq];

static int fail(const char* what) {
  fprintf(stderr, "attention: %s: %s\n", what, flashcore_last_error());
  return 1;
}

static void fill_inputs(void) {
  for (int i = 0; i < kElements; ++i) {
    q[i] = bfloat16_from_float(sinf((float)i));
    k[i] = bfloat16_from_float(cosf(0.7f * (float)i));
    v[i] = bfloat16_from_float(1.0f);
  }
}

static flashcore_attention make_arguments(void) {
  const flashcore_strides contiguous = {.batch = kElements, .head = kSeq * kHeadDim, .row = kHeadDim};
  flashcore_attention args;
  flashcore_attention_init(&args);
  args.q = q;
  args.k = k;
  args.v = v;
  args.out = out;
  args.lse = lse;
  args.q_stride = args.k_stride = args.v_stride = args.out_stride = contiguous;
  args.dtype = FLASHCORE_BF16;
  args.batch = 1;
  args.heads_q = args.heads_kv = kHeads;
  args.seq_q = args.seq_kv = kSeq;
  args.head_dim = kHeadDim;
  args.window_right = 0;
  args.scale = 1.0f / sqrtf((float)kHeadDim);
  return args;
}

static int check_output(const flashcore_attention* args) {
  for (int i = 0; i < kElements; ++i) {
    if (fabsf(float_from_bfloat16(out[i]) - 1.0f) > 0.01f) {
      fprintf(stderr, "attention: out[%d] is %g, not 1\n", i, (double)float_from_bfloat16(out[i]));
      return 1;
    }
  }
  float score = 0;
  for (int d = 0; d < kHeadDim; ++d) score += float_from_bfloat16(q[d]) * float_from_bfloat16(k[d]);
  if (fabsf(lse[0] - args->scale * score) > 1e-3f) {
    fprintf(stderr, "attention: lse[0] is %g, not %g\n", (double)lse[0], (double)(args->scale * score));
    return 1;
  }
  return 0;
}

int main(void) {
  fill_inputs();
  const flashcore_attention args = make_arguments();
  const char* variant = flashcore_choose_variant(&args, FLASHCORE_HOST, NULL);
  if (variant == NULL) return fail("no variant");
  size_t workspace_bytes = 0;
  if (flashcore_workspace_bytes(variant, &args, FLASHCORE_HOST, &workspace_bytes) != FLASHCORE_OK) {
    return fail("workspace");
  }
  if (workspace_bytes != 0) return fail("the variant needs a workspace, but this example has none");
  if (flashcore_launch(variant, &args, FLASHCORE_HOST, NULL) != FLASHCORE_OK) return fail(variant);
  if (check_output(&args) != 0) return 1;
  printf("flashcore %s, %s: ok\n", flashcore_version(), variant);
  return 0;
}
