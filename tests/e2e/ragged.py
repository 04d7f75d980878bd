"""A ragged problem with its buffers for libflashcore, and what it must give, in double precision."""

import ctypes
import math
import random
import struct

from library import DTYPES, Strides

NOWHERE = 999_999  # an entry of a page table that is not read
POISON = 0x7FC1  # a NaN of bf16: what no kernel writes
NAN = 0x7FC0


def bf16(value):
    bits = struct.unpack("<I", struct.pack("<f", value))[0]
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


def from_bf16(bits):
    return struct.unpack("<f", struct.pack("<I", bits << 16))[0]


def int32s(values):
    return (ctypes.c_int32 * len(values))(*values)


def address(buffer, elements=0):
    return ctypes.addressof(buffer) + elements * ctypes.sizeof(buffer._type_)


class Ragged:
    """Q of all sequences one after the other with three spare rows; K and V likewise, or in pages of one allocation
    [pages, 2, page_size, heads_kv, head_dim] (hnd: [pages, 2, heads_kv, page_size, head_dim]). Spare rows and pages are NaN."""

    def __init__(self, library, q=(5, 0, 1, 3), kv=(9, 4, 0, 3), heads=(4, 2), head_dim=64, page_size=0, hnd=False,
                 sinks=False, **members):
        self.lengths, self.heads, self.head_dim, self.page_size = (q, kv), heads, head_dim, page_size
        self.total_q = sum(q) + 3
        self.random = random.Random(20)
        self.args = args = library.new_args_v2()
        args.dtype, args.batch = DTYPES.index("bf16"), len(q)
        args.heads_q, args.heads_kv = heads
        args.head_dim, args.scale, args.window_right = head_dim, head_dim ** -0.5, 0
        args.max_seqlen_q, args.max_seqlen_k, args.total_q = max(q), max(kv), self.total_q
        self._make_queries()
        if page_size:
            self._make_pages(hnd)
        else:
            self._make_keys()
        self.sinks = (ctypes.c_float * heads[0])(*[0.5 * head - 1 for head in range(heads[0])]) if sinks else None
        args.sinks = address(self.sinks) if sinks else None
        for name, value in members.items():
            setattr(args, name, value)

    def _values(self, count):
        return (ctypes.c_uint16 * count)(*[bf16(self.random.gauss(0, 1)) for _ in range(count)])

    def _make_queries(self):
        heads, dim = self.heads[0], self.head_dim
        self.q = self._values(self.total_q * heads * dim)
        self.out = (ctypes.c_uint16 * len(self.q))()
        self.lse = (ctypes.c_float * (heads * self.total_q))()
        self.cu_seqlens_q = int32s([sum(self.lengths[0][:i]) for i in range(len(self.lengths[0]) + 1)])
        args = self.args
        args.q, args.out, args.lse, args.cu_seqlens_q = map(address, (self.q, self.out, self.lse, self.cu_seqlens_q))
        args.q_stride = args.out_stride = Strides(12345, dim, heads * dim)  # the stride of a batch is not used

    def _make_keys(self):
        rows, heads, dim = sum(self.lengths[1]) + 3, self.heads[1], self.head_dim
        self.k, self.v = self._values(rows * heads * dim), self._values(rows * heads * dim)
        for i in range((rows - 3) * heads * dim, rows * heads * dim):
            self.k[i] = self.v[i] = NAN
        self.cu_seqlens_k = int32s([sum(self.lengths[1][:i]) for i in range(len(self.lengths[1]) + 1)])
        args = self.args
        args.k, args.v, args.cu_seqlens_k = map(address, (self.k, self.v, self.cu_seqlens_k))
        args.total_k = rows
        args.k_stride = args.v_stride = Strides(54321, dim, heads * dim)

    def _make_pages(self, hnd):
        size, heads, dim, args = self.page_size, self.heads[1], self.head_dim, self.args
        counts = [-(-keys // size) for keys in self.lengths[1]]
        pages = list(range(sum(counts) + 2))
        self.random.shuffle(pages)
        stride = max(counts) + 1
        table = [NOWHERE] * (stride * len(counts))
        half = size * heads * dim
        self.k = (ctypes.c_uint16 * (len(pages) * 2 * half))(*[NAN] * (len(pages) * 2 * half))
        self.v = self.k
        self.v_first = half
        args.k_stride = args.v_stride = Strides(2 * half, size * dim if hnd else dim, dim if hnd else heads * dim)
        for sequence, keys in enumerate(self.lengths[1]):
            for page in range(counts[sequence]):
                table[sequence * stride + page] = pages.pop()
            for key in range(keys):
                for head in range(heads):
                    at = self._place(table[sequence * stride + key // size], key % size, head)
                    for column in range(dim):
                        self.k[at + column] = bf16(self.random.gauss(0, 1))
                        self.k[at + half + column] = bf16(self.random.gauss(0, 1))
        self.page_table, self.table = int32s(table), table
        self.seqused_k = int32s(self.lengths[1])
        args.k, args.v = address(self.k), address(self.k, half)
        args.page_table, args.seqused_k = address(self.page_table), address(self.seqused_k)
        args.page_size, args.page_table_stride, args.num_pages = size, stride, sum(counts) + 2

    def _place(self, page, row, head):
        stride = self.args.k_stride
        return page * stride.batch + row * stride.row + head * stride.head

    def key_at(self, sequence, key, head):
        """The first elements of a row of K and of V."""
        if not self.page_size:
            at = ((self.cu_seqlens_k[sequence] + key) * self.heads[1] + head) * self.head_dim
            return at, at
        page = self.table[sequence * self.args.page_table_stride + key // self.page_size]
        at = self._place(page, key % self.page_size, head)
        return at, at + self.v_first

    def queries(self):
        """(sequence, query, head, first element) of all used rows."""
        for sequence, count in enumerate(self.lengths[0]):
            for query in range(count):
                for head in range(self.heads[0]):
                    yield sequence, query, head, ((self.cu_seqlens_q[sequence] + query) * self.heads[0] + head) * self.head_dim

    def expected_row(self, sequence, query, head, first):
        """The output and the log-sum-exp of one row."""
        keys, args, dim = self.lengths[1][sequence], self.args, self.head_dim
        diagonal = query + keys - self.lengths[0][sequence]
        low = 0 if args.window_left < 0 else max(0, diagonal - args.window_left)
        high = keys if args.window_right < 0 else min(keys, diagonal + args.window_right + 1)
        q = [from_bf16(bits) for bits in self.q[first:first + dim]]
        total = math.exp(self.sinks[head]) if self.sinks else 0.0
        out = [0.0] * dim
        for key in range(low, high):
            at_k, at_v = self.key_at(sequence, key, head // (self.heads[0] // self.heads[1]))
            weight = math.exp(args.scale * sum(x * from_bf16(y) for x, y in zip(q, self.k[at_k:at_k + dim])))
            total += weight
            out = [x + weight * from_bf16(y) for x, y in zip(out, self.v[at_v:at_v + dim])]
        return [x / total if total else 0.0 for x in out], math.log(total) if total else -math.inf

    def launch(self, library, variant):
        """The output and the log-sum-exp, as they lie in memory, of a launch into poison."""
        ctypes.memset(self.lse, 0x55, ctypes.sizeof(self.lse))
        for i in range(len(self.out)):
            self.out[i] = POISON
        library.launch(variant, self.args, -1)
        return list(self.out), list(self.lse)
