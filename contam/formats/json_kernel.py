"""A JSON array made into JSON lines, byte for byte, as it streams past; runs without the GIL."""

from __future__ import annotations

from contam_metrics.kernels.kernel import kernel

STATE = 8
"""Numbers carried from block to block: depth, in a string, behind a backslash, phase, and those below."""

DEPTH, STRING, ESCAPE, PHASE, SEEN, ROWS, EMPTY, BEHIND = range(STATE)


@kernel("void(Array(uint8, 1, 'C', readonly=True), Array(uint8, 1, 'C'), Array(int64, 1, 'C'))")
def flatten(data, out, state):  # type: ignore[no-untyped-def]
    """Copies ``data`` to ``out`` (uint8 of the same length) with a newline for every comma between elements.

    Newlines elsewhere become spaces (inside strings, where JSON forbids them, a control character, so that
    they stay an error). ``state`` int64[8], zeros at first: ``PHASE`` 0 before, 1 inside, 2 behind the array;
    ``ROWS`` commas so far, ``EMPTY`` the first element (from 1) that was missing, ``BEHIND`` bytes that
    follow the array.
    """
    depth, string, escape, phase, seen, rows = state[0], state[1], state[2], state[3], state[4], state[5]
    for i in range(len(data)):
        c = data[i]
        o = c
        if string:
            if escape:
                escape = 0
            elif c == 0x5C:
                escape = 1
            elif c == 0x22:
                string = 0
            if c == 0x0A:
                o = 0x01
        elif c == 0x20 or c == 0x09 or c == 0x0A or c == 0x0D:
            o = 0x20
        elif phase != 1:
            if phase == 0 and c == 0x5B:
                phase = 1
                depth = 1
            else:
                state[7] += 1
            o = 0x20
        elif depth == 1 and (c == 0x2C or c == 0x5D):
            if not seen and state[6] == 0 and (c == 0x2C or rows):
                state[6] = rows + 1
            seen = 0
            if c == 0x2C:
                rows += 1
                o = 0x0A
            else:
                depth = 0
                phase = 2
                o = 0x20
        else:
            seen = 1
            if c == 0x22:
                string = 1
            elif c == 0x5B or c == 0x7B:
                depth += 1
            elif (c == 0x5D or c == 0x7D) and depth > 1:
                depth -= 1
        out[i] = o
    state[0], state[1], state[2], state[3], state[4], state[5] = depth, string, escape, phase, seen, rows
