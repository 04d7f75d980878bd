"""Peers for ragged batches and paged caches, on fakes of PyTorch and of the peers' packages: what they are given, planned
and refuse."""

import importlib
import os
import sys
import unittest
import unittest.mock

from bench import SOURCE, BenchTest

PACKAGE = os.environ.get("FLASHCORE_PYTHON_DIR", "")
if PACKAGE:
    sys.path[:0] = [str(SOURCE / "tests" / "fakes" / "python"), PACKAGE]
    import flash_attn_config
    import flash_attn_interface
    import flashinfer
    import flashcore_bench as fc
    from flashcore_bench import flashinfer_peers, peers

SHAPE = {"heads": (4, 2), "head_dim": 64, "causal": True}
DECODE = {**SHAPE, "lengths": {"q": [1, 1, 1, 1], "kv": [9, 16, 40, 1]}, "kv": "paged:16"}
MIXED = {**SHAPE, "lengths": {"q": [5, 0, 33, 1], "kv": [9, 4, 40, 17]}, "kv": "paged:8"}
RAGGED = {**SHAPE, "lengths": {"q": [5, 0, 33], "kv": [9, 4, 40]}}
DECODES = ("peer_flashinfer_decode", "peer_flashinfer_decode_split", "peer_flashinfer_decode_replanned")
BALANCED = ("peer_flashinfer_balanced", "peer_flashinfer_balanced_replanned")
PREFILLS = ("peer_flashinfer_fa2", "peer_flashinfer_fa3")
FLASH_ATTENTION = ("peer_fa3", "peer_fa4")


@unittest.skipUnless(PACKAGE, "the Python module was not built")
class PeersTest(BenchTest):
    def setUp(self):
        flashinfer.calls.clear()
        flash_attn_interface.calls.clear()

    def check(self, family, depth="standard", **fields):
        return fc.check(peers.make(family), fc.Problem(**fields), depth=depth, device="cpu", in_process=True)

    def assert_unsupported(self, reason, family, **fields):
        found = self.check(family, **fields)
        self.assertEqual(found.status, "unsupported", found)
        self.assertIn(reason, found.reason)
        self.assertEqual(len(found.reason.splitlines()), 1)


class WhatRuns(PeersTest):
    def test_every_peer_is_right_on_what_it_takes(self):
        for families, fields in (((*DECODES, *BALANCED, *PREFILLS, *FLASH_ATTENTION), DECODE),
                                 ((*BALANCED, *PREFILLS, *FLASH_ATTENTION), MIXED),
                                 ((*PREFILLS, *FLASH_ATTENTION), RAGGED),
                                 ((*PREFILLS, "peer_fa4"), {**MIXED, "sinks": True, "window_left": 6}),
                                 ((*DECODES, *FLASH_ATTENTION), {**DECODE, "window_left": 6, "softcap": 20.0})):
            for family in families:
                with self.subTest(family=family, **fields):
                    found = self.check(family, **fields)
                    self.assertTrue(found, found)

    def test_a_fault_of_theirs_is_found(self):
        with unittest.mock.patch.object(flashinfer_peers, "pages_of", lambda lengths, table, page_size: (
                [0, 1, 2, 5, 6], [0] * 6, [9, 16, 8, 1])):
            self.assertEqual(self.check("peer_flashinfer_decode", **DECODE).status, "incorrect")

    def test_worker_finds_them_and_rows_name_version_and_configuration(self):
        result = fc.bench([peers.make("peer_flashinfer_decode"), peers.make("peer_fa3")], fc.Problem(**DECODE), device="cpu",
                          budget=1)
        self.assertEqual([(row.status, row.in_process) for row in result.rows], [("ok", "")] * 2)
        decode, fa3 = (row.choices[row.family] for row in result.rows)
        self.assertEqual(decode, "FlashInfer 0.6.4, decode with tensor cores, planned for CUDA graphs")
        self.assertIn("scheduler metadata", fa3)
        said = ["finite values" in str(row.record.get("warnings", "")) for row in result.rows]
        self.assertEqual(said, [True, True])
        found = self.check("peer_flashinfer_balanced", **DECODE)
        self.assertTrue(found)
        self.assertNotIn("warnings", found.record)


class Plans(PeersTest):
    def test_page_tables_become_indices(self):
        table = [[7, 3, 999], [999, 999, 999], [5, 1, 4]]
        self.assertEqual(flashinfer_peers.pages_of([5, 0, 12], table, 4), ([0, 2, 2, 5], [7, 3, 5, 1, 4], [1, 0, 4]))

    def test_a_plan_comes_before_the_launches(self):
        self.assertTrue(self.check("peer_flashinfer_decode", **DECODE))
        (name, first, made), (_, second, planned) = flashinfer.calls
        self.assertEqual((name, first, second), ("BatchDecodeWithPagedKVCacheWrapper", "init", "plan"))
        self.assertTrue(made["use_cuda_graph"])
        self.assertEqual((planned["indptr"], planned["last_page_len"]), ([0, 1, 2, 5, 6], [9, 16, 8, 1]))
        self.assertEqual((len(set(planned["indices"])), planned["page_size"]), (6, 16))
        self.assertEqual(planned["fixed_split_size"], None)

    def test_a_fixed_split_is_in_pages_and_without_graphs(self):
        self.assertTrue(self.check("peer_flashinfer_decode_split", **DECODE))
        self.assertFalse(flashinfer.calls[0][2]["use_cuda_graph"])
        self.assertEqual(flashinfer.calls[1][2]["fixed_split_size"], 4096 // 16)

    def test_replanned_rows_plan_in_each_launch(self):
        def plans(family):
            flashinfer.calls.clear()
            result = fc.bench([peers.make(family)], fc.Problem(**DECODE), device="cpu", budget=1, in_process=True,
                              measure={"min_samples": 5, "max_samples": 5}, modes=["call"])
            self.assertEqual(result.rows[0].status, "ok", result.rows)
            return sum(method == "plan" for _, method, _ in flashinfer.calls)
        self.assertGreater(plans("peer_flashinfer_decode_replanned"), plans("peer_flashinfer_decode") + 5)
        self.assertGreater(plans("peer_flashinfer_balanced_replanned"), plans("peer_flashinfer_balanced") + 5)

    def test_the_buffers_follow_other_lengths(self):
        kept = flashinfer_peers._Planned(flashinfer_peers._Prefill("fa2"))
        fixed = flashinfer_peers._Planned(flashinfer_peers._Decode(4096))
        decode = fc.Problem(**{**DECODE, "lengths": {"q": [1, 1], "kv": [20, 20]}})
        for planned, reason in ((kept, None), (fixed, "other lengths need another capture")):
            launch = planned.prepare(decode)
            self.plan(launch, [20, 3])
            wrapper = planned.wrapper
            if reason is None:
                self.plan(launch, [3, 20])
                self.assertEqual(list(wrapper.buffers["indptr"]), [0, 1, 3])
            else:
                with self.assertRaisesRegex(fc.Unsupported, reason):
                    self.plan(launch, [3, 20])
            self.assertIs(planned.wrapper, wrapper)
            self.plan(launch, [20, 19])
            self.assertIsNot(planned.wrapper, wrapper)

    def plan(self, launch, keys):
        import torch

        def ints(values):
            return torch.tensor(values, torch.int32)
        launch.plan(q=torch.zeros(2, torch.float16, "cpu"), cu_seqlens_q=ints([0, 1, 2]), cu_seqlens_k=None,
                    seqused_k=ints(keys), page_table=ints([[0, 1], [2, 3]]), page_size=16)

    def test_scheduler_metadata_are_of_the_lengths(self):
        self.assertTrue(self.check("peer_fa3", **MIXED))
        self.assertEqual(flash_attn_interface.calls, [("get_scheduler_metadata", {"lengths": [9, 4, 40, 17], "page_size": 8})])
        found = self.check("peer_fa3", depth="deep", **MIXED)  # with other lengths in the same memory
        self.assertTrue(found, found)


class WhatIsRefused(PeersTest):
    def test_reasons(self):
        for reason, families, fields in (
                ("no ragged batches here", ("peer_torch_math",), DECODE),
                ("decodes one query per sequence", DECODES, MIXED),
                ("decodes from paged caches", DECODES, {**DECODE, "kv": "contiguous"}),
                ("takes paged caches", BALANCED, RAGGED),
                ("no sinks here", (*DECODES, *BALANCED, "peer_fa3"), {**DECODE, "sinks": True}),
                ("sinks with paged caches", PREFILLS, {**RAGGED, "sinks": True}),
                ("no windows here", BALANCED, {**DECODE, "window_left": 4}),
                ("no windows to the right", PREFILLS, {**RAGGED, "causal": False, "window_right": 4}),
                ("no log-sum-exp", (*DECODES, *BALANCED, *PREFILLS, *FLASH_ATTENTION), {**DECODE, "lse": True}),
                ("ragged batches only", (*BALANCED, *PREFILLS, *FLASH_ATTENTION), {**SHAPE, "seq": 20, "kv": "paged:4"}),
                ("ragged batches only", PREFILLS, {**SHAPE, "seq": 20}),
                ("this fake has no rectangles", ("peer_fa4",), {**SHAPE, "seq": 20}),
                ("cudnn cannot be used", ("peer_cudnn_paged",), DECODE)):
            for family in families:
                with self.subTest(family=family, reason=reason), unittest.mock.patch.dict(sys.modules, {"cudnn": None}):
                    self.assert_unsupported(reason, family, **fields)

    def test_a_sequence_without_queries_is_not_decoded(self):
        found = self.check("peer_flashinfer_decode", **{**DECODE, "lengths": {"q": [1, 0, 1, 1], "kv": [9, 16, 40, 1]}})
        self.assertEqual((found.status, found.reason), ("unsupported", "it decodes one query per sequence"))

    def test_builds_of_flash_attention_3_say_what_they_leave_out(self):
        for flag, fields in (("FP16", DECODE), ("PAGEDKV", DECODE), ("LOCAL", {**RAGGED, "window_left": 3}),
                             ("FP8", {**SHAPE, "seq": 32, "dtype": "e4m3"})):
            flags = {f"FLASHATTENTION_DISABLE_{flag}": True}
            with unittest.mock.patch.dict(flash_attn_config.CONFIG, {"build_flags": flags}), self.assertRaisesRegex(
                    fc.Unsupported, f"this build of FlashAttention 3 has no {flag}$"):
                peers.make("peer_fa3").function_for(fc.Problem(**fields))

    def test_packages_that_cannot_be_imported(self):
        with unittest.mock.patch.dict(sys.modules, {"flashinfer": None}):
            self.assert_unsupported("the Python module flashinfer cannot be used", "peer_flashinfer_fa2", **RAGGED)

    def test_flash_attention_3_has_several_names(self):
        other = importlib.import_module("flash_attn_interface")
        with unittest.mock.patch.dict(sys.modules, {"flash_attn_interface": None, "fa3_fwd_interface": other}):
            self.assertTrue(self.check("peer_fa3", **RAGGED))
        self.assertIn("flash_attn_varlen_func", [name for name, _ in flash_attn_interface.calls])

    def test_flash_attention_3_takes_factors_of_8_bits(self):
        function, parameters = peers.make("peer_fa3").function_for(fc.Problem(**SHAPE, seq=8, dtype="e4m3"))
        self.assertTrue({"q_descale", "k_descale", "v_descale"} <= set(parameters))
        import torch
        tensors = [torch.zeros(1 * heads * 8 * 64, torch.float16, "cpu").reshape(1, heads, 8, 64) for heads in (4, 2, 2)]
        function(*tensors, "of q", "of k", "of v")
        self.assertEqual(flash_attn_interface.calls[-1][1], {"q_descale": "of q", "k_descale": "of k", "v_descale": "of v"})
        with self.assertRaisesRegex(fc.Unsupported, "bf16 outputs"):
            peers.make("peer_fa3").function_for(fc.Problem(**SHAPE, seq=8, dtype="e4m3", out_dtype="fp16"))


class Registration(PeersTest):
    def test_without_ragged_batches_the_others_are_left_out(self):
        every, plain = peers.that_run([{"seq_q": 4}, {"lengths": "q1s8"}]), peers.that_run([{"seq_q": 4}])
        self.assertEqual(every, list(peers.PEERS))
        self.assertEqual([family for family in every if family not in plain],
                         [*(name for name in peers.PEERS if "flashinfer" in name), "peer_cudnn_paged"])

    def test_short_names(self):
        self.assertEqual(peers.families("flashinfer_decode"), ["peer_flashinfer_decode"])
        self.assertEqual(peers.families("fa3"), ["peer_fa3"])


if __name__ == "__main__":
    unittest.main()
