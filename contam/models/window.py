"""What a model sees of texts that grow by a token at a time, longer than its context if need be."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from contam.models.network import Network


class Window:
    """The cache of texts that are equally long, on the first replica of a network.

    When a text has filled the model's context, the cache begins again with its last half (as the decoder ``stride``
    of `contam.models.sampling.Sampling` does), so that a token sees between half of the context and all of it. Of a
    prompt longer than the context its end is seen.
    """

    def __init__(self, network: Network, prompts: Tensor, room: int) -> None:
        """``prompts`` int64[B, P] with P above 0; ``room``: tokens that the longest text may have, prompt included."""
        self.network = network
        self.context = network.shape.context
        self.room = min(room, self.context)
        self.logits = self._begun(prompts[:, -self.context :])

    def _begun(self, ids: Tensor) -> Tensor:
        self.length = ids.shape[1]
        self.cache: Any
        self.cache, logits = self.network.prefill(ids.unsqueeze(0), self.room)
        return logits[0]

    def feed(self, texts: Tensor) -> None:
        """``texts`` int64[B, T] have grown by their last token; ``logits`` float32[B, V] are now those after it."""
        if self.length == self.context:
            self.logits = self._begun(texts[:, -max(self.context // 2, 1) :])
            return
        self.logits = self.network.advance(self.cache, texts[:, -1].unsqueeze(0))[0]
        self.length += 1

    def keep(self, rows: Tensor) -> None:
        """Go on with these texts int64[B'], in their order; a text may be there more than once."""
        self.cache = self.network.narrowed(self.cache, rows)
