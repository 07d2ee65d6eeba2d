"""What every network offers to decoding, evaluation and training: R replicas of one causal language model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor

PRECISIONS = ("fp32", "tf32", "bf16")

PIECE_CPU, PIECE_GPU = 1 << 18, 1 << 27
"""Logits in a piece of `Network.chunks` (number of float32); a CPU goes over them several times while they are in its
cache."""
LEAST_CPU = 128
"""Positions in a piece where the vocabulary is large: fewer would read the whole head for little work."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a model is made of; ``parameters`` counts tied weights once."""

    architecture: str
    layers: int
    width: int
    heads: int
    vocabulary: int
    context: int
    parameters: int


@dataclass(frozen=True, slots=True)
class Device:
    """Where and how to compute: a torch device, and fp32, tf32 (matrix products only) or bf16.

    The masters, the softmax, the losses and the optimizer are fp32 whatever the precision.
    """

    name: str = "cpu"
    precision: str = "fp32"

    @property
    def dtype(self) -> torch.dtype:
        """The type in which matrices are multiplied."""
        import torch

        return torch.bfloat16 if self.precision == "bf16" else torch.float32


class Network(Protocol):
    """R replicas of one model. The first dimension of every tensor is the replica; B texts each, T tokens, V pieces.

    ``masters`` are the fp32 weights of one replica under the names of its checkpoint, sharing memory with the
    network; their ``grad`` is filled by ``gather_gradients`` after a backward pass. ``refresh`` must follow a
    change of the masters: what is not differentiable reads the compute copy that it makes.
    """

    shape: Shape
    replicas: int
    device: Device
    programs: dict[Any, Any]
    """Captured programs that read this network: they go when it goes."""
    capturable: bool
    """Whether ``last`` can be captured as a CUDA graph: no shape and no branch depends on a value."""

    def masters(self, replica: int) -> dict[str, torch.nn.Parameter]:
        """fp32 weights by checkpoint name; training them in place trains the replica."""

    def gather_gradients(self) -> None:
        """Point the masters' ``grad`` at what the last backward pass found."""

    def clear_gradients(self) -> None:
        """Forget the gradients."""

    def refresh(self) -> None:
        """Bring the compute copy up to date with the masters."""

    def losses(self, ids: Tensor) -> Tensor:
        """Nats of every next token, differentiable: int64[R, B, T + 1] -> float32[R, B, T]."""

    def score(self, ids: Tensor) -> Tensor:
        """The same without gradients, from the compute copy, in bounded memory."""

    def chunks(self, ids: Tensor, first: int = 0) -> Iterator[Tensor]:
        """Logits of the positions ``first``, ``first`` + 1, ... of every text, in pieces of bounded size.

        ids int64[R, B, T + 1], of which the last token is a target only -> pieces float32[R, n, V] of the positions
        [B, T - first] flattened, in order, without gradients, from the compute copy. A piece may be overwritten, and
        holds until the next is asked for: its memory is used again. Two networks of equal V on equal kinds of device
        cut equal ids at the same places (`pieces`).
        """

    def last(self, ids: Tensor, at: Tensor | None = None) -> Tensor:
        """Logits after the last of the tokens int64[R, B, T], or after token ``at`` (int64[], on the device):
        float32[R, B, V]."""

    def prefill(self, ids: Tensor, room: int) -> tuple[Any, Tensor]:
        """A cache with room for that many tokens, filled with int64[R, B, T], and the logits after its last."""

    def advance(self, cache: Any, ids: Tensor) -> Tensor:
        """The logits after one more token of each text, int64[R, B]; the cache grows by it."""

    def narrowed(self, cache: Any, rows: Tensor) -> Any:
        """The cache of some of the texts, in the order of their indices ``rows`` (int64[B'], the same for every
        replica); the given one is not to be used any more."""

    def tensors(self, replica: int) -> dict[str, Tensor]:
        """The weights of one replica as its checkpoint stores them (for saving)."""


def piece_size(vocabulary: int, on_cpu: bool) -> int:
    """Positions whose logits are held at a time, given the logits of one position (of all replicas)."""
    if on_cpu:
        return max(PIECE_CPU // vocabulary, LEAST_CPU)
    return max(PIECE_GPU // vocabulary, 1)


def pieces(rows: int, length: int, most: int) -> Iterator[tuple[slice, slice]]:
    """Rectangles (rows, positions) that cover ``rows`` x ``length`` in order: several whole rows, or parts of one,
    of at most ``most`` positions."""
    tall = max(1, most // max(length, 1))
    wide = max(min(length, most), 1)
    for row in range(0, rows, tall):
        for place in range(0, length, wide):
            yield slice(row, min(row + tall, rows)), slice(place, min(place + wide, length))
