"""The settings of a recursion as rows for people, and what a run of such a size cannot say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contam.experiments.recurse.banner import first_levels, level_told
from contam.experiments.recurse.claim_rules import model_told, out_of_text
from contam.experiments.recurse.history import Run, number_of
from contam.result import Level

FEWEST_SEEDS = 3
_ALARMS = 0.05
ENOUGH = 0.8
"""Share of its training tokens that generation 0 is to write, lest size and recursion be mixed up."""
_PARTS = (("training", "real text"), ("held_out", "held-out text"), ("fresh", "fresh text"))
Plan = Mapping[str, Any]


def settings_of(run: Run) -> tuple[tuple[str, str], ...]:
    """(setting, value) of a run's plan; what the plan does not say is left out."""
    plan = run.plan
    rows = [("preset", _preset(plan)), ("model", model_told(run) if plan.get("model") else "")]
    rows += [(name, _size(plan, part)) for part, name in _PARTS]
    rows += [("read from", ", ".join(str(path) for path in plan.get("real") or ()))]
    rows += [("groups", ", ".join(group.name for group in run.groups))]
    rows += [("generations", _text(plan.get("generations"))), ("seeds", _seeds(plan))]
    rows += [("real text of a mix", str(plan.get("real_kind") or "")), ("writing", _writing(plan))]
    rows += [("training", _training(plan)), ("computed on", _computed(plan))]
    return tuple((name, value) for name, value in rows if value)


def limits_of(run: Run) -> tuple[str, ...]:
    """What this run cannot show, and why."""
    told = [*seeds_limit(run), *shrunk(run), *_human_limit(run), *_first_limit(run), *_model_limit(run)]
    told += [out for group in run.groups if group.paradigm == "mix" and (out := out_of_text(group, group.last))]
    lineages = len(run.lineages)
    if lineages * _ALARMS >= 0.5:
        told.append(
            f"{lineages} lineages were judged: at p <= {_ALARMS} about {lineages * _ALARMS:.1f} last texts would be at "
            "risk by chance alone"
        )
    if run.last >= 0:
        told.append(f"nothing is known beyond generation {run.last}: slow growth and a bound look alike for long")
    return (*told, *(str(note) for note in run.plan.get("notes") or ()))


def seeds_limit(run: Run) -> list[str]:
    """Whether there are too few seeds to tell an effect from chance."""
    seeds = len({lineage.seed for lineage in run.lineages})
    if seeds >= FEWEST_SEEDS:
        return []
    return [f"{seeds} seed{'' if seeds == 1 else 's'}: too few to tell an effect from chance"]


def shrunk(run: Run) -> list[str]:
    """Whether generation 0 wrote much less than it learned from: then what follows is a smaller corpus as well."""
    first = [lineage.lines[0] for lineage in run.lineages if lineage.lines]
    shares = [
        written / learned
        for line in first
        if (written := number_of(line, "written.tokens")) and (learned := number_of(line, "training.tokens"))
    ]
    if not shares or max(shares) >= ENOUGH:
        return []
    return [
        f"generation 0 wrote {100 * max(shares):.0f} % as many tokens as it learned from, so under replace part of "
        "the loss is that of a smaller corpus: give --lengths real, or a larger --max-tokens"
    ]


def _human_limit(run: Run) -> list[str]:
    """What the verdicts are worth: the audit of as much human text against the held-out text."""
    human = run.plan.get("human")
    if not isinstance(human, Mapping) or "level" not in human:
        return ["as much human text was not judged: verdicts lack their baseline"]
    level, reason = str(human["level"]), str(human.get("reason") or "")
    if level == Level.HEALTHY:
        return []
    if level == Level.INSUFFICIENT:
        return [f"as much human text could not be judged ({reason}): nor can the texts of the generations"]
    called = level.replace("_", " ")
    return [f"as much human text is {called} against the held-out text ({reason}): verdicts here mean less"]


def _first_limit(run: Run) -> list[str]:
    levels = first_levels(run)
    worst = max(levels, key=lambda level: level.severity, default=Level.HEALTHY)
    if worst.severity < 1:
        return []
    count = sum(level == worst for level in levels)
    return [
        f"generation 0 is {level_told(worst)} in {count} of {len(levels)} seeds: this is what the model makes of human "
        "text, before anything recurred; compare generations with it, by perplexity and figures, not by level"
    ]


def _model_limit(run: Run) -> list[str]:
    """What a model of this kind and a text of this size cannot stand for."""
    tokens = _part(run.plan, "tokens", "training")
    told = []
    if run.plan.get("backend") == "ngram":
        told.append(
            "an n-gram model repeats what it counted: it loses words by sampling alone, does not generalise, and says "
            "nothing about errors that neural models add"
        )
    if tokens:
        told.append(
            f"even a perfect model leaves out about 37 % of the words that occur once in {tokens:,} tokens when it "
            "writes as many: part of the first loss is the size of this run"
        )
    return told


def _preset(plan: Plan) -> str:
    scale = plan.get("scale")
    scaled = f", scaled to {scale:g}" if isinstance(scale, int | float) and scale != 1 else ""
    return f"{plan['preset']}{scaled}" if plan.get("preset") else ""


def _size(plan: Plan, part: str) -> str:
    found = [(_part(plan, name, part), name) for name in ("documents", "words", "tokens")]
    return ", ".join(f"{count:,} {name}" for count, name in found if count)


def _part(plan: Plan, name: str, part: str) -> int | None:
    found = plan.get(name)
    value = found.get(part) if isinstance(found, Mapping) else None
    return value if isinstance(value, int) else None


def _seeds(plan: Plan) -> str:
    count, first = plan.get("seeds"), plan.get("seed")
    if not isinstance(count, int):
        return ""
    return f"{count}" + (f", from {first}" if isinstance(first, int) else "")


def _writing(plan: Plan) -> str:
    if "temperature" not in plan:
        return ""
    beams = plan.get("beams")
    drawn = [f"{beams} beams"] if isinstance(beams, int) and beams > 1 else [f"temperature {plan['temperature']:g}"]
    drawn += [f"top-k {plan['top_k']}"] if plan.get("top_k") else []
    drawn += [f"top-p {plan['top_p']:g}"] if plan.get("top_p", 1) != 1 else []
    drawn += [f"repetition penalty {plan['repetition_penalty']:g}"] if plan.get("repetition_penalty", 1) != 1 else []
    drawn += [f"{plan['prompt_tokens']} tokens of a real document first"] if plan.get("prompt_tokens") else []
    if plan.get("lengths") == "real":
        return ", ".join([*drawn, "as long as a real document"])
    most = f", {plan['max_tokens']:,} tokens at most" if plan.get("max_tokens") else ""
    return ", ".join([*drawn, f"ended by the model{most}"])


def _training(plan: Plan) -> str:
    if plan.get("backend") == "ngram" or "learning_rate" not in plan:
        return ""
    betas = ", ".join(f"{beta:g}" for beta in plan.get("betas") or ())
    parts = [f"{plan.get('epochs')} epochs", f"{plan.get('batch_size')} windows of {plan.get('block')} tokens a step"]
    parts += [f"AdamW at {plan['learning_rate']:g}, {plan.get('schedule')}", f"betas {betas}"]
    return ", ".join([*parts, f"weight decay {plan.get('weight_decay')}", f"gradients clipped at {plan.get('clip')}"])


def _computed(plan: Plan) -> str:
    hardware = plan.get("hardware")
    device = hardware.get("device") if isinstance(hardware, Mapping) else plan.get("device")
    neural = plan.get("precision") if plan.get("backend") != "ngram" else None
    return ", ".join(str(part) for part in (device, neural) if part)


def _text(value: Any) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
