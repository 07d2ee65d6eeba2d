"""English function words: articles, pronouns, prepositions, conjunctions, auxiliaries, adverbs of degree."""

ENGLISH = """
a about above across after again against all almost along already also although always am among an and
another any anyone anything are around as at away back be became because been before behind being below
beneath beside between beyond both but by can cannot could did do does done down during each either else
enough even ever every everyone everything except few first for from further had has have having he
hence her here hers herself him himself his how however i if in indeed instead into is it its itself
just last least less like made make many may me might mine more most much must my myself near nearly
neither never next no nobody none nor not nothing now of off often on once one only onto or other others
our ours ourselves out over own perhaps quite rather same several shall she should since so some someone
something sometimes soon still such than that the their theirs them themselves then there therefore
these they this those though three through throughout thus till to together too toward towards two under
unless until up upon us very was we well were what whatever when whenever where whereas whether which
while who whole whom whose why will with within without would yet you your yours yourself
"""


def english() -> tuple[str, ...]:
    """The list."""
    return tuple(ENGLISH.split())
