"""The style sheet of a page: light and dark as the reader prefers, from a phone to paper."""

from collections.abc import Mapping

from daemon.page.palette import DARK, LIGHT

_RULES = """
*{box-sizing:border-box}
body{margin:0;padding:2rem 1rem;background:var(--back);color:var(--text);line-height:1.5;
font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;font-size:16px;overflow-wrap:anywhere}
main,header,footer{max-width:68rem;margin:0 auto}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .25rem;letter-spacing:-.02em}
h2{font-size:1.15rem;margin:0 0 .25rem;letter-spacing:-.01em}
p{margin:0}
header{margin-bottom:1.5rem}
.soft,.axis,.note{color:var(--soft)}
.note{font-size:.9rem;margin-bottom:1rem;max-width:46rem}
section,.tile{background:var(--card);border:1px solid var(--edge);border-radius:.75rem}
section{padding:1.25rem 1.5rem 1.5rem;margin-top:1rem}
.tiles{display:grid;grid-template-columns:repeat(6,1fr);gap:.75rem;margin:0}
.tile{padding:.85rem 1rem}
.tile dt{color:var(--soft);font-size:.8rem;line-height:1.3}
.tile dd{margin:0}
.tile .figure{font-size:1.45rem;font-weight:650;line-height:1.35;letter-spacing:-.02em;
font-variant-numeric:tabular-nums}
.tile .more{color:var(--soft);font-size:.8rem;line-height:1.35}
.tile.alarm .figure{color:var(--alarm)}
.tile.good .figure{color:var(--good)}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:1rem}
svg{display:block;width:100%}
.lane{height:1.25rem;border-radius:.25rem}
.days{height:10.5rem}
.took{height:3.5rem}
.trio{display:grid;grid-template-columns:7rem 3fr 1fr;gap:.75rem 1.25rem;align-items:end}
.trio .axis{margin-top:.2rem}
.hours{height:1.35rem}
.spread{height:.35rem;border-radius:.2rem;margin-top:.3rem}
.track,.heat-0{fill:var(--track)}
.unacknowledged,.column,.b-alarm{fill:var(--alarm)}
.acknowledged,.b-calm{fill:var(--calm)}
.column{fill:var(--calm)}
.base{fill:var(--edge)}
.gap{fill:var(--gap);opacity:.6}
.pale{opacity:.35}
.lanes{list-style:none;margin:0;padding:0}
.lanes li,.week li{display:grid;grid-template-columns:13rem 1fr;gap:.25rem 1rem;align-items:center;padding:.2rem 0}
.lanes .who{font-size:.9rem;line-height:1.3}
.lanes .times{color:var(--soft);font-size:.8rem}
.week{list-style:none;margin:0;padding:0}
.week li{grid-template-columns:2.5rem 1fr;padding:.1rem 0;font-size:.85rem}
.axis{display:flex;justify-content:space-between;font-size:.8rem;margin-top:.3rem;font-variant-numeric:tabular-nums}
.centred span{flex:1;text-align:center}
.lanes+.axis{margin-left:14rem}
.week+.axis{margin-left:3.5rem}
.legend{font-size:.85rem;color:var(--soft);margin-top:.9rem}
.entry{display:inline-flex;align-items:center;margin-right:1.25rem}
.key{display:inline-block;width:.85rem;height:.85rem;border-radius:.2rem;margin-right:.45rem}
.key.unacknowledged{background:var(--alarm)}
.key.acknowledged{background:var(--calm)}
.key.gap{background:var(--gap)}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
th{text-align:left;font-weight:600;color:var(--soft);font-size:.8rem;vertical-align:bottom}
.both{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 .5rem;white-space:nowrap}
th{overflow-wrap:normal}
.whole,.figure{white-space:nowrap}
.small{font-size:.8rem;line-height:1.3}
.both .quiet{font-size:.8rem;line-height:1.7}
th,td{padding:.5rem .9rem .5rem 0;border-bottom:1px solid var(--edge)}
td{vertical-align:top}
tr>:last-child{padding-right:0}
tbody tr:last-child td{border-bottom:0}
td.wide{width:26%}
.quiet{color:var(--soft)}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
details{margin-top:.9rem;font-size:.85rem}
summary{cursor:pointer;color:var(--soft)}
details table{margin-top:.5rem;text-align:right}
details td,details th{padding:.15rem .25rem;text-align:right}
footer{color:var(--soft);font-size:.85rem;margin-top:1.5rem}
@media(max-width:60rem){.tiles{grid-template-columns:repeat(3,1fr)}}
@media(max-width:44rem){
body{padding:1.25rem .75rem}
h1{font-size:1.5rem}
section{padding:1rem}
.tiles{grid-template-columns:repeat(2,1fr)}
.pair{grid-template-columns:1fr;gap:0}
.lanes li{grid-template-columns:1fr;padding:.4rem 0}
.lanes+.axis{margin-left:0}
.trio{grid-template-columns:3fr 1fr;gap:.35rem 1rem}
.trio .about{grid-column:1/3;margin-top:.5rem}
.cards thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.cards,.cards tbody,.cards tr,.cards td{display:block;width:auto}
.cards tr{padding:.6rem 0;border-bottom:1px solid var(--edge)}
.cards tbody tr:last-child{border-bottom:0}
.cards td,.cards td.wide{display:grid;grid-template-columns:8.5rem 1fr;gap:.5rem;width:auto;padding:.1rem 0;border:0}
.cards td::before{content:attr(data-label);color:var(--soft);font-size:.8rem;line-height:1.7}
.cards td.wide{display:block;font-weight:600;padding-bottom:.3rem}
.cards td.wide::before{content:none}
}
@media print{
body{background:none;padding:0;font-size:11pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}
section,.tile{break-inside:avoid;border-color:#bbb}
details{display:none}
}
"""


def rules() -> str:
    """All of it. Paper is light, whatever the screen is."""
    return (
        f":root{{color-scheme:light dark;{_variables(LIGHT)}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}"
        f"{_heat()}{_RULES}"
    )


def _variables(colours: Mapping[str, str]) -> str:
    return ";".join(f"--{name}:{colour}" for name, colour in colours.items())


def _heat() -> str:
    return "".join(f".{name}{{fill:var(--{name})}}" for name in LIGHT if name.startswith("heat-"))
