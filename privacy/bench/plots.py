"""Plots of results, as SVG; needs matplotlib, of the extra "bench"."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from privacy.bench.corruptions import KINDS, SEVERITIES

Record = Mapping[str, Any]
COLOURS = ("#0969da", "#bc4c00", "#1a7f37", "#8250df", "#bf3989", "#9a6700", "#57606a", "#cf222e")
LOWEST_RATE = 5e-4
FOREST = ("AUROC", "AUPRC", "recall at 1 %", "recall at 5 %", "zones named right")


@dataclass(frozen=True, slots=True)
class Figure:
    """One drawn plot.

    Attributes:
        section: Beginning of the heading it belongs under.
        caption: What it shows.
        svg: The drawing.
        first: Whether it belongs on top of the page.
    """

    section: str
    caption: str
    svg: str
    first: bool = False


def all_of(record: Record) -> list[Figure]:
    """Return every plot that the results allow."""
    colours = {one["name"]: COLOURS[k % len(COLOURS)] for k, one in enumerate(record["models"])}
    return [figure for dataset in record["datasets"] for figure in _of(dataset["name"], record, colours)]


def _of(name: str, record: Record, colours: Mapping[str, str]) -> list[Figure]:
    measured = [result for result in record["results"] if result["dataset"] == name]
    by_task = {task: [r for r in measured if r["task"] == task] for task in ("separation", "naming", "robustness")}
    found = []
    if by_task["separation"] and by_task["separation"][0]["curves"]["roc"]:
        found += [
            _figure(f"On {name}", f"{name}: {caption}", partial(draw, results=results, colours=colours), first=True)
            for caption, draw, results in (
                ("with 95 % intervals", _forest, measured),
                ("recall by false alarms", _roc, by_task["separation"]),
                ("does 0.8 mean eight in ten?", _reliability, by_task["separation"]),
                ("errors if the least sure are left out", _risk, by_task["separation"]),
            )
        ]
    for result in by_task["naming"]:
        if not any(map(any, result["confusion"]["counts"])):
            continue
        caption = f"What {result['model']} calls the private places of {name}"
        found.append(_figure(f"On {name}", caption, partial(_confusion, table=result["confusion"])))
    if by_task["robustness"]:
        caption = f"{name}: AUROC by corruption; left to right severities 1 to 3, dotted without"
        draw_all = partial(_robustness, results=by_task["robustness"], colours=colours)
        found.append(_figure(f"Through worse cameras: {name}", caption, draw_all, size=(11, 3.6)))
    return found


def _figure(
    section: str,
    caption: str,
    draw: Callable[[Any], None],
    *,
    size: tuple[float, float] = (5.2, 3.8),
    first: bool = False,
) -> Figure:
    import matplotlib as mpl  # noqa: PLC0415 - an extra
    from matplotlib.figure import Figure as Canvas  # noqa: PLC0415

    with mpl.rc_context({"svg.hashsalt": section + caption, "font.size": 9, "svg.fonttype": "none"}):
        canvas = Canvas(figsize=size, layout="constrained")
        axis = canvas.subplots()
        axis.spines[["top", "right"]].set_visible(False)
        draw(axis)
        text = io.StringIO()
        canvas.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return Figure(section, caption, text.getvalue(), first)


def _forest(axis: Any, *, results: Sequence[Record], colours: Mapping[str, str]) -> None:  # noqa: ANN401 - untyped library
    values = {(r["model"], name): value for r in results for name, value in r["measures"].items() if name in FOREST}
    models = list(dict.fromkeys(model for model, _ in values))
    for place, name in enumerate(FOREST):
        for k, model in enumerate(models):
            value = values.get((model, name))
            if value is None or value["value"] is None:
                continue
            height = place + (k - (len(models) - 1) / 2) * 0.8 / len(models)
            low, high = value["low"] or value["value"], value["high"] or value["value"]
            axis.plot([low, high], [height, height], color=colours[model], linewidth=2)
            axis.plot(
                value["value"], height, "o", color=colours[model], markersize=4, label=model if place == 0 else None
            )
    axis.set(yticks=range(len(FOREST)), yticklabels=FOREST, ylim=(len(FOREST) - 0.4, -0.6), xlim=(None, 1.005))
    axis.grid(axis="x", color="#ddd", linewidth=0.6)
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, fontsize=7, frameon=False)


def _roc(axis: Any, *, results: Sequence[Record], colours: Mapping[str, str]) -> None:  # noqa: ANN401
    for result in results:
        rates, recalls = zip(*result["curves"]["roc"], strict=True)
        axis.step(
            [max(rate, LOWEST_RATE) for rate in rates],
            recalls,
            where="post",
            color=colours[result["model"]],
            label=result["model"],
        )
    for rate in (0.001, 0.01, 0.05):
        axis.axvline(rate, color="#bbb", linewidth=0.8, linestyle=":")
    axis.set(
        xscale="log",
        xlim=(LOWEST_RATE, 1),
        ylim=(0, 1.01),
        xlabel="permitted photos that raise an alarm",
        ylabel="recall",
    )
    axis.legend(loc="lower right", fontsize=7)


def _reliability(axis: Any, *, results: Sequence[Record], colours: Mapping[str, str]) -> None:  # noqa: ANN401
    axis.plot([0, 1], [0, 1], color="#bbb", linewidth=0.8, linestyle=":")
    for result in results:
        full = [one for one in result["curves"]["reliability"] if one["count"] >= 5]
        axis.plot(
            [one["said"] for one in full],
            [one["true"] for one in full],
            "o-",
            markersize=3,
            linewidth=1.2,
            color=colours[result["model"]],
            label=result["model"],
        )
    axis.set(xlabel="score", ylabel="share that is prohibited", xlim=(0, 1), ylim=(0, 1.01))
    axis.legend(fontsize=7)


def _risk(axis: Any, *, results: Sequence[Record], colours: Mapping[str, str]) -> None:  # noqa: ANN401
    for result in results:
        coverage, risk = zip(*result["curves"]["risk_coverage"], strict=True)
        axis.plot(coverage, risk, color=colours[result["model"]], label=result["model"])
    axis.set(xlabel="share of photos ruled on", ylabel="share of these ruled wrong", xlim=(0, 1), ylim=(0, None))
    axis.legend(fontsize=7)


def _confusion(axis: Any, *, table: Mapping[str, Any]) -> None:  # noqa: ANN401
    rows = [(name, counts) for name, counts in zip(table["shown"], table["counts"], strict=True) if any(counts)]
    kept = [k for k in range(len(table["named"])) if any(counts[k] for _, counts in rows)]
    shares = [[counts[k] / sum(counts) for k in kept] for _, counts in rows]
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, (_, counts) in enumerate(rows):
        for column, k in enumerate(kept):
            colour = "white" if shares[row][column] > 0.6 else "#333"
            axis.text(column, row, str(counts[k]), ha="center", va="center", color=colour)
    axis.set_xticks(range(len(kept)), [table["named"][k].replace("_", "\n") for k in kept])
    axis.set_yticks(range(len(rows)), [name.replace("_", "\n") for name, _ in rows])
    axis.set(xlabel="named", ylabel="shown")
    axis.spines[:].set_visible(False)


def _robustness(axis: Any, *, results: Sequence[Record], colours: Mapping[str, str]) -> None:  # noqa: ANN401
    for result in results:
        colour = colours[result["model"]]
        for place, kind in enumerate(KINDS):
            found = {row["severity"]: row["AUROC"] for row in result["kinds"] if row["kind"] == kind}
            where = [place + (severity - 2) * 0.27 for severity in SEVERITIES]
            axis.plot(
                where,
                [found.get(s) for s in SEVERITIES],
                "o-",
                color=colour,
                markersize=3,
                linewidth=1.2,
                label=result["model"] if place == 0 else None,
            )
        axis.axhline(result["clean"]["AUROC"], color=colour, linewidth=0.7, linestyle=":")
    axis.set_xticks(range(len(KINDS)), [kind.replace("_", "\n") for kind in KINDS])
    axis.set(ylabel="AUROC", ylim=(None, 1.005))
    axis.legend(fontsize=7, loc="lower left", ncols=2)
