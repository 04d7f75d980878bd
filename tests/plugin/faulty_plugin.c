/* A plug-in whose table has the error that the environment variable FAULT names. Without FAULT the table is
 * valid, but the kernel is incorrect: it writes zeros. */
#include <flashcore.h>
#include <stdlib.h>
#include <string.h>

static flashcore_plugin_variant variants[] = {
    {.dtype = FLASHCORE_BF16, .head_dim = 64, .block_kv = 32},
    {.dtype = FLASHCORE_BF16, .head_dim = 64, .block_kv = 64},
    {.dtype = FLASHCORE_E4M3, .head_dim = 64, .block_kv = 32},
};

static int write_zeros(size_t variant, const flashcore_attention* args, void* stream) {
  (void)variant;
  (void)stream;
  for (int64_t batch = 0; batch < args->batch; ++batch) {
    for (int64_t head = 0; head < args->heads_q; ++head) {
      for (int64_t row = 0; row < args->seq_q; ++row) {
        uint16_t* out = (uint16_t*)args->out + batch * args->out_stride.batch + head * args->out_stride.head +
                        row * args->out_stride.row;
        memset(out, 0, (size_t)args->head_dim * sizeof(*out));
      }
    }
  }
  return 0;
}

static flashcore_plugin plugin = {
    .abi_version = FLASHCORE_PLUGIN_ABI_VERSION,
    .backend = FLASHCORE_CPU,
    .family = "faulty",
    .summary = "writes zeros",
    .variants = variants,
    .num_variants = sizeof(variants) / sizeof(variants[0]),
    .launch = write_zeros,
};

static void break_table(const char* fault) {
  if (strcmp(fault, "abi_version") == 0) plugin.abi_version = 99;
  if (strcmp(fault, "backend") == 0) plugin.backend = 7;
  if (strcmp(fault, "family") == 0) plugin.family = "Not/A Name";
  if (strcmp(fault, "known_family") == 0) plugin.family = "cpu_scalar";
  if (strcmp(fault, "no_variants") == 0) plugin.num_variants = 0;
  if (strcmp(fault, "many_variants") == 0) plugin.num_variants = 100000;
  if (strcmp(fault, "dtype") == 0) variants[1].dtype = 3;
  if (strcmp(fault, "cuda_e4m3") == 0) {
    plugin.backend = FLASHCORE_CUDA;
    variants[1].dtype = FLASHCORE_E4M3;
  }
  if (strcmp(fault, "head_dim") == 0) variants[1].head_dim = 0;
  if (strcmp(fault, "tile") == 0) variants[1].block_kv = -1;
  if (strcmp(fault, "twins") == 0) variants[1].block_kv = 32;
  if (strcmp(fault, "launch") == 0) plugin.launch = NULL;
}

FLASHCORE_API const flashcore_plugin* flashcore_plugin_v1(void) {
  const char* fault = getenv("FAULT");
  if (fault == NULL) return &plugin;
  break_table(fault);
  return strcmp(fault, "null") == 0 ? NULL : &plugin;
}
