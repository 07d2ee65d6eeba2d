"""A variational auto-encoder trained again and again on what the last one decodes, on handwritten digits.

The experiment of Shumailov et al. 2024 made small: scikit-learn's 1,797 digits of 8 x 8 pixels in place of MNIST.
There is no closed form.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from contam.errors import InputError
from contam.theory.estimates import Floats, averaged
from contam.theory.ranges import check_ranges
from contam.theory.record import Simulation

if TYPE_CHECKING:
    from torch import Tensor

PIXELS = 64
PUBLISHED = (
    "Shumailov et al. 2024 (arXiv 2305.17493), on MNIST with 20 latent dimensions: the deviation of the generated "
    "images' latent means under the first encoder was .674, .608, .527, .468, .433 in generations 1 to 5, and the "
    "reconstruction error of the training images rose every generation. Other images and a smaller network here."
)
_RANGES: dict[str, tuple[float, float]] = {
    "samples": (10, 10**6), "generations": (1, 1000), "trajectories": (1, 100), "latent": (1, 64), "hidden": (1, 4096),
    "epochs": (1, 10**5), "batch_size": (1, 10**6), "seed": (0, 2**31),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class VaeOptions:
    """``samples`` images of a generation (the first is trained on the real ones), ``latent`` dimensions, ``hidden``
    units, ``epochs`` of Adam at 1e-3 with weight decay 1e-5."""

    samples: int = 1797
    generations: int = 5
    trajectories: int = 3
    latent: int = 8
    hidden: int = 128
    epochs: int = 50
    batch_size: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES)


def simulate_vae(options: VaeOptions | None = None) -> Simulation:
    """Train and decode, generation after generation; equal seeds give equal figures on one machine.

    Raises InputError where torch or scikit-learn are not installed.
    """
    options = options or VaeOptions()
    start = time.perf_counter()
    deviations, own, real = _followed(options, _digits())
    return Simulation(
        "vae",
        f"an auto-encoder of digits trained on what it decodes ({options.samples} images a generation)",
        asdict(options),
        (
            averaged("deviation of latent means", deviations),
            averaged("error on own training images", own),
            averaged("error on real digits", real),
        ),
        (),
        _notes(),
        round(time.perf_counter() - start, 3),
    )


def _notes() -> tuple[str, ...]:
    return (
        "Deviation of latent means: of a generation's training images under the first encoder, mean over latent "
        "dimensions. Generation 0 has the real digits.",
        "Errors: cross-entropy of reconstructions from the latent means, nats an image, by the model of a generation.",
        PUBLISHED,
    )


def _digits() -> Floats:
    """The real images, (1797, 64) in 0..1."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise InputError("contam simulate vae needs scikit-learn: pip install scikit-learn") from error
    images: Floats = load_digits().data / 16
    return images


@contextmanager
def _apart(seed: int) -> Iterator[None]:
    """Torch's generator, and one thread, for a while: threads wait for each other longer than such networks compute,
    and their number would change the last bits."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)


def _followed(options: VaeOptions, digits: Floats) -> tuple[Floats, Floats, Floats]:
    """Each (generations + 1, trajectories): deviation of latent means of a generation's images under the first
    encoder, errors on these images and on the real ones."""
    try:
        import torch
    except ImportError as error:
        raise InputError("contam simulate vae needs torch: pip install torch") from error
    real = torch.tensor(digits, dtype=torch.float32).expand(options.trajectories, -1, -1)
    images, first = real, None
    found = []
    with _apart(options.seed):
        for generation in range(options.generations + 1):
            model = _trained(options, images)
            first = first or model
            found.append((_deviation(first, images), _error(model, images), _error(model, real)))
            if generation < options.generations:
                codes = torch.randn(options.trajectories, options.samples, options.latent)
                images = torch.sigmoid(model.decoded(codes)).detach()
    deviations, own, on_real = np.array(found, dtype=np.float64).transpose(1, 0, 2)
    return deviations, own, on_real


@dataclass(frozen=True, slots=True)
class _Networks:
    """One auto-encoder a trajectory in one program: weights (trajectories, in, out), biases (trajectories, 1, out)."""

    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]

    def encoded(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Means and log variances of the codes."""
        centre, spread = self._through(images, 0).chunk(2, dim=2)
        return centre, spread

    def decoded(self, codes: Tensor) -> Tensor:
        """Logits of the pixels."""
        return self._through(codes, 2)

    def _through(self, values: Tensor, layer: int) -> Tensor:
        import torch

        inner = torch.baddbmm(self.biases[layer], values, self.weights[layer]).relu()
        return torch.baddbmm(self.biases[layer + 1], inner, self.weights[layer + 1])


def _drawn(options: VaeOptions) -> _Networks:
    """Untrained networks, uniform within 1 / sqrt(inputs) as torch's own linear layers are."""
    import torch

    inner, hidden = options.latent, options.hidden
    weights: list[Tensor] = []
    biases: list[Tensor] = []
    for size, out in ((PIXELS, hidden), (hidden, 2 * inner), (inner, hidden), (hidden, PIXELS)):
        for shapes, rows in ((weights, size), (biases, 1)):
            uniform = torch.rand(options.trajectories, rows, out) * 2 - 1
            shapes.append((uniform / size**0.5).requires_grad_())
    return _Networks(tuple(weights), tuple(biases))


def _trained(options: VaeOptions, images: Tensor) -> _Networks:
    """Auto-encoders fitted to images (trajectories, images, pixels) by the evidence lower bound."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

    networks = _drawn(options)
    parameters = [*networks.weights, *networks.biases]
    optimizer = torch.optim.Adam(parameters, lr=1e-3, weight_decay=1e-5)
    for _ in range(options.epochs):
        for rows in torch.randperm(images.shape[1]).split(options.batch_size):
            batch = images[:, rows]
            centre, spread = networks.encoded(batch)
            codes = centre + torch.exp(0.5 * spread) * torch.randn_like(centre)
            missed = cross_entropy(networks.decoded(codes), batch, reduction="sum")
            divergence = -0.5 * (1 + spread - centre**2 - spread.exp()).sum()
            optimizer.zero_grad()
            # A sum over trajectories: their gradients do not mix.
            ((missed + divergence) / len(rows)).backward()
            optimizer.step()
    return networks


def _deviation(networks: _Networks, images: Tensor) -> list[float]:
    """The deviation of the latent means of images, mean over latent dimensions."""
    import torch

    with torch.no_grad():
        found: list[float] = networks.encoded(images)[0].std(dim=1).mean(dim=1).tolist()
        return found


def _error(networks: _Networks, images: Tensor) -> list[float]:
    """Cross-entropy of the reconstructions from the latent means, nats an image."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

    with torch.no_grad():
        logits = networks.decoded(networks.encoded(images)[0])
        missed = cross_entropy(logits, images, reduction="none").sum(dim=2).mean(dim=1)
        found: list[float] = missed.tolist()
        return found
