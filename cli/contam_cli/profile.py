"""``contam profile``: reference populations, built in and of one's own."""

from __future__ import annotations

from pathlib import Path

import click

from contam_cli.output import emit, stdout_style
from contam_cli.settings import global_options, settings

EPILOG = """\b
Examples:
  contam profile list
  contam profile show english
  contam profile build sources/ -o mine.profile
"""


@click.group(epilog=EPILOG)
@global_options
def profile() -> None:
    """Build, list and show reference populations: what human sources measure at matched sizes."""


@profile.command("list")
@global_options
def listing() -> None:
    """Name the built-in profiles."""
    from contam.describing import list_page
    from contam.profile import builtin, list_profiles
    from contam.reports import terminal

    emit(terminal.render(list_page(tuple(builtin(name) for name in list_profiles())), stdout_style()))


@profile.command(epilog="\b\nExample:\n  contam profile show english")
@click.argument("name", metavar="NAME|FILE")
@global_options
def show(name: str) -> None:
    """Tell what a profile is made of: sizes, domains, sources."""
    from contam.describing import profile_page
    from contam.profile import find
    from contam.reports import terminal

    emit(terminal.render(profile_page(find(name)), stdout_style()))


@profile.command(epilog="\b\nExample:\n  contam profile build sources/ -o mine.profile --language Dutch")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The profile's file.")
@click.option("--language", default="", help="What the sources are written in.")
@click.option("--text-field", metavar="NAME", help="Field or column that holds the text.")
@click.option("--seed", type=click.IntRange(0), default=0, metavar="N", help="Of the samples. Default: 0.")
@global_options
def build(folder: Path, output: Path, language: str, text_field: str | None, seed: int) -> None:
    """Make a profile of the human text in FOLDER/DOMAIN/SOURCE.

    A source (an author, a genre, a site) is a file or a folder. 39 sources of at least 5,000 words are the
    least; 99 are needed before a corpus can be called collapsing.
    """
    from contam.formats.task import ReadOptions
    from contam.profile import save
    from contam.profiling import Settings, build_profile
    from contam.sources import read_sources

    def told(name: str) -> None:
        if not settings().quiet:
            click.echo(f"measuring {name}", err=True)

    if not output.parent.is_dir():
        raise click.UsageError(f"-o {output}: the folder {output.parent} does not exist")
    given = Settings(output.name.partition(".")[0], language, f"sources in {folder.name}", seed=seed)
    made = build_profile(read_sources(folder, ReadOptions(text_field=text_field)), given, told)
    part = output.with_name(f".{output.name}.part")
    save(made, part)
    part.replace(output)
    emit(f"{output}: {len(made.sources)} sources, {', '.join(f'{n:,}' for n in made.sizes)} words\n")
