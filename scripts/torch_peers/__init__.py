"""The parts of scripts/compare_torch.py: PyTorch's attention kernels beside this project's, in one process."""
