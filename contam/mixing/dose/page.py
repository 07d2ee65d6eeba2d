"""The dose-response on a page: effects by share, generations on, and what the proxies write."""

from __future__ import annotations

from collections.abc import Sequence

from contam.mixing.asked import kind_of
from contam.mixing.pictures import DESIGN_NAMES
from contam.mixing.result import FIXED_REAL, FIXED_TOTAL, Dose, DoseResponse
from contam.mixing.wording import KINDS, PROXIES, of_effect, of_nats, of_share
from contam.reports.page import Block, Picture, Section, Sentences, Table
from contam.wording import name_of, written

_OUTPUT = ("diversity.types", "tail.hapax_share", "diversity.distinct_2", "entropy.window")
"""What is shown of the proxies' own text first."""
_MOST_OUTPUT = 6
_HEADS = ("share", "replacing real text", "added to real text", "synthetic text is")


def dose_sections(found: DoseResponse | None, full: bool, picture: Sequence[Picture] = ()) -> tuple[Section, ...]:
    """The tables of a dose-response, with its picture where there is one; nothing where none was measured."""
    if found is None:
        return ()
    blocks: tuple[Block, ...] = (Sentences((_what(found),)), *picture, _effects(found), Sentences(_told(found)))
    sections = [Section("Dose-response", blocks)]
    if full:
        sections += [_later(found)] if any(dose.later for dose in found.doses) else []
        sections += [_output(found)] if any(dose.output for dose in found.doses) else []
    return tuple(sections)


def _what(found: DoseResponse) -> str:
    proxies = PROXIES.get(found.proxy, found.proxy)
    whose = f"loss of {proxies} on held-out real text, less that without synthetic text"
    return f"{whose}: nats a {found.unit}, above 0 is worse"


def _effects(found: DoseResponse) -> Table:
    doses = {(dose.design, dose.share): dose for dose in found.doses}
    shares = sorted({dose.share for dose in found.doses})
    rows = []
    for share in shares:
        cells = (_cell(doses.get((design, share))) for design in (FIXED_TOTAL, FIXED_REAL))
        rows.append((of_share(share), *cells, kind_of(found, share)))
    return Table(_HEADS, tuple(rows), header=True)


def _cell(dose: Dose | None) -> str:
    """An effect with its interval; of no synthetic text, the loss itself."""
    if dose is None:
        return "-"
    return of_effect(dose) if dose.effect_nats is not None else f"loss {dose.loss_nats:.3f}"


def _told(found: DoseResponse) -> tuple[str, ...]:
    kinds = [told for kind, told in KINDS.items() if kind in found.kinds.values()]
    sizes = (
        f"{found.seeds} proxies a row; replacing: {found.total_tokens:,} {found.unit}s in all; added: to "
        f"{found.real_tokens:,} {found.unit}s of real text; held out: {found.held_out_tokens:,} {found.unit}s in "
        f"{found.held_out_documents:,} documents; intervals are 95 %"
    )
    return (*_detected(found), *kinds, sizes)


def _detected(found: DoseResponse) -> tuple[str, ...]:
    told = []
    for design, first in found.detectable.items():
        name = DESIGN_NAMES.get(design, design)
        what = "a cost" if design == FIXED_TOTAL else "harm"
        where = "at no share" if first is None else f"from a share of {of_share(first)} on"
        told.append(f"{name}: {what} is detected {where}")
    return tuple(told)


def _later(found: DoseResponse) -> Section:
    """Losses of later generations, beside that of generation 0 of the same share."""
    rows = []
    for dose in found.of(FIXED_TOTAL):
        if dose.later:
            rises = "  ".join(of_nats(loss - dose.loss_nats) for loss in dose.later)
            rows.append((of_share(dose.share), f"{dose.loss_nats:.3f}", rises))
    told = "each is trained at the same share, the synthetic text being what the one before wrote"
    table = Table(("share", "loss", "generations 1, 2, ... against it (nats)"), tuple(rows), header=True)
    return Section("Generations of proxies", (table, Sentences((told,))))


def _output(found: DoseResponse) -> Section:
    """What the proxies write, by share."""
    doses = [dose for dose in found.of(FIXED_TOTAL) if dose.output] or [dose for dose in found.doses if dose.output]
    there = list(dict.fromkeys(key for dose in doses for key in dose.output))
    wanted = [*(key for key in _OUTPUT if key in there), *(key for key in there if key not in _OUTPUT)][:_MOST_OUTPUT]
    rows = tuple((of_share(d.share), *(written(d.output.get(key), key) for key in wanted)) for d in doses)
    return Section("What the proxies write", (Table(("share", *map(name_of, wanted)), rows, header=True),))
