"""Watching a training run for collapse: what the model writes is measured every so many steps."""

from contam.errors import InputError

try:
    import torch as torch
except ImportError:
    raise InputError("watching a training run needs torch: pip install 'contam[models]'") from None
