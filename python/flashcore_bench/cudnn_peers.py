"""cuDNN's attention on paged caches as a Python kernel, by the package nvidia-cudnn-frontend.

A graph is built per problem. It reads lengths, offsets and the page table on the device.
"""

from .errors import Unsupported, first_line
from .peer import Peer, import_one, refusing, require, require_packed

_WORKSPACE_ALIGNMENT = 256


class _Inputs:
    """What cuDNN reads besides the tensors, at addresses that stay. Entries of the table that name no page are 0, as in the
    tables of serving engines."""

    def __init__(self, q, cu_seqlens_q, seqused_k, page_table, out):
        self.sequences, self.entries = page_table.shape
        self.steps = (q.stride(0), out.stride(0))
        self.queries, self.keys = seqused_k.clone(), seqused_k.clone()
        self.offsets = [cu_seqlens_q.clone() for _ in self.steps]
        self.table = page_table.clone()

    def write(self, cu_seqlens_q, seqused_k, page_table, page_size):
        import torch
        self.queries.copy_(cu_seqlens_q[1:] - cu_seqlens_q[:-1])
        self.keys.copy_(seqused_k)
        for offsets, step in zip(self.offsets, self.steps):
            offsets.copy_(cu_seqlens_q * step)
        pages = (seqused_k + page_size - 1) // page_size
        used = torch.arange(self.entries, device=page_table.device)[None] < pages[:, None]
        self.table.copy_(torch.where(used, page_table, 0))


def _rows(tensor, sequences, seq_q):
    """(sizes, strides) of Q or O, packed: [sequences, heads, queries of the longest, head_dim]."""
    heads, columns = tensor.shape[1:]
    step, head_step = tensor.stride(0), tensor.stride(1)
    return [sequences, heads, seq_q, columns], [seq_q * step, head_step, step, 1]


class _Graph:
    def __init__(self, cudnn, handle, problem, inputs, tensors):
        q, k, v, out = tensors
        n, entries = inputs.sequences, inputs.entries
        data_type = cudnn.data_type.HALF if problem.dtype == "fp16" else cudnn.data_type.BFLOAT16
        self.graph = graph = cudnn.pygraph(
            io_data_type=data_type, intermediate_data_type=cudnn.data_type.FLOAT, compute_data_type=cudnn.data_type.FLOAT,
            handle=handle)

        def ints(name, dim, stride):
            return graph.tensor(name=name, dim=dim, stride=stride, data_type=cudnn.data_type.INT32)
        at_q, at_o = (ints(name, [n + 1, 1, 1, 1], [1, 1, 1, 1]) for name in ("offsets_q", "offsets_o"))
        lengths = [ints(name, [n, 1, 1, 1], [1, 1, 1, 1]) for name in ("lengths_q", "lengths_kv")]
        tables = [ints(name, [n, 1, entries, 1], [entries, entries, 1, 1]) for name in ("table_k", "table_v")]
        sizes, strides = _rows(q, n, problem.seq_q)
        self.q = graph.tensor(name="q", dim=sizes, stride=strides, data_type=data_type)
        self.q.set_ragged_offset(at_q)
        self.k, self.v = (graph.tensor(name=name, dim=[cache.shape[i] for i in (0, 2, 1, 3)], data_type=data_type,
                                       stride=[cache.stride(i) for i in (0, 2, 1, 3)]) for name, cache in (("k", k), ("v", v)))
        mask = {"diagonal_alignment": cudnn.diagonal_alignment.BOTTOM_RIGHT, "diagonal_band_right_bound": 0} \
            if problem.causal else {}
        self.out, _ = graph.sdpa(
            name="sdpa", q=self.q, k=self.k, v=self.v, generate_stats=False, attn_scale=problem.scale, use_padding_mask=True,
            seq_len_q=lengths[0], seq_len_kv=lengths[1], paged_attention_k_table=tables[0], paged_attention_v_table=tables[1],
            paged_attention_max_seq_len_kv=problem.seq_kv, **mask)
        sizes, strides = _rows(out, n, problem.seq_q)
        self.out.set_output(True).set_dim(sizes).set_stride(strides).set_data_type(data_type).set_ragged_offset(at_o)
        self.fixed = {lengths[0]: inputs.queries, lengths[1]: inputs.keys, at_q: inputs.offsets[0], at_o: inputs.offsets[1],
                      tables[0]: inputs.table, tables[1]: inputs.table}
        graph.build([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])

    def launch(self, handle, workspace, q, k, v, out):
        self.graph.execute({self.q: q, self.k: k, self.v: v, self.out: out, **self.fixed}, workspace, handle=handle)


def _prepare(problem):
    require(problem, ("lengths", "pages"))
    if not problem.kv:
        raise Unsupported("it is given paged caches only")
    cudnn = import_one("cudnn")
    kept = {}

    def plan(q, k, v, out, cu_seqlens_q, seqused_k, page_table, page_size):
        import torch
        require_packed(cu_seqlens_q)
        key = tuple(tuple(tensor.shape) + tensor.stride() for tensor in (q, k, v, out, page_table))
        if kept.get("key") != key:
            kept.clear()
            inputs = _Inputs(q, cu_seqlens_q, seqused_k, page_table, out)
            inputs.write(cu_seqlens_q, seqused_k, page_table, page_size)
            handle = cudnn.create_handle()
            try:
                graph = _Graph(cudnn, handle, problem, inputs, (q, k, v, out))
            except cudnn.cudnnGraphNotSupportedError as error:
                raise Unsupported(first_line(error)) from None
            workspace = torch.empty(max(graph.graph.get_workspace_size(), _WORKSPACE_ALIGNMENT), dtype=torch.uint8,
                                    device=q.device)
            kept.update(key=key, inputs=inputs, handle=handle, graph=graph, workspace=workspace)
        kept["inputs"].write(cu_seqlens_q, seqused_k, page_table, page_size)

    def launch(q, k, v, out):
        import torch
        cudnn.set_stream(kept["handle"], torch.cuda.current_stream(q.device).cuda_stream)
        kept["graph"].launch(kept["handle"], kept["workspace"], q, k, v, out)
    launch.plan = refusing(plan)
    return refusing(launch)


def _configuration():
    cudnn = import_one("cudnn")
    return f"cuDNN {cudnn.backend_version()}, frontend {cudnn.__version__}, one graph per problem"


# Nobody looked yet whether it reads rows after the last key.
PEERS = {"peer_cudnn_paged": Peer(_prepare, _configuration, reads_unused_rows=True, needs_lengths=True)}
