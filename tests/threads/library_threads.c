/* Several threads use libflashcore at the same time, as flashcore.h allows. ThreadSanitizer watches them (scripts/sanitize.sh
 * tsan); in other builds the outputs and the error texts of each thread are tested. */
#include <flashcore.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "examples/bfloat16.h"

enum {
  kThreads = 4,
  kRounds = 5,
  kHeads = 2,
  kSeq = 24,
  kHeadDim = 64,
  kElements = kHeads * kSeq * kHeadDim
};

typedef struct {
  int number;
  const char* table;
  const char* failure;
  uint16_t q[kElements], k[kElements], v[kElements], out[kElements];
} Worker;

/* V is the number of the thread, and so must be the output. */
static flashcore_attention make_arguments(Worker* worker) {
  const flashcore_strides contiguous = {.batch = kElements, .head = kSeq * kHeadDim, .row = kHeadDim};
  flashcore_attention args;
  flashcore_attention_init(&args);
  for (int i = 0; i < kElements; ++i) {
    worker->q[i] = bfloat16_from_float(sinf((float)i));
    worker->k[i] = bfloat16_from_float(cosf(0.7f * (float)i));
    worker->v[i] = bfloat16_from_float((float)worker->number);
  }
  args.q = worker->q;
  args.k = worker->k;
  args.v = worker->v;
  args.out = worker->out;
  args.q_stride = args.k_stride = args.v_stride = args.out_stride = contiguous;
  args.dtype = FLASHCORE_BF16;
  args.batch = 1;
  args.heads_q = args.heads_kv = kHeads;
  args.seq_q = args.seq_kv = kSeq;
  args.head_dim = kHeadDim;
  args.scale = 1.0f / sqrtf((float)kHeadDim);
  return args;
}

static const char* launch_chosen(Worker* worker, const flashcore_attention* args) {
  memset(worker->out, 0, sizeof worker->out);
  if (flashcore_load_tuned_table(worker->table) != FLASHCORE_OK) return "the table";
  const char* variant = flashcore_choose_variant(args, FLASHCORE_HOST, NULL);
  if (variant == NULL) return "the choice";
  if (flashcore_launch(variant, args, FLASHCORE_HOST, NULL) != FLASHCORE_OK) return "the launch";
  for (int i = 0; i < kElements; ++i) {
    if (fabsf(float_from_bfloat16(worker->out[i]) - (float)worker->number) > 0.05f) return "the output";
  }
  return NULL;
}

static const char* fail_on_purpose(const Worker* worker) {
  char id[64];
  flashcore_variant variant;
  snprintf(id, sizeof id, "none/thread%d", worker->number);
  if (flashcore_find_variant(id, &variant) == FLASHCORE_OK) return "the search for no variant";
  return strstr(flashcore_last_error(), id) == NULL ? "the text of an error" : NULL;
}

static void* work(void* of) {
  Worker* worker = of;
  const flashcore_attention args = make_arguments(worker);
  for (int round = 0; round < kRounds && worker->failure == NULL; ++round) {
    worker->failure = launch_chosen(worker, &args);
    if (worker->failure == NULL) worker->failure = fail_on_purpose(worker);
    if (flashcore_variant_count() == 0 || flashcore_environment(FLASHCORE_HOST) == NULL)
      worker->failure = "the environment";
  }
  return NULL;
}

int main(int count, char** arguments) {
  static Worker workers[kThreads];
  pthread_t threads[kThreads];
  if (count != 2) return fprintf(stderr, "usage: %s TUNED_TABLE\n", arguments[0]), 2;
  for (int i = 0; i < kThreads; ++i) {
    workers[i].number = i + 1;
    workers[i].table = arguments[1];
    if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0) return 4;
  }
  int failed = 0;
  for (int i = 0; i < kThreads; ++i) {
    pthread_join(threads[i], NULL);
    if (workers[i].failure == NULL) continue;
    fprintf(stderr, "thread %d: wrong is %s: %s\n", i + 1, workers[i].failure, flashcore_last_error());
    failed = 1;
  }
  return failed;
}
