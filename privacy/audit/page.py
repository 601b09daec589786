"""The page of an audit: one HTML file that opens from disk, beside the folder of its masked thumbnails."""

import base64
import hashlib
import html
import json
import re
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from privacy.audit.outcome import write
from privacy.policy import Policy
from privacy.zones import PROHIBITED

_LISTED = 200
_INLINE = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)


def write_page(done: dict[str, Any], rules: Policy, path: Path) -> None:
    """Write the page.

    Args:
        done: What `outcome.conclude` returned.
        rules: The policy, for the names of zones.
        path: The file; thumbnails are found relative to it.

    Raises:
        SinkError: It cannot be written.
    """
    template = (resources.files("privacy.audit") / "page.html").read_text("utf-8")
    zones = {zone.slug: rules.rules[zone].zh for zone in PROHIBITED}
    data = {"findings": done["findings"], "recordings": done["recordings"], "zones": zones}
    page = Template(template).substitute(
        csp="$csp",
        summary=_summary(done, zones),
        legend=_legend(zones),
        details=_unreadable(done) + _details(done),
        # "<" would end the element: a file may be called "</script>".
        data=json.dumps(data, ensure_ascii=False).replace("<", "\\u003c").replace("$", "\\u0024"),
    )
    write(path, page.replace("$csp", _csp(page), 1))


def _csp(page: str) -> str:
    """Allow what this page holds, its thumbnails, and nothing else: no script that a file name might smuggle in."""
    digests: dict[str, list[str]] = {"style": [], "script": []}
    for kind, text in _INLINE.findall(page):
        digests[kind].append(f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'")
    script, style = " ".join(digests["script"]), " ".join(digests["style"])
    # Widths and colours of the timeline are set through the object model, which a policy does not restrict.
    return f"default-src 'none'; img-src 'self' file:; script-src {script}; style-src {style}"


def _summary(done: dict[str, Any], zones: dict[str, str]) -> str:
    total, audit = done["summary"], done["audit"]
    share, guarantee = total["prohibited_share"], total["guarantee"]
    low, high = _percent(share["lower"]), _percent(share["upper"])
    interval = f"of the time; {share['confidence']:.0%} interval {low} to {high}"
    tiles = [
        ("hot" if total["findings"] else "", f"{total['findings']:,}", "findings"),
        ("hot" if total["findings"] else "", _length(total["prohibited_s"]), "of prohibited places on record"),
        ("", _percent(share["share"]), interval),
        ("", f"{total['recordings']:,}", f"recordings, {_length(total['audited_s'])} audited"),
        ("warn" if total["unreadable"] else "", f"{total['unreadable']:,}", "not read to their end"),
    ]
    drawn = "".join(f'<div class="tile {kind}"><b>{value}</b><span>{text}</span></div>' for kind, value, text in tiles)
    missed = (
        f"Every sight of {guarantee['min_event_s']:g} s or longer was looked at at least once."
        if not guarantee["p_not_looked_at"]
        else f"A sight of {guarantee['min_event_s']:g} s was not looked at at all with a probability of "
        f"{_percent(guarantee['p_not_looked_at'])}."
    )
    rows = "".join(
        f'<tr><td><span class="dot" data-zone="{zone}"></span>{zone.replace("_", " ")} · '
        f"{html.escape(zones[zone])}</td>"
        f'<td class="num">{count["findings"]:,}</td><td class="num">{_length(count["seconds"])}</td></tr>'
        for zone, count in total["zones"].items()
    )
    table = (
        f'<table><thead><tr><th>Zone</th><th class="num">Findings</th><th class="num">Time</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )
    return (
        f"<h1>Audit of an archive</h1>"
        f'<p class="soft">{html.escape(audit["policy"]["law"])} · began {html.escape(str(audit["started"]))}'
        f" · ended {html.escape(str(audit['ended'] or 'not yet'))}</p>"
        f'<div class="tiles">{drawn}</div><p class="small soft">{missed} A model may still err on what it looks at: '
        f"how often, its card says. Thumbnails show no pixel of what is hidden.</p>{table if rows else ''}"
    )


def _legend(zones: dict[str, str]) -> str:
    kinds = [("clear", "clear"), ("uncertain-a", "uncertain"), *((zone, zone.replace("_", " ")) for zone in zones)]
    parts = "".join(f'<span><span class="dot" data-zone="{key}"></span>{name}</span>' for key, name in kinds)
    return f'<div class="legend">{parts}</div>'


def _details(done: dict[str, Any]) -> str:
    audit, terms, ignored = done["audit"], done["audit"]["terms"], done["ignored"]
    guarantee = done["summary"]["guarantee"]
    facts = {
        "Policy": f"{audit['policy']['name']} {audit['policy']['version']}",
        "Policy SHA-256": audit["policy"]["sha256"],
        "Model": audit["model"]["name"],
        "Model SHA-256": audit["model"]["sha256"],
        "Made by": audit["tool"],
        "Shortest event": f"{terms['min_event_s']:g} s",
        "Decoded": f"{guarantee['decoded']:,} pictures, {_percent(guarantee['decoded_share'])}; the model looked at "
        f"{guarantee['looked_at']:,}",
        "Longest time without a look": f"{guarantee['longest_gap_s']:g} s",
        "Time asked for": f"{terms['since'] or 'any'} to {terms['until'] or 'any'}",
        "Files not opened": f"{ignored['files']:,} of kinds that hold no video"
        + (
            f": {', '.join(ignored['first'][:5])}" + (" ..." if ignored["files"] > 5 else "")
            if ignored["files"]
            else ""
        ),
    }
    rows = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(str(value))}</dd>" for name, value in facts.items())
    return f"<section><h2>How it was audited</h2><dl>{rows}</dl></section>"


def _unreadable(done: dict[str, Any]) -> str:
    rows = done["unreadable"]
    if not rows:
        return ""
    drawn = "".join(
        f'<tr><td>{row["reason"]}</td><td class="num">'
        f"{'' if row['broke_at_s'] is None else _clock(row['broke_at_s'])}</td>"
        f'<td class="path">{html.escape(row["path"])}</td></tr>'
        for row in rows[:_LISTED]
    )
    more = (
        f'<p class="soft">And {len(rows) - _LISTED:,} more; findings.json has all.</p>' if len(rows) > _LISTED else ""
    )
    return (
        f"<section><h2>Not read to their end</h2><table><thead><tr><th>Reason</th><th class='num'>From</th>"
        f"<th>Recording</th></tr></thead><tbody>{drawn}</tbody></table>{more}</section>"
    )


def _clock(seconds: float) -> str:
    return f"{int(seconds // 3600)}:{int(seconds // 60 % 60):02}:{int(seconds % 60):02}"


def _percent(share: float) -> str:
    return f"{share:.2%}" if share and share < 0.1 else f"{share:.1%}"


def _length(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:,.1f} h"
