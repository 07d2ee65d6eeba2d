"""The one script of the HTML report: it makes the heads of tables buttons that sort.

It writes no HTML, reads nothing but the table's own text, and asks for nothing. The page names its digest, so that a
browser runs this script and no other. Without it every table is there, in its own order.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode

SCRIPT = """
"use strict";
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0], heads = table.tHead ? [...table.tHead.rows[0].cells] : [];
  if (!body || body.rows.length < 3) continue;
  const number = s => {
    const found = s.replace(/[, ]/g, "").replace("\u2212", "-").match(/^[-+]?\\d*\\.?\\d+(e[-+]?\\d+)?/i);
    return found ? Number(found[0]) : NaN;
  };
  const order = (a, b) => {
    const x = number(a), y = number(b);
    return !isNaN(x) && !isNaN(y) && x !== y ? x - y : a.localeCompare(b, undefined, {numeric: true});
  };
  heads.forEach((head, column) => {
    if (!head.textContent.trim()) return;
    const button = document.createElement("button");
    button.type = "button";
    button.title = "sort by this column";
    button.append(...head.childNodes);
    head.append(button);
    const key = row => {
      const cell = row.cells[column];
      return cell ? cell.dataset.value || cell.textContent.trim() : "";
    };
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].sort((a, b) => order(key(a), key(b)));
      body.append(...(down ? rows.reverse() : rows));
    });
  });
}
"""

DIGEST = f"sha256-{b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()}"
"""The script's digest as a Content-Security-Policy names it."""
