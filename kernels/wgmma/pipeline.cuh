// The kernel body that the wgmma families share: a producer warpgroup, consumer warpgroups, their start and
// their end. README.md in this folder describes the barriers.
#pragma once

#include "kernels/common/cuda_variant.cuh"
#include "kernels/ptx/sm90.cuh"
#include "kernels/ptx/sm90a.cuh"
#include "kernels/wgmma/consumer.cuh"
#include "kernels/wgmma/producer.cuh"

namespace flashcore::kernels {

// How many blocks of one consumer a multiprocessor holds: three where they are persistent and the fragments
// small enough, else two. Blocks begin and end their tiles independently, so that the start and the end of
// one tile run under the products of other blocks. Blocks of a single tile are for problems of one wave,
// where a third block would only take registers.
constexpr int blocks_per_sm(int consumers, int fragment_registers, bool persistent) {
  if (consumers > 1) return 1;
  return persistent && fragment_registers <= 104 ? 3 : 2;
}

// Registers per thread after the exchange. Over all warpgroups they add up to the registers at launch: 3 ·
// 168 with two consumers, 4 · 128 with three, 5 · 96 with four; with one consumer 2 · 128 for two blocks per
// multiprocessor and 2 · 80 for three. With a counter or a cluster the producer's code needs more than 24; it
// has them where the consumers' fragments leave room.
struct RegisterShare {
  int producer;
  int consumer;
};
constexpr RegisterShare register_share(int consumers, int blocks_per_sm, int fragment_registers,
                                       bool counter) {
  if (consumers == 1 && counter) return blocks_per_sm == 3 ? RegisterShare{32, 128} : RegisterShare{40, 216};
  if (consumers == 1) return {24, blocks_per_sm == 3 ? 136 : 232};
  if (consumers == 3) return {32, 160};
  if (consumers == 4) return {32, 112};
  return fragment_registers > 184 ? RegisterShare{24, 240} : RegisterShare{40, 232};
}

// How products of one block of keys overlap with the softmax of another one.
enum class Interleave : int {
  none,       // one after the other in each warpgroup
  overlap,    // within each warpgroup
  ping_pong,  // the same, and warpgroups take turns
  turns,      // one after the other in each warpgroup, and warpgroups take turns
};
enum class Schedule : int { one_tile, persistent, counter, planned = kPlannedSchedule };

// A tile of these families, whose block_q and num_warps follow from the number of consumers.
struct WgmmaTile {
  int consumers;
  int block_kv;
  int num_stages;
  Interleave interleave;
  Schedule schedule;
  int cluster = 0;
  bool pack_gqa = false;

  constexpr operator Tile() const {  // NOLINT(google-explicit-constructor): a table of these is one of tiles
    return {.block_q = consumers * kWarpgroupRows,
            .block_kv = block_kv,
            .num_warps = 4 * (consumers + 1),
            .num_stages = num_stages,
            .overlap = interleave == Interleave::overlap || interleave == Interleave::ping_pong,
            .ping_pong = interleave == Interleave::ping_pong || interleave == Interleave::turns,
            .schedule = static_cast<int>(schedule),
            .cluster = cluster,
            .pack_gqa = pack_gqa};
  }
};

// A family adds kFamily, kSummary, unsupported(), workspace_bytes() and prepare().
template <VariantSpec S, template <class> class Operands>
struct WgmmaPipeline {
  using L = WgmmaLayout<S>;
  using Params = typename Operands<L>::Params;
  static constexpr VariantSpec spec = S;
  static constexpr int kMinComputeCapability = 90;
  static constexpr int kMaxComputeCapability = 90;
  static constexpr int kMinBlocksPerSm =
      blocks_per_sm(L::kConsumers, L::kFragmentRegisters, S.tile.schedule != 0);
  static constexpr bool kDependentLaunch = true;
  static constexpr RegisterShare kRegisters =
      register_share(L::kConsumers, kMinBlocksPerSm, L::kFragmentRegisters, S.tile.schedule == 2);

  static constexpr const char* invalid() {
    const Tile& tile = S.tile;
    if (S.head_dim % kPanelColumns != 0 || S.head_dim > 256) return "head_dim must be 64, 128, 192 or 256";
    if (tile.num_warps % 4 != 0 || L::kConsumers < 1 || L::kConsumers > 4)
      return "num_warps must be 8, 12, 16 or 20";
    if (tile.block_q != L::kConsumers * kWarpgroupRows)
      return "block_q must be 64 rows per consumer warpgroup";
    if (tile.block_kv % L::kStep != 0 || tile.block_kv > 256)
      return "block_kv must be a multiple of 16, or 32 in e4m3, at most 256";
    if (tile.block_kv % (8 * L::kCluster) != 0)
      return "a cluster's share of block_kv must be a multiple of 8 rows";
    if (tile.ping_pong != 0 && L::kConsumers < 2) return "ping_pong needs 2 consumers";
    if (!L::kPlanned && (tile.schedule < 0 || tile.schedule > 2)) return "schedule must be 0, 1 or 2";
    if (tile.cluster < 0 || tile.cluster > 2) return "cluster must be 0 or 2";
    if (L::kCluster > 1 && tile.schedule == 2) return "a cluster cannot draw from the counter";
    if (L::kSmemBytes > kMaxSmemBytes) return "needs more shared memory per block than any device has";
    return nullptr;
  }
  static constexpr int smem_bytes() { return L::kSmemBytes; }

  // Null, or the reason why no family of this pipeline can run, apart from strides for tensor maps.
  static const char* unsupported_rows(const KernelArgs& args) {
    if (std::int64_t{args.seq_q} + args.seq_kv > KeyBounds::kMaxRows) return "too many queries and keys";
    if (!(args.scale > 0)) return "the scale must be positive: it is folded into the exponent";
    if constexpr (L::kPackGqa) {
      if (const char* reason = unpackable(args)) return reason;
    }
    return misaligned(args);
  }

  static std::int64_t grid_blocks(const KernelArgs& args) {
    using Rows = QueryRows<L::kPackGqa>;
    const std::int64_t tiles = Rows::tiles(args, L::kClusterRows) * Rows::heads(args) * args.batch;
    if constexpr (S.tile.schedule == 0) return tiles * L::kCluster;
    return std::min<std::int64_t>(tiles, concurrent_tiles()) * L::kCluster;
  }

  // How many tiles this device works on at a time.
  static int concurrent_tiles() {
    int device = 0;
    int sms = 1;
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&sms, cudaDevAttrMultiProcessorCount, device);
    return std::max(1, sms * kMinBlocksPerSm / L::kCluster);
  }

  // The counter of schedule 2, which starts at 0 in each launch.
  static constexpr std::size_t kCounterBytes = S.tile.schedule == 2 ? sizeof(int) : 0;
  static cudaError_t reset(int* counter, cudaStream_t stream) {
    return kCounterBytes == 0 ? cudaSuccess : cudaMemsetAsync(counter, 0, kCounterBytes, stream);
  }

  // At the start it protects the mbarriers: they are initialised for the copy engine, all warps and the other
  // blocks of the cluster. At the end it protects this block's shared memory: no block leaves while another
  // one may still copy into it or arrive at its barriers.
  __device__ static void block_barrier() {
    if constexpr (L::kCluster > 1) {
      __syncwarp();
      ptx::cluster_barrier_aligned();
    } else {
      __syncthreads();
    }
  }

  __device__ static void produce(const Params& params, WgmmaSmem<L> smem) {
    ptx::release_registers<kRegisters.producer>();
    // Protects the tensors from previous grids. Consumers touch memory only after a copy has arrived.
    ptx::wait_for_previous_grid();
    ptx::launch_dependent_grid();
    Producer<L, Params> producer{params, smem};
    const int warp = __shfl_sync(kAllLanes, threadIdx.x / kWarpSize, 0);
    const int lane = threadIdx.x % kWarpSize;
    if (warp == 0 && lane == 0) producer.copy_keys_and_values();
    if (warp == 1) producer.copy_queries(lane);
  }

  __device__ static void consume(const Params& params, WgmmaSmem<L> smem, int consumer) {
    ptx::acquire_registers<kRegisters.consumer>();
    Consumer<L, Operands<L>> state{{.params = params,
                                    .smem = smem,
                                    .consumer = consumer,
                                    .thread = static_cast<int>(threadIdx.x) % kWarpgroupThreads}};
    state.run();
  }

  __device__ static void run(const Params& params) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    const WgmmaSmem<L> smem{ptx::smem_address(ptx::dynamic_smem())};
    if (threadIdx.x == 0) {
      for (const CUtensorMap* map : {&params.q, &params.k, &params.v, &params.out})
        ptx::prefetch_tensor_map(map);
      smem.initialise_barriers();
    }
    block_barrier();
    const int warpgroup = __shfl_sync(kAllLanes, threadIdx.x / kWarpgroupThreads, 0);
    if (warpgroup == 0) {
      produce(params, smem);
      if constexpr (L::kCluster > 1) block_barrier();
    } else {
      consume(params, smem, warpgroup - 1);
      if constexpr (L::kCluster > 1) block_barrier();
    }
#endif
  }
};

}  // namespace flashcore::kernels
