"""A Triton attention kernel, autotuned, and a copy that forgets a factor: checked, timed beside others, diagnosed."""
import flashcore_bench as fc, triton, triton.language as tl

TILE = {"M": 128, "N": 64}
CONFIGS = [triton.Config(TILE, num_warps=warps, num_stages=stages) for warps, stages in ((4, 2), (4, 3), (8, 3))]
@triton.autotune(CONFIGS, key=["seq_q", "seq_kv", "D", "CAUSAL"])
@triton.jit
def attend(Q, K, V, O, scale, qb, qh, qr, kb, kh, kr, vb, vh, vr, ob, oh, orow, heads, group, seq_q, seq_kv,
           D: tl.constexpr, CAUSAL: tl.constexpr, RESCALE: tl.constexpr, M: tl.constexpr, N: tl.constexpr):
    b, h, d = (tl.program_id(1) // heads).to(tl.int64), (tl.program_id(1) % heads).to(tl.int64), tl.arange(0, D)
    row, shift, end = tl.program_id(0) * M + tl.arange(0, M), seq_kv - seq_q, seq_kv
    q = tl.load(Q + b * qb + h * qh + row[:, None].to(tl.int64) * qr + d, row[:, None] < seq_q, 0.0)
    top, total, acc = tl.full([M], float("-inf"), tl.float32), tl.zeros([M], tl.float32), tl.zeros([M, D], tl.float32)
    if CAUSAL:
        end = tl.minimum(seq_kv, tl.program_id(0) * M + M + shift)
    for first in range(0, end, N):
        col = first + tl.arange(0, N)
        k = tl.load(K + b * kb + h // group * kh + col[:, None].to(tl.int64) * kr + d, col[:, None] < seq_kv, 0.0)
        v = tl.load(V + b * vb + h // group * vh + col[:, None].to(tl.int64) * vr + d, col[:, None] < seq_kv, 0.0)
        seen = (col < seq_kv) & (col <= row[:, None] + shift) if CAUSAL else (col < seq_kv) & (row[:, None] >= 0)
        s = tl.where(seen, tl.dot(q, tl.trans(k)) * (scale * 1.44269504), float("-inf"))
        new = tl.maximum(top, tl.max(s, 1))
        p = tl.exp2(s - tl.where(new == float("-inf"), 0.0, new)[:, None])
        old = tl.where(top == float("-inf"), 0.0, tl.exp2(top - new))
        acc = tl.dot(p.to(v.dtype), v, acc * (old[:, None] if RESCALE else 1.0))
        total, top = total * old + tl.sum(p, 1), new
    out = (acc / tl.where(total == 0, 1.0, total)[:, None]).to(O.dtype.element_ty)
    tl.store(O + b * ob + h * oh + row[:, None].to(tl.int64) * orow + d, out, row[:, None] < seq_q)
def launch(q, k, v, out, scale, causal, *, rescale=True):
    strides = (stride for tensor in (q, k, v, out) for stride in tensor.stride()[:3])
    sizes = q.shape[1], q.shape[1] // k.shape[1], q.shape[2], k.shape[2], q.shape[3]
    attend[lambda tile: (triton.cdiv(q.shape[2], tile["M"]), q.shape[0] * q.shape[1])](
        q, k, v, out, scale, *strides, *sizes, causal, rescale)
def forgetful(q, k, v, out, scale, causal): launch(q, k, v, out, scale, causal, rescale=False)
mine, broken = (fc.kernel(function, supports=lambda problem: problem.head_dim in (64, 128), tile=tuple(TILE.values()))
                for function in (launch, forgetful))
if __name__ == "__main__":  # a worker imports the lines above
    problem = fc.Problem(batch=4, heads=(32, 8), seq=2048, head_dim=128, dtype="bf16", causal=True)
    print(fc.check(mine, problem, depth="deep"), fc.bench([mine, broken], problem, against=["cudnn", "fa3", "auto"]), sep="\n")
    print(fc.diagnose(broken, problem))
