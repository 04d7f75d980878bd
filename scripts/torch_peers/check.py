"""Right or wrong: errors against an FP32 reference, judged by the rule of src/check/verdict.cpp."""

import math

import torch

TORCH_DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}
UNIT_ROUNDOFF = {"fp16": 2.0**-11, "bf16": 2.0**-8}

YARDSTICK_FACTOR = 2
FLOOR_ELEMENT_RMS = 4  # a lucky yardstick: elements are rarely larger than four times their root mean square
FLOOR_ROUNDINGS = 0.5

MOST_SCORES = 1 << 27  # elements of a block of rows' scores


def visible(problem, row_begin, row_end, device):
    """[rows, seq_kv], True where a query sees a key; None when every query sees all."""
    left, right = problem.windows()
    if left < 0 and right < 0:
        return None
    diagonal = torch.arange(row_begin, row_end, device=device)[:, None] + problem.seq_kv - problem.seq_q
    keys = torch.arange(problem.seq_kv, device=device)[None]
    seen = torch.ones((row_end - row_begin, problem.seq_kv), dtype=torch.bool, device=device)
    if left >= 0:
        seen &= keys >= diagonal - left
    if right >= 0:
        seen &= keys <= diagonal + right
    return seen


def attention_rows(problem, q, k, v, row_begin, row_end):
    """Rows of the output in the dtype of q, with scores and probabilities in it too; k and v have heads_q heads."""
    scores = (q[:, :, row_begin:row_end] @ k.transpose(-1, -2)) * problem.scale
    if problem.softcap > 0:
        scores = problem.softcap * torch.tanh(scores / problem.softcap)
    seen = visible(problem, row_begin, row_end, q.device)
    if seen is not None:
        scores = scores.masked_fill(~seen, -math.inf)
    probabilities = torch.softmax(scores, dim=-1)
    if seen is not None:  # a query that sees no key has probabilities 0 / 0 and output 0
        probabilities = probabilities.masked_fill(~seen, 0)
    return probabilities @ v


def unfused_attention(problem, inputs, dtype):
    """[batch, heads_q, seq_q, head_dim] in FP32, computed in `dtype` in blocks of rows, so that any length fits.

    In FP32 it is the reference, in the problem's dtype the yardstick.
    """
    group = problem.heads_q // problem.heads_kv
    q, k, v = (tensor.to(dtype) for tensor in inputs)
    k, v = (tensor.repeat_interleave(group, dim=1) for tensor in (k, v))
    rows = max(1, MOST_SCORES // (problem.batch * problem.heads_q * problem.seq_kv))
    blocks = [attention_rows(problem, q, k, v, begin, min(begin + rows, problem.seq_q)).float()
              for begin in range(0, problem.seq_q, rows)]
    return torch.cat(blocks, dim=2)


def unravel(flat, shape):
    index = []
    for size in reversed(shape):
        flat, place = divmod(flat, size)
        index.append(place)
    return index[::-1]


def error_norms(out, reference):
    """Of finite elements; where the output is not finite it counts as `nonfinite`."""
    difference = (out.float() - reference).abs()
    finite = torch.isfinite(difference)
    nonfinite = int((~finite).sum())
    worst = int(difference.nan_to_num(nan=math.inf).argmax())
    difference = difference.masked_fill(~finite, 0)
    norm = float(torch.linalg.vector_norm(reference, dtype=torch.float64))
    rel_l2 = float(torch.linalg.vector_norm(difference, dtype=torch.float64)) / (norm or 1.0)
    return {"max_abs": float(difference.max()), "mean_abs": float(difference.mean(dtype=torch.float64)),
            "rel_l2": rel_l2, "nonfinite": nonfinite,
            "worst_index": unravel(worst, reference.shape)}


class Judge:
    """The reference and the yardstick of one problem's first input set."""

    def __init__(self, problem, inputs):
        self.dtype = problem.dtype
        tf32 = torch.backends.cuda.matmul.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = False
        try:
            self.reference = unfused_attention(problem, inputs, torch.float32)
        finally:
            torch.backends.cuda.matmul.allow_tf32 = tf32
        yardstick = unfused_attention(problem, inputs, TORCH_DTYPES[problem.dtype])
        self.yardstick = error_norms(yardstick, self.reference)
        self.reference_rms = float(self.reference.square().mean(dtype=torch.float64).sqrt())

    def check(self, out):
        """A record's check of an output [batch, heads_q, seq_q, head_dim]."""
        check = error_norms(out, self.reference)
        rounding = UNIT_ROUNDOFF[self.dtype]
        limit = {"max_abs": YARDSTICK_FACTOR * self.yardstick["max_abs"]
                 + FLOOR_ELEMENT_RMS * rounding * self.reference_rms,
                 "rel_l2": YARDSTICK_FACTOR * self.yardstick["rel_l2"] + FLOOR_ROUNDINGS * rounding}
        check["limit"] = limit
        check["yardstick"] = {key: self.yardstick[key] for key in ("max_abs", "rel_l2")}
        check["reason"] = self._reason(check, limit)
        check["passed"] = not check["reason"]
        return check

    @staticmethod
    def _reason(check, limit):
        if check["nonfinite"]:
            return f"{check['nonfinite']} elements are not finite where the reference is"
        for key, words in (("max_abs", "the largest error"), ("rel_l2", "the relative L2 error")):
            if not check[key] <= limit[key]:
                return f"{words} is {check[key]:.3g} (limit {limit[key]:.3g})"
        return ""
