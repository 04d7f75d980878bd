"""The flags of the build of the fake FlashAttention 3; tests set them."""

CONFIG = {"build_flags": {}}
