/* A plug-in that exports both versions of the interface, and tables of version 2 with the fault or the form that the
 * environment variable FAULT names. Problems have one key, so that a correct output is the row of V. The variants differ
 * in their capabilities; block_kv identifies them. */
#include <errno.h>
#include <flashcore.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { kPlainVariant, kCausalVariant, kSinksVariant, kPlanVariant, kNumVariants };

/* A variant of a later minor version. */
typedef struct LaterVariant {
  flashcore_plugin_variant_v2 known;
  int64_t later;
} LaterVariant;

static const uint64_t kCapabilities[kNumVariants] = {0, FLASHCORE_CAN_CAUSAL | (uint64_t)1 << 40,
                                                     FLASHCORE_CAN_SINKS | FLASHCORE_CAN_MASK_BITS,
                                                     FLASHCORE_CAN_PLAN_ON_DEVICE};

static int context_mark;
static flashcore_plugin_variant_v2 variants[kNumVariants];
static LaterVariant later_variants[kNumVariants];

static void copy_values(const flashcore_attention_v2* args) {
  const int64_t group = args->heads_q / args->heads_kv;
  for (int64_t batch = 0; batch < args->batch; ++batch) {
    for (int64_t head = 0; head < args->heads_q; ++head) {
      const uint16_t* v =
          (const uint16_t*)args->v + batch * args->v_stride.batch + head / group * args->v_stride.head;
      for (int64_t row = 0; row < args->max_seqlen_q; ++row) {
        uint16_t* out = (uint16_t*)args->out + batch * args->out_stride.batch + head * args->out_stride.head +
                        row * args->out_stride.row;
        memcpy(out, v, (size_t)args->head_dim_v * sizeof(*out));
      }
    }
  }
}

static int64_t planned_value(const flashcore_attention_v2* args) { return 1000 + args->max_seqlen_q; }

static size_t plan_bytes(void* context, size_t variant, const flashcore_attention_v2* args) {
  (void)args;
  return context == &context_mark && variant == kPlanVariant ? sizeof(int64_t) : 0;
}

static int plan(void* context, size_t variant, const flashcore_attention_v2* args, void* buffer,
                void* stream) {
  (void)stream;
  if (context != &context_mark || variant != kPlanVariant || buffer != args->plan) return EINVAL;
  const int64_t value = planned_value(args);
  memcpy(buffer, &value, sizeof(value));
  return 0;
}

static int launch(void* context, size_t variant, const flashcore_attention_v2* args, void* stream) {
  (void)stream;
  if (context != &context_mark || args->struct_size < sizeof(*args)) return EINVAL;
  int64_t value = planned_value(args);
  if (variant == kPlanVariant && args->plan == NULL) return EPROTO;
  if (variant == kPlanVariant) memcpy(&value, args->plan, sizeof(value));
  if (value != planned_value(args)) return EPROTO; /* the plan is missing or that of another problem */
  copy_values(args);
  return 0;
}

static const char* unsupported(void* context, size_t variant, const flashcore_attention_v2* args,
                               const flashcore_device_limits_v2* limits) {
  (void)variant;
  if (context != &context_mark) return "the context is another one";
  if (limits->struct_size < sizeof(*limits)) return "the limits are too short";
  return args->max_seqlen_k == 1 ? NULL : "the table plug-in has one key";
}

static flashcore_plugin_table_v2 table = {
    .struct_size = sizeof(flashcore_plugin_table_v2),
    .backend = FLASHCORE_CPU,
    .family = "table",
    .summary = "tables of version 2",
    .variants = variants,
    .num_variants = kNumVariants,
    .context = &context_mark,
    .launch = launch,
    .unsupported = unsupported,
    .plan_bytes = plan_bytes,
    .plan = plan,
};

static void change_table(const char* fault) {
  if (strcmp(fault, "no_size") == 0) table.struct_size = 0;
  if (strcmp(fault, "older") == 0) table.struct_size = offsetof(flashcore_plugin_table_v2, plan_bytes);
  if (strcmp(fault, "variant_size") == 0) variants[0].struct_size = 4;
  if (strcmp(fault, "mixed_sizes") == 0) variants[1].struct_size = 64;
  if (strcmp(fault, "half_plan") == 0) table.plan_bytes = NULL;
  if (strcmp(fault, "launch") == 0) table.launch = NULL;
  if (strcmp(fault, "many_variants") == 0) table.num_variants = 100000;
  if (strcmp(fault, "dtype") == 0) variants[1].dtype = 3;
  if (strcmp(fault, "later") == 0) {
    table.struct_size += 64; /* what lies there is nothing that this program knows */
    table.variants = &later_variants[0].known;
  }
}

FLASHCORE_API const flashcore_plugin_table_v2* flashcore_plugin_v2(void) {
  const char* fault = getenv("FAULT");
  for (int32_t i = 0; i < kNumVariants; ++i) {
    variants[i] = (flashcore_plugin_variant_v2){.struct_size = sizeof(variants[i]),
                                                .dtype = FLASHCORE_FP16,
                                                .capabilities = kCapabilities[i],
                                                .head_dim = 64,
                                                .block_kv = i + 1};
    later_variants[i].known = variants[i];
    later_variants[i].known.struct_size = sizeof(later_variants[i]);
    later_variants[i].later = -1;
  }
  if (fault != NULL) change_table(fault);
  return fault != NULL && strcmp(fault, "null") == 0 ? NULL : &table;
}

/* Never called: version 2 is used. */
FLASHCORE_API const flashcore_plugin* flashcore_plugin_v1(void) { abort(); }
