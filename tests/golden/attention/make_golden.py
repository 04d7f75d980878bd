#!/usr/bin/env python3
"""Golden attention cases by PyTorch in float64 (torch.nn.functional.scaled_dot_product_attention on the CPU).

Each NAME.json: the problem in the project's words, and base64 of little-endian arrays, C order:
  q [batch, heads_q, seq_q, head_dim], k and v [batch, heads_kv, seq_kv, head_dim] as raw fp16 or bf16 bits (uint16),
  out [batch, heads_q, seq_q, head_dim] float64, lse [batch, heads_q, seq_q] float64 (natural log of the sum of exp).
causal is aligned bottom-right: query i sees keys j <= i + seq_kv - seq_q. A row that sees no key has out 0, lse -inf.

usage: make_golden.py OUT_DIR
"""
import base64, json, math, os, sys
import torch
import torch.nn.functional as F

CASES = [  # name, seed, batch, heads_q, heads_kv, seq_q, seq_kv, head_dim, dtype, causal, input scale
    ("one", 1000, 1, 1, 1, 1, 1, 64, "fp16", False, 1.0),
    ("tile", 1001, 1, 2, 2, 64, 64, 64, "fp16", False, 1.0),
    ("causal_more_keys_gqa", 1003, 1, 4, 2, 33, 65, 64, "bf16", True, 1.0),
    ("causal_more_queries", 1004, 1, 2, 1, 40, 24, 64, "fp16", True, 1.0),
    ("wide_head", 1008, 1, 2, 1, 7, 150, 256, "bf16", True, 1.0),
    ("narrow_head", 1009, 2, 3, 3, 50, 50, 32, "fp16", False, 1.0),
    ("large_scores", 1010, 1, 2, 2, 64, 80, 64, "fp16", False, 12.0),
]


def b64(t):
    return base64.b64encode(t.contiguous().numpy().tobytes()).decode()


def main():
    out_dir = sys.argv[1]
    os.makedirs(out_dir, exist_ok=True)
    for name, seed, b, hq, hkv, sq, skv, d, dt, causal, mul in CASES:
        g = torch.Generator().manual_seed(seed)
        t = {"fp16": torch.float16, "bf16": torch.bfloat16}[dt]
        q, k, v = (torch.randn(*s, generator=g) for s in ((b, hq, sq, d), (b, hkv, skv, d), (b, hkv, skv, d)))
        q, k, v = (q * mul).to(t), (k * mul).to(t), v.to(t)
        qd, kd, vd = q.double(), k.double(), v.double()
        mask = None
        if causal:
            mask = torch.arange(skv)[None] <= torch.arange(sq)[:, None] + (skv - sq)
        o = F.scaled_dot_product_attention(qd, kd, vd, attn_mask=mask, enable_gqa=hq != hkv)
        s = qd @ kd.repeat_interleave(hq // hkv, 1).transpose(-1, -2) / math.sqrt(d)
        if mask is not None:
            s = s.masked_fill(~mask, -math.inf)
            o = torch.where(mask.any(1)[None, None, :, None], o, torch.zeros_like(o))
        lse = torch.logsumexp(s, -1)
        assert torch.isfinite(o).all()
        json.dump({"name": name, "batch": b, "heads_q": hq, "heads_kv": hkv, "seq_q": sq, "seq_kv": skv, "head_dim": d,
                   "dtype": dt, "causal": causal, "scale": 1 / math.sqrt(d), "made_by": "torch " + torch.__version__,
                   "q": b64(q.view(torch.uint16)), "k": b64(k.view(torch.uint16)), "v": b64(v.view(torch.uint16)),
                   "out": b64(o), "lse": b64(lse)}, open(os.path.join(out_dir, name + ".json"), "w"), indent=0)
        print(name, tuple(o.shape), float(o.abs().max()), float(lse.min()), float(lse.max()))


if __name__ == "__main__":
    main()
