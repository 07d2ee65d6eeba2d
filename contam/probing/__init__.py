"""``contam probe``: what a checkpoint writes, how well it predicts human text, and how both have moved."""
