"""Devices that take time samples; what hot, cold and call mean stands in src/execute/executor.hpp."""

import math
import pathlib
import time

import torch

MOST_SETS = 256


def input_sets(problem, cache_bytes):
    """Enough that together they are at least twice the last-level cache."""
    return min(max(-(-2 * cache_bytes // problem.input_set_bytes()), 1), MOST_SETS)


class CudaDevice:
    """Samples by events: graphs of back-to-back launches on one stream, which is torch's current one throughout."""

    SAMPLE_US = 1000  # a graph is about this much work, so that its two events do not show
    MOST_LAUNCHES = 400
    SHORT_SAMPLE = 0.9  # a graph that takes less of SAMPLE_US is made anew, with more launches
    WARM_UPS = 3

    backend = "cuda"

    def __init__(self, index):
        self.index = index
        self.torch_device = torch.device("cuda", index)
        torch.cuda.set_device(index)
        self.properties = torch.cuda.get_device_properties(index)
        self.cache_bytes = self.properties.L2_cache_size
        self.stream = torch.cuda.Stream()
        torch.cuda.set_stream(self.stream)
        self.pool = torch.cuda.graph_pool_handle()
        self.call_events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
        # Recorded inside of graphs, so that the start of a graph lies before what is timed.
        self.graph_events = [torch.cuda.Event(enable_timing=True, external=True) for _ in range(2)]

    def current_stream(self):
        """For libflashcore; inside a capture it is the capturing stream."""
        return torch.cuda.current_stream().cuda_stream

    def synchronize(self):
        torch.cuda.synchronize()

    def release(self):
        torch.cuda.empty_cache()
        self.pool = torch.cuda.graph_pool_handle()

    @staticmethod
    def _elapsed_us(events):
        begin, end = events
        end.synchronize()
        return begin.elapsed_time(end) * 1e3

    def call_us(self, launch):
        begin, end = self.call_events
        self.stream.synchronize()
        begin.record()
        launch(0)
        end.record()
        return self._elapsed_us(self.call_events)

    def prepare(self, launch, sets):
        """What sample() replays: (graph, launches), over the input sets in turn."""
        for i in range(self.WARM_UPS):
            launch(i % sets)
        prepared = self._record(launch, min(self.call_us(launch), self.call_us(launch)), sets)
        first_us = self.sample(prepared)
        if prepared[1] * first_us > self.SHORT_SAMPLE * self.SAMPLE_US:
            return prepared
        return self._record(launch, min(first_us, self.sample(prepared)), sets)

    def _record(self, launch, one_us, sets):
        launches = min(max(math.ceil(self.SAMPLE_US / max(one_us, 0.1)), 2), self.MOST_LAUNCHES)
        launches = -(-launches // sets) * sets  # a replay goes on where the one before ended
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self.pool, stream=self.stream, capture_error_mode="thread_local"):
            begin, end = self.graph_events
            begin.record()
            for i in range(launches):
                launch(i % sets)
            end.record()
        return graph, launches

    def sample(self, prepared):
        graph, launches = prepared
        graph.replay()
        return self._elapsed_us(self.graph_events) / launches


class CpuDevice:
    """The same by the host's clock: for machines without a GPU, and to try this script."""

    SAMPLE_US = 2000
    MOST_LAUNCHES = 1000

    backend = "cpu"
    index = -1

    def __init__(self):
        self.torch_device = torch.device("cpu")
        self.cache_bytes = self._last_level_cache()

    @staticmethod
    def _last_level_cache():
        sizes = [path.read_text().strip() for path in
                 pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size")]
        return max((int(size[:-1]) << 10 for size in sizes if size.endswith("K")), default=32 << 20)

    def current_stream(self):
        return None

    def synchronize(self):
        pass

    def release(self):
        pass

    def call_us(self, launch):
        begin = time.perf_counter()
        launch(0)
        return (time.perf_counter() - begin) * 1e6

    def prepare(self, launch, sets):
        launch(0)
        one_us = min(self.call_us(launch), self.call_us(launch))
        return launch, sets, min(max(math.ceil(self.SAMPLE_US / max(one_us, 0.1)), 1), self.MOST_LAUNCHES)

    def sample(self, prepared):
        launch, sets, launches = prepared
        begin = time.perf_counter()
        for i in range(launches):
            launch(i % sets)
        return (time.perf_counter() - begin) * 1e6 / launches


def open_device(text):
    """`cuda`, `cuda:N` or `cpu`; None when there is no such CUDA device."""
    if text == "cpu":
        return CpuDevice()
    index = int(text.partition(":")[2] or 0)
    if not torch.cuda.is_available() or index >= torch.cuda.device_count():
        return None
    return CudaDevice(index)
