"""The style sheet of the HTML report: light, dark, phone and print; every colour pair meets WCAG AA (4.5 to 1)."""

from __future__ import annotations

_LIGHT = """--paper:#ffffff;--raised:#f6f8fa;--ink:#1f2328;--soft:#59636e;--line:#d0d7de;--link:#0550ae;
--good:#116329;--good-paper:#e6f6ea;--warn:#7a4b00;--warn-paper:#fff4d6;--bad:#a40e26;--bad-paper:#ffebe9;
--odd:#6639ba;--odd-paper:#f5efff;--band:#c3ccd6;--value:#0550ae;"""
_DARK = """--paper:#0f141a;--raised:#171e26;--ink:#e6edf3;--soft:#9ba7b4;--line:#364049;--link:#79b8ff;
--good:#63d489;--good-paper:#10291b;--warn:#e9b44c;--warn-paper:#2f240c;--bad:#ff8f88;--bad-paper:#371719;
--odd:#cbaaff;--odd-paper:#271b3a;--band:#495562;--value:#79b8ff;"""

STYLE = (
    ":root{color-scheme:light dark;"
    + _LIGHT
    + "}\n@media (prefers-color-scheme:dark){:root{"
    + _DARK
    + "}}\n@media print{:root{color-scheme:light;"
    + _LIGHT
    + "}}\n"
    + """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);overflow-wrap:anywhere;
 font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans",Arial,sans-serif}
main{max-width:62rem;margin:0 auto;padding:1.5rem 1.25rem 3rem}
h1{font-size:1.05rem;font-weight:600;margin:0 0 1rem;color:var(--soft)}
h2{font-size:1.2rem;margin:2.4rem 0 .8rem;padding-bottom:.3rem;border-bottom:1px solid var(--line)}
p,ul{margin:.5rem 0}
ul{padding-left:1.3rem}
li{margin:.25rem 0}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:.5rem;background:var(--paper);padding:.3rem .6rem}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.banner{border-radius:.6rem;padding:1.1rem 1.3rem;background:var(--odd-paper);border-left:.45rem solid var(--odd)}
.banner p{margin:.3rem 0 0}
.banner .word{margin:0;font-size:1.75rem;line-height:1.2;font-weight:700;color:var(--odd)}
.banner .told{font-size:1.05rem}
.banner .limit{color:var(--soft)}
.banner .gate{margin-top:.6rem;padding:.45rem .7rem;border-radius:.35rem;font-weight:700;background:var(--bad-paper);
 color:var(--bad);border:1px solid var(--bad)}
.no_level{background:var(--raised);border-color:var(--soft)}.no_level .word{color:var(--ink)}
.healthy{background:var(--good-paper);border-color:var(--good)}.healthy .word{color:var(--good)}
.at_risk{background:var(--warn-paper);border-color:var(--warn)}.at_risk .word{color:var(--warn)}
.collapsing,.diverged{background:var(--bad-paper);border-color:var(--bad)}
.collapsing .word,.diverged .word{color:var(--bad)}
nav{margin:1.1rem 0 0;font-size:.92rem}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;padding:0;margin:0;list-style:none}
.wide{overflow-x:auto;margin:.6rem 0;background:
 linear-gradient(to right,var(--paper) 40%,transparent) 0 0/2.2rem 100% no-repeat local,
 linear-gradient(to left,var(--paper) 40%,transparent) 100% 0/2.2rem 100% no-repeat local,
 linear-gradient(to right,var(--band),transparent) 0 0/.9rem 100% no-repeat scroll,
 linear-gradient(to left,var(--band),transparent) 100% 0/.9rem 100% no-repeat scroll}
table{border-collapse:collapse;width:100%;font-size:.93rem}
th,td{padding:.38rem .8rem .38rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);
 min-width:3.2rem}
thead th{color:var(--soft);font-weight:600;font-size:.85rem;vertical-align:bottom;overflow-wrap:normal}
tbody th{font-weight:600;min-width:7rem}
th.short{white-space:nowrap}
td.long{min-width:15rem}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;overflow-wrap:normal}
td.word,th.word,tr[class] td:first-of-type{white-space:nowrap;overflow-wrap:normal}
tr.pass td:first-of-type{color:var(--good);font-weight:600}
tr.warn td:first-of-type{color:var(--warn);font-weight:600}
tr.fail td:first-of-type{color:var(--bad);font-weight:600}
tr.skipped td:first-of-type{color:var(--soft)}
tr.outside td{color:var(--warn);font-weight:600}
td.bar{min-width:11rem;width:20rem}
td.bar svg{display:block;width:100%;max-width:19rem;height:auto}
td.bar .end{fill:var(--soft);font-size:11px;font-weight:400}
.rule{stroke:var(--bad);stroke-width:2;stroke-dasharray:3 2}
.base{fill:var(--paper);stroke:var(--odd);stroke-width:2}
.legend{display:flex;flex-wrap:wrap;gap:.1rem 1.2rem;padding:0;list-style:none;color:var(--soft);font-size:.88rem}
.legend svg{width:1.4rem;height:1rem;vertical-align:-.15rem}
th button{all:unset;cursor:pointer;font:inherit;color:inherit;border-bottom:1px dotted currentColor}
th button:focus-visible{outline:3px solid var(--link);outline-offset:2px}
[aria-sort=ascending] button::after{content:" ▲"}[aria-sort=descending] button::after{content:" ▼"}
.documents tbody th{min-width:9rem;width:22%}.documents td.found{min-width:9rem;width:20%}
td.text{font:.86rem/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.axis{stroke:var(--line);stroke-width:1}
.band{fill:var(--band)}
.median{stroke:var(--ink);stroke-width:2}
.range{stroke:var(--value);stroke-width:2}
.value{fill:var(--value);stroke:var(--paper);stroke-width:1.5}
tr.outside .value{fill:var(--warn)}tr.outside .range{stroke:var(--warn)}
.caption,footer,figcaption{color:var(--soft);font-size:.88rem}
.excerpt{margin:.9rem 0;padding:0 0 .1rem .9rem;border-left:.2rem solid var(--line)}
.excerpt p{margin:.15rem 0}
.excerpt .text{font:.9rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;
 background:var(--raised);border-radius:.35rem;padding:.55rem .7rem}
figure{margin:1.2rem 0 1.6rem}
figure svg{display:block;width:100%;max-width:46rem;height:auto;margin:0 auto}
figcaption{max-width:46rem;margin:.4rem auto 0}
footer{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:.8rem}
@media (max-width:40rem){
 main{padding:1rem .9rem 2rem}
 .banner{padding:.9rem 1rem}.banner .word{font-size:1.4rem}
 table{font-size:.86rem}th,td{padding-right:.6rem}
 tbody th{min-width:2.6rem}td.long{min-width:9rem}
 tbody th,td{overflow-wrap:normal}td.long{overflow-wrap:anywhere}
 .stacked,.stacked tbody,.stacked tr,.stacked td,.stacked tbody th{display:block}
 .stacked thead,.stacked thead th{display:block}.stacked thead th{border:0;padding:0}
 .stacked thead tr{display:flex;flex-wrap:wrap;gap:.2rem .9rem}
 .documents tbody th,.documents td.found{width:auto}
 .stacked tr{padding:.4rem 0 .6rem;border-bottom:1px solid var(--line)}
 .stacked td,.stacked tbody th{border:0;padding:.1rem 0;overflow-wrap:anywhere}
 .stacked td.long{margin-top:.35rem}
 .stacked td.long::before{content:attr(data-name);display:block;color:var(--soft);font-size:.8rem}
}
@media print{
 body{font-size:10.5pt}main{max-width:none;padding:0}nav,.skip{display:none}
 th button{border:0}th button::after{content:none!important}
 .wide{overflow:visible;background:none}a{color:inherit;text-decoration:none}
 figure svg{max-width:13cm}h2{break-after:avoid}tr,figure,.excerpt,.banner{break-inside:avoid}
 .banner,.excerpt .text{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
"""
)
