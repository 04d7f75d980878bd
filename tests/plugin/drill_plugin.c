/* Variants that fail in one way each, and correct variants between them. The problem has one key, so that a
 * correct output is the row of V. block_kv identifies the variant. */
#include <errno.h>
#include <flashcore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum Fault {
  GOOD = 1,
  ABORTS,
  FOLLOWS_NULL,
  LOOPS,
  HOARDS,
  WRITES_ZEROS,
  WRITES_NAN,
  ABORTS_LATE,
  LOOPS_LATE,
  LAST_GOOD
};

/* Successful launches before a late fault: enough for the first check. */
enum { LAUNCHES_BEFORE_LATE = 2 };

static flashcore_plugin_variant variants[LAST_GOOD];

static void fill(const flashcore_attention* args, enum Fault fault) {
  const int32_t group = args->heads_q / args->heads_kv;
  for (int64_t batch = 0; batch < args->batch; ++batch) {
    for (int64_t head = 0; head < args->heads_q; ++head) {
      const uint16_t* v =
          (const uint16_t*)args->v + batch * args->v_stride.batch + head / group * args->v_stride.head;
      for (int64_t row = 0; row < args->seq_q; ++row) {
        uint16_t* out = (uint16_t*)args->out + batch * args->out_stride.batch + head * args->out_stride.head +
                        row * args->out_stride.row;
        for (int32_t d = 0; d < args->head_dim; ++d) {
          out[d] = fault == WRITES_ZEROS ? 0 : fault == WRITES_NAN ? 0x7fc0 : v[d];
        }
      }
    }
  }
}

/* More than any machine has. The memory is never written, so only a limit of the process can stop the
 * loop. */
static int hoard(void) {
  static void* volatile last_piece; /* keeps the compiler from removing the allocations */
  for (int piece = 0; piece < 1 << 14; ++piece) {
    last_piece = malloc((size_t)1 << 30);
    if (last_piece == NULL) return ENOMEM;
  }
  return 0;
}

/* Creates the file DRILL_MARK, which shows a test that the loop has started. */
static void loop(void) {
  const char* mark = getenv("DRILL_MARK");
  FILE* file = mark == NULL ? NULL : fopen(mark, "w");
  if (file != NULL) (void)fclose(file);
  for (volatile int forever = 1; forever;) continue;
}

static int launch(size_t variant, const flashcore_attention* args, void* stream) {
  static int launches[LAST_GOOD];
  const enum Fault fault = (enum Fault)variants[variant].block_kv;
  const int is_late = ++launches[variant] > LAUNCHES_BEFORE_LATE;
  int* volatile nowhere = NULL;
  (void)stream;
  printf("standard output is not the plug-in's\n");
  if (fault == ABORTS || (fault == ABORTS_LATE && is_late)) {
    fprintf(stderr, "the drill aborts\n");
    abort();
  }
  if (fault == FOLLOWS_NULL) *nowhere = 1;
  if (fault == LOOPS || (fault == LOOPS_LATE && is_late)) loop();
  if (fault == HOARDS && hoard() != 0) return ENOMEM;
  fill(args, fault);
  return 0;
}

static const char* unsupported(size_t variant, const flashcore_attention* args,
                               const flashcore_device_limits* limits) {
  (void)variant;
  (void)limits;
  return args->seq_kv == 1 ? NULL : "the drill has one key";
}

static const flashcore_plugin plugin = {
    .abi_version = FLASHCORE_PLUGIN_ABI_VERSION,
    .backend = FLASHCORE_CPU,
    .family = "drill",
    .summary = "fails in every way",
    .variants = variants,
    .num_variants = LAST_GOOD,
    .unsupported = unsupported,
    .launch = launch,
};

/* The first and the last variant are correct. The last one runs in a worker that replaced earlier ones. */
FLASHCORE_API const flashcore_plugin* flashcore_plugin_v1(void) {
  for (int i = 0; i < LAST_GOOD; ++i) {
    variants[i] = (flashcore_plugin_variant){.dtype = FLASHCORE_BF16, .head_dim = 64, .block_kv = i + 1};
  }
  return &plugin;
}
