"""The steps of scripts/prove.py: each tests some claims of this project on your machine."""
