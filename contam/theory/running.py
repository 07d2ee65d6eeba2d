"""``contam.simulate``: a world of the theory by name; and all claims, two processes at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

from contam.claims import Claim, ClaimsRun
from contam.errors import ContamError, UsageError
from contam.theory.ranges import flag_of
from contam.theory.record import Simulation

WORLDS = {
    "tokens": ("contam.theory.tokens", "TokensOptions"),
    "gaussian": ("contam.theory.gaussian", "GaussianOptions"),
    "mixture": ("contam.theory.mixture", "MixtureOptions"),
    "regression": ("contam.theory.regression", "RegressionOptions"),
    "vae": ("contam.theory.vae", "VaeOptions"),
    "bias": ("contam.theory.bias", "BiasOptions"),
}
"""What can be simulated: the module with ``simulate_NAME``, and its options."""
CLAIM_MODULES = ("contam.theory.token_claims", "contam.theory.value_claims")
PROCESSES = 2
FEWEST = 20
"""Trajectories below which no closed form is tested: their own scatter says too little of the error of their mean."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Judged:
    """An event of `claims`: one claim is judged, so many of all are."""

    claim: Claim
    done: int
    total: int


def simulate(what: str, **changes: Any) -> Simulation:
    """Simulate one of `WORLDS`; ``changes`` are fields of its options, None for the default.

    Every series that has a closed form is compared with it, before the world's own comparisons.

    Raises UsageError for an unknown world, an option that it does not have, or a value that cannot be.
    """
    module = import_module(_known(what)[0])
    given = {name: value for name, value in changes.items() if value is not None}
    options = getattr(module, WORLDS[what][1])
    if strange := [name for name in given if name not in names_of(what)]:
        raise UsageError(_strange(what, strange[0]))
    from contam.theory.estimates import comparisons_of

    result: Simulation = getattr(module, f"simulate_{what}")(options(**given))
    found = replace(result, comparisons=(*comparisons_of(result.series), *result.comparisons))
    return _untested(found) if found.comparisons and _too_few(found) else found


def _too_few(result: Simulation) -> bool:
    # Without samples there is no noise, and one trajectory tells all.
    return bool(result.settings["samples"] and result.settings["trajectories"] < FEWEST)


def _untested(result: Simulation) -> Simulation:
    """The same with closed forms that are shown and not tested."""
    note = f"Nothing is tested (~): standard errors need {FEWEST} trajectories or more, see --trajectories."
    return replace(
        result,
        series=tuple(replace(s, approximate=bool(s.expected)) for s in result.series),
        comparisons=tuple(replace(c, approximate=True) for c in result.comparisons),
        notes=(*result.notes, note),
    )


def names_of(what: str) -> tuple[str, ...]:
    """The options that a world has."""
    module, options = _known(what)
    return tuple(field.name for field in fields(getattr(import_module(module), options)))


def claims(on_judged: Callable[[Judged], None] | None = None, processes: int = PROCESSES) -> ClaimsRun:
    """Judge all claims of the theory; their order is that of their numbers.

    ``processes`` 1 judges here, more in processes of their own. Exceptions of a claim come through.
    """
    start, done = time.perf_counter(), []
    known = functions()
    for claim in _here(known) if processes < 2 else _elsewhere(known, processes):
        done.append(claim)
        if on_judged is not None:
            on_judged(Judged(claim, len(done), len(known)))
    return ClaimsRun(tuple(sorted(done, key=lambda c: int(c.id))), round(time.perf_counter() - start, 3))


def functions() -> dict[str, tuple[str, Callable[[], Claim]]]:
    """By the name of each claim's function, its module and the function itself."""
    return {
        function.__name__: (module, function)
        for module in CLAIM_MODULES
        for function in import_module(module).CLAIMS
    }


def _here(known: dict[str, tuple[str, Callable[[], Claim]]]) -> Iterator[Claim]:
    for _, function in known.values():
        yield function()


def _elsewhere(known: dict[str, tuple[str, Callable[[], Claim]]], processes: int) -> Iterator[Claim]:
    """Each claim by an interpreter of its own, which ends with this one: no guard of a main module is needed."""
    running: list[subprocess.Popen[str]] = []
    pool = ThreadPoolExecutor(processes)
    try:
        waiting = [pool.submit(_judged, module, name, running) for name, (module, _) in known.items()]
        for future in as_completed(waiting):
            yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in running:
            if process.poll() is None:
                process.kill()


def _judged(module: str, name: str, running: list[subprocess.Popen[str]]) -> Claim:
    # One thread of linear algebra each: the processes share the cores already.
    env = os.environ | dict.fromkeys(_THREADS, "1")
    env["PYTHONPATH"] = _search_path()
    command = [sys.executable, "-P", "-m", "contam.theory", module, name]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    running.append(process)
    told, complaint = process.communicate()
    if process.returncode:
        last = complaint.strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
        raise ContamError(f"{name.replace('_', ' ')} could not be judged: {last[0]}")
    return Claim(**json.loads(told))


def _search_path() -> str:
    """Where this process finds modules, less the working folder: a numpy.py that lies there is none of ours."""
    here = Path.cwd().resolve()
    return os.pathsep.join(p for p in sys.path if p and (Path(p).is_absolute() or Path(p).resolve() != here))


def _known(what: str) -> tuple[str, str]:
    if what in WORLDS:
        return WORLDS[what]
    near = get_close_matches(what, WORLDS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(WORLDS)}"
    raise UsageError(f"nothing to simulate is called {what!r}: {hint}")


def _strange(what: str, name: str) -> str:
    """Which worlds have the option that this one lacks, or which option may have been meant."""
    having = [other for other in WORLDS if other != what and name in names_of(other)]
    if having:
        return f"{flag_of(name)} is no option of {what}: {', '.join(having)} {'has' if len(having) == 1 else 'have'} it"
    near = get_close_matches(name, names_of(what), n=1)
    hint = f"did you mean {flag_of(near[0])}?" if near else f"it has {', '.join(map(flag_of, names_of(what)))}"
    return f"{flag_of(name)} is no option of {what}: {hint}"
