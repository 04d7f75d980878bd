/* A known slow-down that compare must detect. Each variant launches the attention that libflashcore
 * chooses and then waits. The second variant of a head_dim (block_kv 2) waits FLASHCORE_PLANTED_US longer
 * than the first (block_kv 1). */
#include <flashcore.h>
#include <stdlib.h>

#include "planted_wait.h"

enum { ON_TIME = 1, LATE = 2 };

static const flashcore_plugin_variant kVariants[] = {
    {.dtype = FLASHCORE_FP16, .head_dim = 64, .block_kv = ON_TIME},
    {.dtype = FLASHCORE_FP16, .head_dim = 64, .block_kv = LATE},
    {.dtype = FLASHCORE_FP16, .head_dim = 128, .block_kv = ON_TIME},
    {.dtype = FLASHCORE_FP16, .head_dim = 128, .block_kv = LATE},
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

static double late_us(void) {
  const char* text = getenv("FLASHCORE_PLANTED_US");
  return text == NULL ? 0 : strtod(text, NULL);
}

static int launch(size_t variant, const flashcore_attention* args, void* stream) {
  const flashcore_status status = flashcore_launch(NULL, args, planted_device(), stream);
  if (status != FLASHCORE_OK) return (int)status;
  return planted_wait(kVariants[variant].block_kv == LATE ? late_us() : 0, stream);
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
