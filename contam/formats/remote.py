"""Files elsewhere (``s3://``, ``gs://``, ``https://`` ...) through fsspec, where it is installed."""

from __future__ import annotations

from functools import partial
from typing import Any

from contam.errors import InputError
from contam.formats import FORMATS, format_of
from contam.formats.task import Source

PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}


def sources(url: str) -> list[Source]:
    """The files behind a URL: a file, a folder or a glob; raises ``InputError`` where they cannot be
    listed.
    """
    scheme = url.split("://", 1)[0]
    try:
        import fsspec  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        raise InputError(f"{url}: reading {scheme}:// needs the package fsspec (pip install fsspec)") from None
    try:
        system, path = fsspec.core.url_to_fs(url)
        found = _found(system, path)
    except ImportError:
        package = PACKAGES.get(scheme, f"an fsspec package for {scheme}")
        raise InputError(f"{url}: reading {scheme}:// needs {package} (pip install {package})") from None
    except ValueError as error:
        raise InputError(f"{url}: {error}") from None
    except Exception as error:  # what a store raises is its own: botocore's, aiohttp's and others' classes
        raise InputError(f"{url}: cannot be listed: {error or type(error).__name__}") from None
    if not found:
        raise InputError(f"{url}: no file there that can be read (known: {' '.join(FORMATS)})")
    return [_source(system, scheme, name, size) for name, size in found]


def _found(system: Any, path: str) -> list[tuple[str, int | None]]:
    if any(c in path for c in "*?["):
        entries = {n: i for n, i in system.glob(path, detail=True).items() if i["type"] == "file"}
    elif system.isdir(path):
        found = system.find(path, detail=True)
        entries = {n: i for n, i in found.items() if format_of(n)[0] and not n.rsplit("/", 1)[-1].startswith(".")}
    else:
        entries = {path: system.info(path)}
    return [(name, info.get("size")) for name, info in sorted(entries.items())]


def _source(system: Any, scheme: str, name: str, size: int | None) -> Source:
    kind, compression = format_of(name)
    url = name if "://" in name else f"{scheme}://{name.lstrip('/')}"
    return Source(url, size, partial(system.open, name, "rb"), kind, compression)
