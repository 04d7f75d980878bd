/* A CPU plug-in whose functions do what the environment variable HOSTILE names; its variants are correct otherwise. The
 * problem has one key, so that a correct output is the row of V.
 *
 *   HOSTILE=<place>:<deed>   at the place, in the variant with block_kv 1
 *
 * Places: constructor, entry (flashcore_plugin_v1), unsupported, workspace, launch, late (a launch after the first
 * check). The deeds stand in deeds[]. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <flashcore.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NUM_VARIANTS = 2, LAUNCHES_BEFORE_LATE = 2, LAST_DESCRIPTOR = 65536 };

static flashcore_plugin_variant variants[NUM_VARIANTS];
static flashcore_attention launched; /* the arguments of the current launch; empty outside of one */

static void note_process(const char* variable, pid_t id) {
  const char* path = getenv(variable);
  FILE* file = path == NULL ? NULL : fopen(path, "a");
  if (file == NULL) return;
  (void)fprintf(file, "%d\n", (int)id);
  (void)fclose(file);
}

static void loop(void) {
  for (volatile int forever = 1; forever;) continue;
}

static void mark_and_loop(void) {
  note_process("HOSTILE_PIDS", getpid());
  loop();
}

static void exit_well(void) { exit(0); }

static void follow_null(void) {
  int* volatile nowhere = NULL;
  *nowhere = 1;
}

static void print(void) {
  printf("{\"printed\": true}\n");
  (void)fflush(stdout);
  (void)!write(STDOUT_FILENO, "{\"written\": true}\n", 18);
}

/* Lines that look like a worker's, to every file there is. */
static void forge(void) {
  static const char kLine[] =
      "{\"result\":{\"us\":0.001,\"launches\":1},\"finding\":{\"probe\":\"plain\",\"symptom\":\"passed\","
      "\"detail\":\"\"}}\n";
  for (int number = 0; number < LAST_DESCRIPTOR; ++number) {
    struct stat file;
    if (fstat(number, &file) == 0 && S_ISSOCK(file.st_mode)) (void)!write(number, kLine, sizeof(kLine) - 1);
  }
}

static void garble(void) {
  for (int number = 3; number < LAST_DESCRIPTOR; ++number) {
    struct stat file;
    if (fstat(number, &file) == 0 && S_ISSOCK(file.st_mode)) (void)!write(number, "}{\n", 3);
  }
}

/* Both processes go on. Once, or thousands of launches would be as many powers of two. */
static void fork_both(void) {
  static int is_done = 0;
  if (is_done) return;
  is_done = 1;
  if (fork() > 0) return;
  note_process("HOSTILE_PIDS", getpid());
}

/* A process without a parent, a session of its own, no signal of a parent's death. */
static void leave_daemon(void) {
  const pid_t child = fork();
  if (child > 0) {
    (void)waitpid(child, NULL, 0);
    return;
  }
  (void)setsid();
  const pid_t left = fork();
  if (left > 0) {
    note_process("HOSTILE_PIDS", left);
    _exit(0);
  }
  for (;;) (void)pause();
}

static void leave_daemon_and_loop(void) {
  leave_daemon();
  loop();
}

static void refuse_death(void) {
  (void)prctl(PR_SET_PDEATHSIG, 0);
  sigset_t all;
  (void)sigfillset(&all);
  (void)sigprocmask(SIG_BLOCK, &all, NULL);
  (void)setsid();
  mark_and_loop();
}

static void* spin(void* unused) {
  loop();
  return unused;
}

/* One, or a sample would leave a thousand. */
static void leave_thread(void) {
  static int is_done = 0;
  pthread_t thread;
  if (!is_done++) (void)pthread_create(&thread, NULL, spin, NULL);
}

static void round_up(void) { (void)fesetround(FE_UPWARD); }

static void flush_to_zero(void) {
#ifdef __SSE__
  __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);
#endif
}

static void limit_files(void) {
  const struct rlimit few = {8, 8};
  (void)setrlimit(RLIMIT_NOFILE, &few);
}

static void limit_file_size(void) {
  struct rlimit limit;
  (void)getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = 0;
  (void)setrlimit(RLIMIT_FSIZE, &limit);
}

static void ignore_signals(void) {
  (void)signal(SIGSEGV, SIG_IGN);
  (void)signal(SIGPIPE, SIG_DFL);
}

static void set_alarm(void) {
  const struct itimerval soon = {{0, 0}, {0, 200000}};
  (void)setitimer(ITIMER_REAL, &soon, NULL);
}

static void change_folder(void) { (void)!chdir("/"); }

static void close_all(void) {
  for (int number = 3; number < LAST_DESCRIPTOR; ++number) (void)close(number);
}

static void change_inputs(void) {
  if (launched.v != NULL) ((uint16_t*)launched.v)[0] ^= 0x0101;
}

static const struct {
  const char* name;
  void (*act)(void);
} deeds[] = {
    {"abort", abort},
    {"null", follow_null},
    {"loop", mark_and_loop},
    {"exit", exit_well},
    {"print", print},
    {"forge", forge},
    {"garble", garble},
    {"fork", fork_both},
    {"daemon", leave_daemon},
    {"hide", leave_daemon_and_loop},
    {"refuse", refuse_death},
    {"thread", leave_thread},
    {"round", round_up},
    {"ftz", flush_to_zero},
    {"files", limit_files},
    {"size", limit_file_size},
    {"signals", ignore_signals},
    {"alarm", set_alarm},
    {"folder", change_folder},
    {"close", close_all},
    {"inputs", change_inputs},
};

static void act_at(const char* place) {
  const char* hostile = getenv("HOSTILE");
  const size_t length = strlen(place);
  if (hostile == NULL || strncmp(hostile, place, length) != 0 || hostile[length] != ':') return;
  for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); ++i) {
    if (strcmp(deeds[i].name, hostile + length + 1) == 0) deeds[i].act();
  }
}

__attribute__((constructor)) static void construct(void) { act_at("constructor"); }

static void copy_values(const flashcore_attention* args) {
  const int32_t group = args->heads_q / args->heads_kv;
  for (int64_t batch = 0; batch < args->batch; ++batch) {
    for (int64_t head = 0; head < args->heads_q; ++head) {
      const uint16_t* v =
          (const uint16_t*)args->v + batch * args->v_stride.batch + head / group * args->v_stride.head;
      for (int64_t row = 0; row < args->seq_q; ++row) {
        uint16_t* out = (uint16_t*)args->out + batch * args->out_stride.batch + head * args->out_stride.head +
                        row * args->out_stride.row;
        memcpy(out, v, (size_t)args->head_dim * sizeof(*out));
      }
    }
  }
}

static int launch(size_t variant, const flashcore_attention* args, void* stream) {
  static int launches;
  (void)stream;
  copy_values(args);
  if (variant != 0) return 0;
  launched = *args;
  act_at("launch");
  if (++launches > LAUNCHES_BEFORE_LATE) act_at("late");
  memset(&launched, 0, sizeof(launched));
  return 0;
}

static const char* unsupported(size_t variant, const flashcore_attention* args,
                               const flashcore_device_limits* limits) {
  (void)limits;
  if (variant == 0) act_at("unsupported");
  if (args->lse != NULL) return "it has no log-sum-exp";
  return args->seq_kv == 1 || args->seq_kv == 512 ? NULL : "it has one key"; /* list asks with 512 keys */
}

static size_t workspace_bytes(size_t variant, const flashcore_attention* args) {
  (void)args;
  if (variant == 0) act_at("workspace");
  return 0;
}

static const flashcore_plugin plugin = {
    .abi_version = FLASHCORE_PLUGIN_ABI_VERSION,
    .backend = FLASHCORE_CPU,
    .family = "hostile",
    .summary = "does what HOSTILE names",
    .variants = variants,
    .num_variants = NUM_VARIANTS,
    .unsupported = unsupported,
    .workspace_bytes = workspace_bytes,
    .launch = launch,
};

FLASHCORE_API const flashcore_plugin* flashcore_plugin_v1(void) {
  act_at("entry");
  for (int i = 0; i < NUM_VARIANTS; ++i) {
    variants[i] = (flashcore_plugin_variant){.dtype = FLASHCORE_BF16, .head_dim = 64, .block_kv = i + 1};
  }
  return &plugin;
}
