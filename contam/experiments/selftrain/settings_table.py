"""The settings of a run as rows for people, and what a run of such settings cannot show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contam.experiments.selftrain.history import Run
from contam.experiments.selftrain.turning import TURN

FEWEST_SEEDS = 3
Plan = Mapping[str, Any]


def settings_of(plan: Plan) -> tuple[tuple[str, str], ...]:
    """(setting, value) of a plan; what the plan does not say is left out."""
    rows = [("preset", str(plan.get("preset") or ""))]
    rows += [(f"model {m.get('name')}", _model(m)) for m in plan.get("models") or () if isinstance(m, Mapping)]
    rows += _validation(plan.get("validation"))
    rows += [("learning rates", _list(plan.get("rates") or plan.get("learning_rates")))]
    rows += [("rate scaled by", _scaling(plan)), ("seeds", _seeds(plan)), ("iterations", _text(plan.get("iterations")))]
    rows += [("generation", _generation(plan)), ("training", _training(plan)), ("evaluation", _evaluation(plan))]
    rows += [("fresh human text", _fresh(plan)), ("stop", _stop(plan)), ("computed on", _computed(plan))]
    return tuple((name, value) for name, value in rows if value)


def limits_of(run: Run) -> tuple[str, ...]:
    """What this run cannot show, and why."""
    told = []
    seeds = {replica.seed for replica in run.replicas}
    if len(seeds) < FEWEST_SEEDS:
        told.append(f"{len(seeds)} seed{'' if len(seeds) == 1 else 's'}: too few to tell an effect from chance")
    for model in run.models:
        draws = len(run.baseline_of(model))
        if draws < TURN.fewest:
            told.append(f"{draws} draws of the untouched {model}: too few to judge when a signal turned")
    every = run.plan.get("eval_every")
    if isinstance(every, int) and every > 1:
        told.append(f"losses were evaluated at every {every}th iteration: nothing is dated more finely")
    if run.plan.get("scale_rate") == "width":
        told.append("the rate is scaled by width: sizes are compared at equal steps in function space, not equal rates")
    elif len(run.models) > 1:
        told.append("at an equal rate Adam moves a wide model further: size and rate are confounded (see --scale-rate)")
    told.append("the earliest of many signals had as many chances to be first: a lead of an iteration or two is none")
    return tuple(told)


def _model(model: Plan) -> str:
    """``gpt2, 4 layers of 128, 4 heads, vocabulary 1,024, context 128, 1,000,000 parameters``."""
    parts = [str(model.get("architecture") or "")]
    if model.get("layers") and model.get("width"):
        parts.append(f"{model['layers']} layers of {model['width']}")
    parts += [f"{model['heads']} heads"] if model.get("heads") else []
    parts += [f"{name} {model[name]:,}" for name in ("vocabulary", "context") if isinstance(model.get(name), int)]
    parts += [f"{model['parameters']:,} parameters"] if isinstance(model.get("parameters"), int) else []
    return ", ".join(part for part in parts if part)


def _validation(found: Any) -> list[tuple[str, str]]:
    """A row a validation set; the plan has them by model where models cut text differently."""
    by_model = found if isinstance(found, Mapping) else {"": found or ()}
    rows = []
    for model, sets in by_model.items():
        of_model = f" ({model})" if model and len(by_model) > 1 else ""
        rows += [(f"human text {s.get('name')}{of_model}", _set(s)) for s in sets if isinstance(s, Mapping)]
    return rows


def _set(one: Plan) -> str:
    sizes = [f"{one[name]:,} {name}" for name in ("documents", "tokens") if isinstance(one.get(name), int)]
    return ", ".join([*sizes, *([str(one["mode"])] if one.get("mode") else [])])


def _scaling(plan: Plan) -> str:
    return "smallest width / width" if plan.get("scale_rate") == "width" else ""


def _seeds(plan: Plan) -> str:
    count, first = plan.get("seeds"), plan.get("seed")
    if not isinstance(count, int):
        return ""
    return f"{count}" + (f", from {first}" if isinstance(first, int) else "")


def _generation(plan: Plan) -> str:
    if not isinstance(plan.get("tokens"), int):
        return ""
    parts = [f"{plan['tokens']:,} tokens after {plan.get('prompt', '')!r}", f"each sees the last {plan.get('block')}"]
    parts += [f"temperature {plan.get('temperature')}", f"top-k {plan.get('top_k')}", f"decoder {plan.get('decoder')}"]
    return ", ".join(parts) + (", decoded and encoded again" if plan.get("retokenize") else "")


def _training(plan: Plan) -> str:
    if not isinstance(plan.get("block"), int):
        return ""
    windows = f"{plan.get('steps')} AdamW step(s) on {plan.get('batch_size')} window(s) of {plan['block']} tokens"
    parts = [windows, f"betas {_list(plan.get('betas'))}", f"weight decay {plan.get('weight_decay')}"]
    return ", ".join([*parts, f"gradients clipped at {plan.get('clip')}", "constant rate"])


def _evaluation(plan: Plan) -> str:
    if not isinstance(plan.get("eval_windows"), int):
        return ""
    every = plan.get("eval_every")
    often = "every iteration" if every == 1 else f"every {every} iterations"
    return f"{plan['eval_windows']} random windows of each text, {often}, before the step; {_draws(plan)}"


def _draws(plan: Plan) -> str:
    return f"{plan.get('baseline')} further draws of the untouched model as its noise"


def _fresh(plan: Plan) -> str:
    share = plan.get("fresh_share")
    return f"{100 * share:g} % of the training loss" if isinstance(share, int | float) and share else ""


def _stop(plan: Plan) -> str:
    if plan.get("patience") is None:
        return ""
    held = f"the collapse rule must hold {plan['patience']} evaluated iterations"
    return held + ("; then the run ends" if plan.get("stop_when_collapsed") else "; the run goes on to its end")


def _computed(plan: Plan) -> str:
    hardware = plan.get("hardware")
    device = hardware.get("device") if isinstance(hardware, Mapping) else plan.get("device")
    return ", ".join(str(part) for part in (device, plan.get("precision")) if part)


def _list(values: Any) -> str:
    return ", ".join(f"{value:g}" for value in values or ())


def _text(value: Any) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
