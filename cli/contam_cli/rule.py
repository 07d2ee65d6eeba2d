"""``contam rule``: the rule table, or one rule explained."""

from __future__ import annotations

import click

from contam_cli.output import emit, stdout_style
from contam_cli.settings import global_options

EPILOG = """\b
Examples:
  contam rule
  contam rule DIV006
  contam rule hapax-share --profile code
"""


@click.command(epilog=EPILOG)
@click.argument("rule_id", metavar="[ID]", required=False)
@click.option("--profile", metavar="NAME|FILE", help="Whose sources are counted for the human rate.")
@global_options
def rule(rule_id: str | None, profile: str | None) -> None:
    """List the rules, or explain one: what it reads, its limit and why, how often human text trips it."""
    from contam.explaining import explain_rule, list_rules

    style = stdout_style()
    emit(explain_rule(rule_id, profile, style) if rule_id else list_rules(style))
