"""Results for people to read: Markdown, and one HTML file that needs nothing else."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any

from privacy.bench import plots
from privacy.bench.corruptions import KINDS

Record = Mapping[str, Any]
Cell = str
Rows = list[list[Cell]]
DASH = "-"
SIGNIFICANT = 0.05
WORSE = "worse"
CONFUSION = "What the private places are called by "
FEW = 30
"""Photos of a kind; with fewer, the bootstrap resamples too little to say how far off a share may be."""
MOST_ROWS = 50
"""Of failures on a page; results.json has all."""


def text(value: Mapping[str, Any]) -> str:
    """Return a measured number with its interval: "0.984 [0.977, 0.990]"."""
    if value["value"] is None:
        return DASH
    if value["low"] is None:
        return _number(value["value"])
    return f"{_number(value['value'])} [{_number(value['low'])}, {_number(value['high'])}]"


def markdown(record: Record) -> str:
    """Return all of it as Markdown; without plots."""
    lines = [f"# Benchmark, protocol {record['protocol']}", "", _intro(record), ""]
    for heading, note, head, rows in _sections(record):
        lines += [f"## {heading}", ""]
        lines += [note, ""] if note else []
        lines += ["| " + " | ".join(_cell(cell) for cell in head) + " |", "|" + "---|" * len(head)]
        lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def html(record: Record, pictures: Mapping[tuple[str, str], bytes] | None = None) -> str:
    """Return all of it as one page with plots; needs the extra "bench".

    Args:
        record: What results.json holds.
        pictures: JPEGs by data set and item, to be shown where a model failed; of redistributable sets only.
    """
    style = (resources.files("privacy.bench") / "page.css").read_text("utf-8")
    parts = [
        f"<h1>Benchmark <small>protocol {escape(record['protocol'])}</small></h1>",
        f"<p>{escape(_intro(record))}</p>",
    ]
    figures = plots.all_of(record)
    parts += [_figures([figure for figure in figures if figure.first])]
    for heading, note, head, rows in _sections(record):
        if heading.startswith(CONFUSION):  # drawn
            continue
        parts.append(f"<h2>{escape(heading)}</h2>")
        parts.append(f"<p>{escape(note)}</p>" if note else "")
        parts.append(_table(head, rows))
        parts.append(
            _figures([figure for figure in figures if not figure.first and heading.startswith(figure.section)])
        )
    parts.append(_worst(record, pictures or {}))
    parts.append(_run(record))
    body = "\n".join(part for part in parts if part)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>privacy bench</title><style>{style}</style></head>\n<body><main>\n{body}\n</main></body></html>\n"
    )


def comparison(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return compared runs as Markdown."""
    head, table = _comparisons(rows)
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in table)]) + "\n"


# ------------------------------------------------------------------------------------------------------------ sections


def _intro(record: Record) -> str:
    sets = [
        f"{one['name']} ({one['items']} {'photos' if one['kind'] == 'scenes' else 'items'}"
        + (f", {one['prohibited']} prohibited, {one['sources']} sources)" if one["kind"] == "scenes" else ")")
        for one in record["datasets"]
    ]
    return (
        f"{_models(len(record['models']))} on {'; '.join(sets)}. In brackets 95 % bootstrap intervals over sources, "
        f"{record['rounds']} resamples, seed {record['seed']}. docs/benchmark.md says what each number means."
    )


def _models(number: int) -> str:
    return "1 model" if number == 1 else f"{number} models"


def _sections(record: Record) -> Iterable[tuple[str, str, list[Cell], Rows]]:
    yield from _measures(record)
    if record["comparisons"]:
        first = record["comparisons"][0]["against"]
        note = (
            f"Difference from {first} on the same resamples, and p (of AUROC DeLong's as well). Bold: shown to differ."
        )
        for dataset in dict.fromkeys(row["dataset"] for row in record["comparisons"]):
            rows = [row for row in record["comparisons"] if row["dataset"] == dataset]
            yield f"Against {first}: {dataset}", f"{note} {_few_photos(record, dataset)}".strip(), *_pivoted(rows)
    yield from _corruptions(record)
    yield from _sources(record)
    yield from _confusions(record)
    yield from _clips(record)
    if record["cost"]:
        rows = [[name, *_cost(one)] for name, one in record["cost"].items()]
        reference = next(iter(record["cost"].values()))["reference"]
        note = f"CPU time of one look at a 640 x 480 picture, resizing included; {reference} in the same run is 1."
        yield "Cost", note, ["Model", "CPU time [quartiles]", "peak memory, MB"], rows
    yield from _left_out(record)


def _measures(record: Record) -> Iterable[tuple[str, str, list[Cell], Rows]]:
    for dataset in dict.fromkeys(result["dataset"] for result in record["results"]):
        here = [result for result in record["results"] if result["dataset"] == dataset]
        models = list(dict.fromkeys(result["model"] for result in here))
        values = {(r["model"], name): value for r in here for name, value in r["measures"].items()}
        names = list(dict.fromkeys(name for _, name in values))
        better = {name: value["better"] for (_, name), value in values.items()}
        rows = []
        for name in names:
            known = {m: values[m, name]["value"] for m in models if (m, name) in values}
            known = {model: value for model, value in known.items() if value is not None}
            best = (max if better[name] == "higher" else min)(known.values()) if known else None
            cells = [text(values[m, name]) if (m, name) in values else DASH for m in models]
            marked = [
                f"**{cell}**" if len(known) > 1 and known.get(m) == best else cell
                for m, cell in zip(models, cells, strict=True)
            ]
            rows.append([f"{name} {'↑' if better[name] == 'higher' else '↓'}", *marked])
        yield f"On {dataset}", _few_photos(record, dataset), ["Measure", *models], rows


def _few_photos(record: Record, dataset: str) -> str:
    """Return a warning where recalls and intervals rest on a handful of photos of a kind; else ""."""
    for one in record["datasets"]:
        if one["name"] == dataset and one["kind"] == "scenes":
            counts = {"prohibited": one["prohibited"], "permitted": one["items"] - one["prohibited"]}
            few = [f"{count} {kind}" for kind, count in counts.items() if count < FEW]
            if few:
                return (
                    f"Careful: all of this rests on no more than {' and '.join(few)} photos. With fewer than {FEW} of "
                    "a kind, neither a recall nor its interval can be relied on: one photo more may change both."
                )
    return ""


def _comparisons(rows: Sequence[Mapping[str, Any]]) -> tuple[list[Cell], Rows]:
    head = ["Data set", "Measure", "Model", "against", "difference", "p", "verdict"]
    return head, [
        [row["dataset"], row["measure"], row["model"], row["against"], _signed(row), _p(row), _ruled(row)]
        for row in rows
    ]


def _pivoted(rows: Sequence[Mapping[str, Any]]) -> tuple[list[Cell], Rows]:
    models = list(dict.fromkeys(row["model"] for row in rows))
    cells = {}
    for row in rows:
        ruled = _ruled(row)
        cell = f"{_signed(row)}, p {_p(row)}"
        cells[row["measure"], row["model"]] = f"**{cell} {ruled}**" if ruled in {"better", WORSE} else cell
    return ["Measure", *models], [
        [name, *(cells[name, model] for model in models)] for name in dict.fromkeys(row["measure"] for row in rows)
    ]


def _corruptions(record: Record) -> Iterable[tuple[str, str, list[Cell], Rows]]:
    for dataset, results in _of_task(record, "robustness").items():
        models = [result["model"] for result in results]
        rows = []
        for kind in KINDS:
            cells = []
            for result in results:
                found = [_number(row["AUROC"]) for row in result["kinds"] if row["kind"] == kind]
                cells.append(" / ".join(found) or DASH)
            rows.append([kind.replace("_", " "), *cells])
        photos = results[0]["clean"]["photos"]
        note = f"AUROC at severities 1 / 2 / 3, on {photos} photos, half of them prohibited."
        yield (
            f"Through worse cameras: {dataset}",
            note,
            ["Corruption", *models],
            [
                ["none", *(_number(result["clean"]["AUROC"]) for result in results)],
                *rows,
            ],
        )


def _sources(record: Record) -> Iterable[tuple[str, str, list[Cell], Rows]]:
    for dataset, results in _of_task(record, "separation").items():
        models = [result["model"] for result in results]
        rows = [
            [
                row["source"],
                str(row["photos"]),
                str(row["prohibited"]),
                *(
                    f"{of['missed']} / {of['false alarms']} / {of['misnamed']}"
                    for of in (r["sources"][k] for r in results)
                ),
            ]
            for k, row in enumerate(results[0]["sources"])
        ]
        note = (
            "Photos missed / let raise a false alarm / named wrong, where 1 % of all permitted photos are let through."
        )
        yield f"By source: {dataset}", note, ["Source", "photos", "prohibited", *models], rows


def _confusions(record: Record) -> Iterable[tuple[str, str, list[Cell], Rows]]:
    for dataset, results in _of_task(record, "naming").items():
        for result in results:
            table = result["confusion"]
            rows = [
                [name.replace("_", " "), *map(str, counts)]
                for name, counts in zip(table["shown"], table["counts"], strict=True)
                if any(counts)
            ]
            head = ["shown", *(name.replace("_", " ") for name in table["named"])]
            yield f"{CONFUSION}{result['model']}, {dataset}", "", head, rows


def _clips(record: Record) -> Iterable[tuple[str, str, list[Cell], Rows]]:
    for dataset, results in _of_task(record, "stream").items():
        models = [result["model"] for result in results]
        by_model = [{run["clip"]: run for run in result["clips"]} for result in results]
        names = list(dict.fromkeys(name for runs in by_model for name in runs))
        rows = [
            [
                name,
                "private" if any(runs[name]["prohibited_frames"] for runs in by_model if name in runs) else "permitted",
                *(_fate(runs[name]) if name in runs else "not read" for runs in by_model),
            ]
            for name in names
        ]
        note = (
            "Private clips: seconds to detection, frames exposed. Permitted clips: share hidden in vain, accusations."
        )
        yield f"Clips of {dataset}", note, ["Clip", "shows", *models], rows


def _fate(run: Mapping[str, Any]) -> str:
    if run["prohibited_frames"]:
        found = DASH if run["detected_s"] is None else f"{run['detected_s']:.2f} s"
        return f"{found}, {run['exposed_frames']} exposed"
    return f"{run['hidden_in_vain']:.1%}, {run['accusations']}"


def _left_out(record: Record) -> Iterable[tuple[str, str, list[Cell], Rows]]:
    excluded = [[one["name"], row["item"], row["error"]] for one in record["datasets"] for row in one["excluded"]]
    if excluded:
        yield "Left out for all models", f"{len(excluded)} items.", ["Data set", "Item", "Why"], _few(excluded)
    failed = [[r["dataset"], r["model"], f["item"], f["error"]] for r in record["results"] for f in r["failures"]]
    if failed:
        note = f"{len(failed)} looks; each counts as the worst answer there is."
        yield "Failed looks", note, ["Data set", "Model", "Item", "Why"], _few(failed)
    if record["not_measured"]:
        rows = [[row["dataset"], row["model"], row["why"]] for row in record["not_measured"]]
        yield "Not measured", "", ["Data set", "Model", "Why"], rows


def _few(rows: Rows) -> Rows:
    left = len(rows) - MOST_ROWS
    return (
        rows if left <= 0 else [*rows[:MOST_ROWS], [*["..."] * (len(rows[0]) - 1), f"and {left} more in results.json"]]
    )


# ---------------------------------------------------------------------------------------------------------------- HTML


def _table(head: Sequence[Cell], rows: Rows) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "\n".join("<tr>" + "".join(_html_cell(cell) for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>\n{body}\n</tbody></table></div>'


def _html_cell(cell: Cell) -> str:
    if cell.startswith("**") and cell.endswith("**"):
        kind = "worse" if cell.endswith(f"{WORSE}**") else "best"
        return f'<td class="{kind}">{escape(cell[2:-2])}</td>'
    return f"<td>{escape(cell)}</td>"


def _figures(figures: Sequence[plots.Figure]) -> str:
    shown = [
        f'<figure><img alt="{escape(figure.caption)}" src="data:image/svg+xml;base64,{_base64(figure.svg)}">'
        f"<figcaption>{escape(figure.caption)}</figcaption></figure>"
        for figure in figures
    ]
    return f'<div class="figures">{"".join(shown)}</div>' if shown else ""


def _worst(record: Record, pictures: Mapping[tuple[str, str], bytes]) -> str:
    parts = []
    for result in record["results"]:
        for kind, photos in result.get("worst", {}).items():
            if not photos:
                continue
            cells = [_photo(photo, pictures.get((result["dataset"], photo["item"]))) for photo in photos]
            parts.append(f"<h3>{escape(result['model'])}, {escape(result['dataset'])}: {kind}</h3>")
            parts.append(f'<ol class="worst">{"".join(cells)}</ol>')
    if not parts:
        return ""
    note = "Pictures only of sets that may be shown to others; elsewhere the names of their files."
    return f"<h2>Worst photos</h2><p>{note}</p><details><summary>Show</summary>{''.join(parts)}</details>"


def _photo(photo: Mapping[str, Any], jpeg: bytes | None) -> str:
    image = f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}">' if jpeg else ""
    return f"<li>{image}<span>{escape(photo['item'])}</span> {escape(photo['label'])}, {photo['p']:.3f}</li>"


def _run(record: Record) -> str:
    run = record["run"]
    facts = {
        **run["environment"],
        "started": run["started"],
        "seconds": str(run["seconds"]),
        "policy": record["policy"],
    }
    rows = [[name, str(value)] for name, value in facts.items() if value]
    models = [
        [one["name"], one.get("made of", ""), one.get("licence", ""), one["digest"][:16]] for one in record["models"]
    ]
    sets = [[one["name"], one["kind"], one.get("split", ""), one["digest"][:16]] for one in record["datasets"]]
    return (
        "<h2>The run</h2>"
        + _table(["Model", "made of", "licence", "sha256"], models)
        + _table(["Data set", "kind", "split", "sha256"], sets)
        + _table(["", ""], rows)
    )


# ----------------------------------------------------------------------------------------------------------- fragments


def _of_task(record: Record, task: str) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for result in record["results"]:
        if result["task"] == task:
            found.setdefault(result["dataset"], []).append(result)
    return found


def _number(value: float | None) -> str:
    if value is None:
        return DASH
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.0f}"


def _signed(row: Mapping[str, Any]) -> str:
    if row["value"] is None:
        return DASH
    value, low, high = (f"{row[key]:+.3f}".replace("-0.000", "+0.000") for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def _p(row: Mapping[str, Any]) -> str:
    if row["p"] is None:
        return DASH
    return f"{row['p']:.3f}" + (f" ({row['p_delong']:.3f})" if row["p_delong"] is not None else "")


def _ruled(row: Mapping[str, Any]) -> str:
    if row["p"] is None or row["value"] is None:
        return DASH
    if row["low"] <= 0 <= row["high"] or row["p"] >= SIGNIFICANT:
        return "no difference shown"
    return "better" if (row["value"] > 0) == (row["better"] == "higher") else WORSE


def _cost(one: Mapping[str, Any]) -> list[Cell]:
    spread = one["spread"]
    ratio = DASH if one["ratio"] is None else f"{one['ratio']:.2f} [{spread[0]:.2f}, {spread[1]:.2f}]"
    memory = one.get("peak memory MB")
    return [ratio, DASH if memory is None else f"{memory:.0f}"]


def _cell(cell: Cell) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")


def _base64(svg: str) -> str:
    return base64.b64encode(svg.encode()).decode()
