"""The pictures of a run: losses by iteration (Figures 2 and 4 of Herel & Mikolov 2024), by size (Figure 3), signals.

A picture that would have nothing to show is not drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contam.experiments.selftrain.curves import Curve, curve_of
from contam.experiments.selftrain.history import Run, number_of
from contam.experiments.selftrain.plotting import Panel, draw_panels
from contam.experiments.selftrain.strips import draw_strips, strips_of
from contam.reports.plotting import Drawn, file_name

UNIT = "nats/token"
_SIZE_PANELS = 4
_UNITS = ((1e9, "B"), (1e6, "M"), (1e3, "k"))
_BANDS = "Lines are medians over seeds, bands their range; grey is the range of the untouched model's own draws."

Points = Mapping[str, Mapping[str, int | None]]
"""Of each replica by its name: of each signal and loss, the iteration at which it turned, or None."""


def draw_pictures(run: Run, points: Points) -> tuple[Drawn, ...]:
    """Every picture that this run has something for.

    Raises ImportError where matplotlib is not installed.
    """
    drawn = [_losses(run, model, name) for name in run.validation for model in run.models]
    drawn += [_sizes(run, name) for name in run.validation]
    drawn += [_signals(run, points)]
    return tuple(picture for picture in drawn if picture is not None)


def size_of(parameters: int | None) -> str:
    """``124M``: how many parameters, for people; empty where unknown."""
    for unit, letter in _UNITS:
        if parameters and parameters >= unit:
            return f"{parameters / unit:.3g}{letter}"
    return str(parameters) if parameters else ""


def _losses(run: Run, model: str, name: str) -> Drawn | None:
    """Figure 2, and with another validation set Figure 4: loss on human and on own text, a curve a learning rate."""
    human = _by_rate(run, model, f"validation.{name}")
    if not human:
        return None
    own = _by_rate(run, model, "train_loss")
    several = len(run.models) > 1
    of_model = f" of {model}" if several else ""
    titles = (f"Validation loss{of_model} on {name}", f"Loss{of_model} on own text")
    panels = [Panel(titles[0], human, _untouched(run, model, f"validation.{name}"))]
    panels += [Panel(titles[1], own, _untouched(run, model, "train_loss"), True)] if own else []
    svg, png = draw_panels(panels, UNIT, "learning rate")
    number = 2 if run.validation.index(name) == 0 else 4
    alt = f"Loss{of_model} by iteration on the human text {name}: {_told(human)}."
    alt += f" On the model's own text: {_told(own)}." if own else ""
    caption = f"Loss{of_model} on human text ({name}) and on own text: Figure {number} of Herel & Mikolov (2024). "
    stem = file_name(f"losses-{name}-{model}" if several else f"losses-{name}")
    return Drawn(stem, svg, png, alt, caption + _BANDS)


def _sizes(run: Run, name: str) -> Drawn | None:
    """Figure 3: loss on human text, a curve a model, a panel a learning rate."""
    if len(run.models) < 2:
        return None
    scaled = run.plan.get("scale_rate") == "width"
    panels = []
    for rate in _some(run.learning_rates):
        curves = _by_model(run, rate, name)
        if len(curves) > 1:
            of_rate = f"learning rate {rate:g}" + (" x smallest width / width" if scaled else "")
            panels.append(Panel(f"Loss on {name}, {of_rate}", curves))
    if not panels:
        return None
    svg, png = draw_panels(panels, UNIT, "model")
    alt = f"Loss on {name} by iteration for models of several sizes: "
    alt += "; ".join(f"{panel.title}: {_told(panel.curves)}" for panel in panels) + "."
    caption = f"Loss on human text ({name}) by size of the model: Figure 3 of Herel & Mikolov (2024). "
    control = "The rate of wider models is scaled down by their width: the control of the size comparison. "
    return Drawn(file_name(f"sizes-{name}"), svg, png, alt, caption + (control if scaled else "") + _BANDS)


def _signals(run: Run, points: Points) -> Drawn | None:
    """How far each signal is from the untouched model, and when it turned: for the replica group that shows it best."""
    shown = _clearest(run, points)
    strips = strips_of(run, *shown, points) if shown else ()
    if not shown or not strips:
        return None
    model, rate = shown
    svg, png = draw_strips(strips, f"{model}, learning rate {rate:g}")
    turned = [f"{s.title} at iteration {s.turned:g}" for s in strips if s.turned is not None]
    still = [s.title for s in strips if s.turned is None]
    alt = f"How far each signal of the generated text is from the untouched model, {model} at rate {rate:g}. "
    alt += f"Turned: {', '.join(turned)}. " if turned else "None has turned. "
    alt += f"Not turned: {', '.join(still)}." if still else ""
    caption = (
        f"{model} at learning rate {rate:g}: distance from the untouched model in standard deviations of its own draws "
        "(on an asinh scale, up is the way of collapse), in the order in which they turned. A dot is where a signal "
        "turned, the line through all panels where the validation loss did; medians over seeds."
    )
    return Drawn("signals", svg, png, alt.strip(), caption)


def _clearest(run: Run, points: Points) -> tuple[str, float] | None:
    """The lowest rate of the largest model at which the loss on human text turned in most seeds, else the highest.

    The slower the collapse, the better the order of events can be seen.
    """
    if not run.models or not run.validation:
        return None
    model = run.models[-1]
    rates = [rate for of, rate in run.groups() if of == model]
    for rate in rates:
        seeds = run.group(model, rate)
        turned = sum(points[seed.name].get(f"validation.{run.validation[0]}") is not None for seed in seeds)
        if 2 * turned > len(seeds):
            return model, rate
    return model, rates[-1]


def _by_rate(run: Run, model: str, name: str) -> tuple[Curve, ...]:
    rates = run.learning_rates
    found = (curve_of(run.group(model, rate), name, f"{rate:g}", place) for place, rate in enumerate(rates))
    return tuple(curve for curve in found if curve is not None)


def _by_model(run: Run, rate: float, name: str) -> tuple[Curve, ...]:
    labels = [" ".join(part for part in (model, size_of(run.parameters(model))) if part) for model in run.models]
    groups = [run.group(model, rate) for model in run.models]
    found = (curve_of(g, f"validation.{name}", label, k) for k, (g, label) in enumerate(zip(groups, labels)))
    return tuple(curve for curve in found if curve is not None)


def _untouched(run: Run, model: str, name: str) -> tuple[float, float] | None:
    values = [value for line in run.baseline_of(model) if (value := number_of(line, name)) is not None]
    return (min(values), max(values)) if len(values) > 1 else None


def _some(rates: Sequence[float]) -> list[float]:
    """At most so many rates as there is room for, spread over all of them."""
    if len(rates) <= _SIZE_PANELS:
        return list(rates)
    return [rates[round(i * (len(rates) - 1) / (_SIZE_PANELS - 1))] for i in range(_SIZE_PANELS)]


def _told(curves: Sequence[Curve]) -> str:
    """The curves in words: from where to where, and where they are highest."""
    parts = []
    for curve in curves:
        iteration, top = curve.top
        line = curve.smooth
        parts.append(f"{curve.label} from {line[0]:.2f} to {line[-1]:.2f}, highest {top:.2f} at iteration {iteration}")
    return "; ".join(parts)
