"""Sizes and column numbers that the kernels share with their callers; imports nothing, so that callers stay light."""

from __future__ import annotations

# Columns of the result of `repetition.repeated_ngrams`.
CHARACTERS, TOP, DUPLICATED, LATER_4, POSITIONS_4, NEAR_REPEAT, END_REPEAT = 0, 1, 4, 10, 11, 12, 13
NGRAM_COLUMNS = 14
# Columns of the result of `repetition.repeated_lines`: for lines, then for paragraphs.
LINES, LATER_LINES, LINE_CHARACTERS, LATER_LINE_CHARACTERS = 0, 1, 2, 3
LINE_COLUMNS = 8

WORD_TAIL, CHARACTER_TAIL, LONGEST_PERIOD = 2048, 4096, 64
# Columns of the result of `loops.find_loops`.
TAIL_PERIOD, TAIL_WORDS, COVERED_WORDS, CHARACTER_PERIOD, TAIL_CHARACTERS, TAIL_SIZE = range(6)
LOOP_COLUMNS = 6

BINS = 128
"""Bins of a MinHash signature."""
EMPTY = 0xFFFFFFFF
"""The value of a bin that no shingle fell into."""
