"""What this project claims of itself, shown on the machine in front of you: steps of scripts/prove.py."""
