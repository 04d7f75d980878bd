/* Known slow-downs that compare must detect. Each variant launches the attention that libflashcore chooses and
 * then waits. FLASHCORE_PLANTED_US is a list of microseconds, as in "0.3,0.6": the variant of block_kv 2 waits for the
 * first, of block_kv 3 for the second. The variant of block_kv 1, and those beyond the list, wait for none. */
#include <flashcore.h>
#include <stdlib.h>
#include <string.h>

#include "planted_wait.h"

static const flashcore_plugin_variant kVariants[] = {
    {.dtype = FLASHCORE_FP16, .head_dim = 64, .block_kv = 1},
    {.dtype = FLASHCORE_FP16, .head_dim = 64, .block_kv = 2},
    {.dtype = FLASHCORE_FP16, .head_dim = 64, .block_kv = 3},
    {.dtype = FLASHCORE_FP16, .head_dim = 64, .block_kv = 4},
    {.dtype = FLASHCORE_FP16, .head_dim = 128, .block_kv = 1},
    {.dtype = FLASHCORE_FP16, .head_dim = 128, .block_kv = 2},
    {.dtype = FLASHCORE_FP16, .head_dim = 128, .block_kv = 3},
    {.dtype = FLASHCORE_FP16, .head_dim = 128, .block_kv = 4},
};

static const char* unsupported(size_t variant, const flashcore_attention* args,
                               const flashcore_device_limits* limits) {
  (void)variant;
  (void)limits;
  return flashcore_unsupported(NULL, args, planted_device());
}

static size_t workspace_bytes(size_t variant, const flashcore_attention* args) {
  size_t bytes = 0;
  (void)variant;
  return flashcore_workspace_bytes(NULL, args, planted_device(), &bytes) == FLASHCORE_OK ? bytes : 0;
}

static double late_us(int block_kv) {
  const char* text = getenv("FLASHCORE_PLANTED_US");
  for (int skip = block_kv - 2; text != NULL && skip > 0; --skip) {
    text = strchr(text, ',');
    if (text != NULL) ++text;
  }
  return text == NULL || block_kv < 2 ? 0 : strtod(text, NULL);
}

static int launch(size_t variant, const flashcore_attention* args, void* stream) {
  const flashcore_status status = flashcore_launch(NULL, args, planted_device(), stream);
  if (status != FLASHCORE_OK) return (int)status;
  return planted_wait(late_us(kVariants[variant].block_kv), stream);
}

static flashcore_plugin plugin = {
    .abi_version = FLASHCORE_PLUGIN_ABI_VERSION,
    .family = "planted",
    .summary = "waits after its work for as long as it is told",
    .variants = kVariants,
    .num_variants = sizeof kVariants / sizeof kVariants[0],
    .unsupported = unsupported,
    .workspace_bytes = workspace_bytes,
    .launch = launch,
};

FLASHCORE_API const flashcore_plugin* flashcore_plugin_v1(void) {
  plugin.backend = kPlantedBackend;
  return &plugin;
}
