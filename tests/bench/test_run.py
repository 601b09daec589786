"""One run, from a folder of photos to numbers: known in closed form, the same twice, and honest about what failed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from privacy import bench
from privacy.bench import datasets, metrics, page, report
from privacy.bench.results import Results, ResultsError
from privacy.errors import InputError, ModelNotFoundError
from privacy.training.data import DataError
from tests.bench.worlds import Backwards, Sees, write_world

PHOTOS = ("separation", "naming", "calibration", "abstention")


@pytest.fixture
def world(tmp_path: Path) -> Path:
    return write_world(tmp_path / "world")


def run(world: Path, *models: Any, tasks: tuple[str, ...] = PHOTOS, **options: Any) -> Results:
    return bench.run(models or (Sees(),), [str(world)], tasks, rounds=30, **options)


def numbers(results: Results, model: str = "sees") -> dict[str, Any]:
    return {row["measure"]: row["value"] for row in results.rows("measures") if row["model"] == model}


def without_time(results: Results) -> Mapping[str, Any]:
    return {key: value for key, value in results.record.items() if key not in ("run", "cost")}


# ------------------------------------------------------------------------------------------------------ in closed form


def test_a_model_that_is_always_right_has_the_numbers_of_one(world: Path) -> None:
    found = numbers(run(world))

    assert found["AUROC"] == found["AUPRC"] == found["recall at 0.1 %"] == found["recall at 5 %"] == 1
    levels = np.arange(24) * 10 / 255
    assert found["Brier"] == pytest.approx(np.mean((levels - (np.arange(24) >= 12)) ** 2), abs=1e-6)
    assert found["zones named right"] == 0.5  # every washroom, and no bedroom


def test_a_model_that_is_always_wrong_has_the_numbers_of_one(world: Path) -> None:
    found = numbers(run(world, Backwards("wrong")), "wrong")

    assert found["AUROC"] == found["recall at 5 %"] == 0


def test_what_cannot_be_computed_is_null(world: Path) -> None:
    assert numbers(run(world))["recall at 1 %, large sources"] is None  # no source has more than 100 photos


def test_the_better_of_two_models_is_shown_to_be_better(world: Path) -> None:
    (row,) = (row for row in run(world, Backwards("wrong"), Sees()).rows("comparisons") if row["measure"] == "AUROC")

    assert (row["model"], row["against"], row["value"]) == ("sees", "wrong", 1)
    assert row["p"] <= 0.07  # 2 / (30 rounds + 1)
    assert row["p_delong"] == 0


# ---------------------------------------------------------------------------------------------------------- the same


def test_the_same_seed_gives_the_same_numbers_to_the_last_digit(world: Path) -> None:
    tasks = (*PHOTOS, "robustness", "localisation")
    one, two = (run(world, Sees(mapped=True), Backwards("wrong"), tasks=tasks) for _ in range(2))

    assert json.dumps(without_time(one)) == json.dumps(without_time(two))


def test_the_same_numbers_give_the_same_page(world: Path) -> None:
    pytest.importorskip("matplotlib")
    record = run(world, Sees(), Backwards("wrong")).record

    assert page.html(record) == page.html(record)


def test_another_seed_moves_the_intervals_and_not_the_values(world: Path) -> None:
    one, two = run(world, Sees(fails={200: ValueError()})), run(world, Sees(fails={200: ValueError()}), seed=1)

    assert numbers(one) == numbers(two)
    assert one.rows("measures") != two.rows("measures")


def test_a_killed_run_goes_on_without_asking_again(world: Path, tmp_path: Path) -> None:
    fails = {30: ValueError("cannot see this")}
    first, second = Sees(fails=fails), Sees(fails=fails)

    one = run(world, first, keep=tmp_path / "kept")
    two = run(world, second, keep=tmp_path / "kept")

    assert (first.looks, second.looks) == (24, 0)
    assert without_time(one) == without_time(two)


@pytest.mark.parametrize("damage", [b"", b"no archive", b"PK\x03\x04"], ids=["empty", "text", "cut short"])
def test_damaged_answers_are_asked_for_again(world: Path, tmp_path: Path, damage: bytes) -> None:
    run(world, keep=tmp_path / "kept")
    for file in (tmp_path / "kept").iterdir():
        file.write_bytes(damage)
    again = Sees()

    run(world, again, keep=tmp_path / "kept")

    assert again.looks == 24


def test_answers_about_other_pictures_are_not_taken_for_these(world: Path, tmp_path: Path) -> None:
    run(world, keep=tmp_path / "kept")
    (world / "00.png").write_bytes((world / "01.png").read_bytes())
    again = Sees()

    run(world, again, keep=tmp_path / "kept")

    assert again.looks == 24


# ---------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("instead", "kind"),
    [
        pytest.param(RuntimeError("out of cheese"), "RuntimeError: out of cheese", id="throws"),
        pytest.param("nan", "EvidenceError", id="answers NaN"),
    ],
)
def test_a_failed_look_is_named_and_counts_as_the_worst_answer(world: Path, instead: object, kind: str) -> None:
    results = run(world, Sees(fails={230: instead, 0: instead}))

    failures = results.rows("failures")
    assert [row["item"] for row in failures] == ["00.png", "23.png"]
    assert all(row["error"].startswith(kind) for row in failures)
    assert not results.complete
    # Of 12 x 12 pairs the one missed outranks nobody, and the one false alarm is outranked by nobody.
    assert numbers(results)["AUROC"] == pytest.approx(11 * 11 / 144)
    assert numbers(results)["zones named right"] == pytest.approx(5 / 6 / 2)


def test_a_model_that_changes_its_picture_is_stopped_and_the_next_one_sees_it_whole(world: Path) -> None:
    class Scribbles(Sees):
        def look(self, image: Any) -> Any:
            image[:] = 0
            return super().look(image)

    results = run(world, Scribbles("scribbles"), Sees())

    assert len([row for row in results.rows("failures") if row["model"] == "scribbles"]) == 24
    assert numbers(results)["AUROC"] == 1


def test_files_that_cannot_be_read_are_named_and_left_out_for_all(world: Path) -> None:
    (world / "05.png").unlink()
    (world / "20.png").write_bytes(b"no picture")

    results = run(world)

    (dataset,) = results.record["datasets"]
    assert {row["item"]: row["error"] for row in dataset["excluded"]} == {
        "05.png": "there is no such file",
        "20.png": "cannot decode 20.png",
    }
    assert (dataset["items"], dataset["prohibited"]) == (22, 11)
    assert not results.complete
    assert "05.png" in page.markdown(results.record)


def test_a_set_without_any_readable_photo_is_not_measured(world: Path) -> None:
    for file in world.glob("*.png"):
        file.unlink()

    results = run(world)

    assert not results.record["results"]
    assert results.record["not_measured"][0]["why"] == "no photo of the set can be read"


def test_labels_that_do_not_map_are_named_and_counted(tmp_path: Path) -> None:
    world = write_world(tmp_path, extra="00.png,attic,a,test\n01.png,attic,a,test\n02.png,moon,a,test\n")

    with pytest.raises(DataError, match=r"'attic' \(2\), 'moon' \(1\)"):
        datasets.load(str(world))


@pytest.mark.parametrize(
    ("models", "sets", "tasks", "message"),
    [
        pytest.param([Sees(), Sees()], None, None, "two models are called sees", id="one name twice"),
        pytest.param([], None, None, "needs a model", id="no model"),
        pytest.param([Sees()], [], None, "needs a model and a data set", id="no set"),
        pytest.param([Sees()], None, ["seperation"], "no task seperation", id="no such task"),
        pytest.param([Sees()], ["nowhere"], None, "there is no nowhere", id="no such folder"),
        pytest.param([Sees()], ["moons=/"], None, "no kind of data set 'moons'", id="no such kind"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_measured(
    world: Path, models: list[Any], sets: list[str] | None, tasks: list[str] | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        bench.run(models, [str(world)] if sets is None else sets, tasks)


def test_an_unknown_model_is_refused(world: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="nowhere"):
        bench.run(["nowhere"], [str(world)])


def test_photos_of_one_kind_only_give_no_separation_and_no_error(tmp_path: Path) -> None:
    world = write_world(tmp_path)
    lines = (world / "manifest.csv").read_text().splitlines()
    (world / "manifest.csv").write_text("\n".join([lines[0], *lines[1:13]]) + "\n")

    results = run(world, tasks=(*PHOTOS, "robustness", "localisation"))

    assert numbers(results)["AUROC"] is None
    assert {row["why"] for row in results.record["not_measured"]} == {
        "robustness needs prohibited and permitted photos",
        "localisation needs rooms with doors, and private places",
    }
    assert "Not measured" in page.markdown(results.record)


# ------------------------------------------------------------------------------------------- robustness, localisation


def test_corruptions_cost_a_model_of_brightness_what_they_do_to_brightness(world: Path) -> None:
    results = run(world, tasks=("separation", "robustness"))

    (robust,) = (one for one in results.record["results"] if one["task"] == "robustness")
    assert robust["clean"] == {"AUROC": 1, "photos": 24}
    assert len(robust["kinds"]) == 30
    assert all(row["AUROC"] == 1 for row in robust["kinds"] if row["kind"] == "jpeg")
    assert robust["measures"]["AUROC lost"]["value"] == pytest.approx(
        1 - np.mean([row["AUROC"] for row in robust["kinds"]]), abs=1e-5
    )


def test_a_map_of_brightness_finds_bright_rooms_behind_doors(world: Path) -> None:
    results = run(world, Sees(mapped=True), Sees("blind"), tasks=("localisation",))

    (found,) = results.record["results"]
    assert found["model"] == "sees"
    assert found["measures"]["over-mask area"]["value"] < 0.3
    assert found["measures"]["region recall"]["value"] > 0.5
    assert [row["model"] for row in results.record["not_measured"]] == ["blind"]


# -------------------------------------------------------------------------------------------------- written and read


def test_results_fit_their_published_schema(world: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(report.SCHEMA.read_text("utf-8"))
    results = run(world, Sees(mapped=True, fails={0: ValueError()}), tasks=(*PHOTOS, "robustness", "localisation"))

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(json.dumps(results.record)), schema)


def test_what_is_written_is_read_again(world: Path, tmp_path: Path) -> None:
    results = run(world)
    results.save(tmp_path / "out")

    again = Results.read(tmp_path / "out")

    assert again.record == json.loads(json.dumps(results.record))
    assert np.array_equal(again.scored("world", "sees").p, results.scored("world", "sees").p)


def test_tables_are_frames(world: Path) -> None:
    pytest.importorskip("pandas")
    frame = run(world).frame("measures")

    assert frame[frame.measure == "AUROC"].value.tolist() == [1.0]
    with pytest.raises(ResultsError, match="no table"):
        run(world).frame("chairs")


@pytest.mark.parametrize(
    "text",
    [None, "", "[]", '{"schema": "privacy.bench/1", "protocol": "v9"}'],
    ids=["missing", "empty", "no object", "another protocol"],
)
def test_a_folder_without_results_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "results.json").write_text(text)

    with pytest.raises(ResultsError):
        Results.read(tmp_path)


def test_two_runs_are_compared_photo_by_photo(world: Path) -> None:
    rows = bench.compare(run(world, Backwards("wrong")), run(world, Sees()), rounds=30)

    (row,) = (row for row in rows if row["measure"] == "AUROC")
    assert (row["model"], row["against"], row["value"]) == ("B: sees", "A: wrong", 1)


def test_runs_on_different_photos_are_not_compared(tmp_path: Path) -> None:
    one = run(write_world(tmp_path / "a" / "world"))
    other = write_world(tmp_path / "b" / "world")
    (other / "00.png").write_bytes((other / "01.png").read_bytes())

    with pytest.raises(ResultsError, match="not the same set"):
        bench.compare(one, run(other))


def test_every_metric_belongs_to_a_task_and_has_a_direction() -> None:
    assert {metric.task for metric in metrics.METRICS} <= set(bench.TASKS)
    assert {metric.better for metric in metrics.METRICS} == {"higher", "lower"}
    assert len({metric.name for metric in metrics.METRICS}) == len(metrics.METRICS)


# ------------------------------------------------------------------------------------------------------------- pages


@pytest.mark.parametrize("free", [True, False], ids=["redistributable", "not redistributable"])
def test_failures_are_shown_as_pictures_only_where_that_is_allowed(tmp_path: Path, *, free: bool) -> None:
    pytest.importorskip("matplotlib")
    dataset = datasets.load(str(write_world(tmp_path / "world", redistributable=free)))
    results = bench.run([Backwards("wrong")], [dataset], ["separation"], rounds=5)

    files = report.write(results, [dataset], tmp_path / "out")
    text = (tmp_path / "out" / "results.html").read_text("utf-8")

    assert [file.name for file in files] == ["results.json", "scores.csv", "results.md", "results.html"]
    assert ("data:image/jpeg" in text) is free
    assert "00.png" in text


def test_a_hostile_file_name_stays_text_on_the_page(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    world = write_world(tmp_path / "world")
    name = "<script>alert(1)<|>.png"
    (world / "23.png").rename(world / name.replace("/", ""))
    manifest = (world / "manifest.csv").read_text().replace("23.png", name)
    (world / "manifest.csv").write_text(manifest)

    results = run(world, Backwards("wrong", fails={230: ValueError("<b>|</b>")}), Sees())
    text = page.html(results.record)

    assert "<script>" not in text
    assert "<b>" not in text
    assert "&lt;script&gt;" in text
    rows = [line for line in page.markdown(results.record).splitlines() if "ValueError" in line]
    assert all(line.count("|") - line.count("\\|") == 5 for line in rows)


def test_a_page_of_nothing_measured_is_a_page(world: Path) -> None:
    pytest.importorskip("matplotlib")
    lines = (world / "manifest.csv").read_text().splitlines()
    (world / "manifest.csv").write_text("\n".join(lines[:13]) + "\n")

    assert page.html(run(world).record).endswith("</html>\n")


def test_the_page_needs_nothing_else(world: Path) -> None:
    pytest.importorskip("matplotlib")
    text = page.html(run(world).record)

    assert "http:" not in text.replace("http://www.w3.org", "")
    assert "https:" not in text
    assert "<img alt" in text


@pytest.mark.parametrize(
    ("items", "warning"),
    [
        pytest.param(24, "no more than 12 prohibited and 12 permitted photos", id="few of both"),
        pytest.param(112, "no more than 12 prohibited photos", id="few prohibited"),
    ],
)
def test_numbers_that_rest_on_few_photos_say_so(world: Path, items: int, warning: str) -> None:
    record = run(world, tasks=("separation",)).record
    told = {**record, "datasets": [{**record["datasets"][0], "items": items}]}

    assert warning in page.markdown(told)


def test_numbers_that_rest_on_many_photos_carry_no_warning(world: Path) -> None:
    record = run(world, tasks=("separation",)).record
    told = {**record, "datasets": [{**record["datasets"][0], "items": 60, "prohibited": 30}]}

    assert "Careful" not in page.markdown(told)
    assert page.markdown(told).splitlines()[2].startswith("1 model on ")


def test_rendered_rooms_are_drawn_as_a_whole(tmp_path: Path) -> None:
    rows = ["file,place,region,region_share,room,split"]
    rows += [f"{number}.png,office,,0,{number // 2},test" for number in range(6)]
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "labels.toml").write_text('[office]\nzones = { permitted = 1.0 }\nplace = "office"\n')

    read = datasets.load(f"rendered={tmp_path}", labels=tmp_path / "labels.toml")

    assert isinstance(read, datasets.Scenes)
    assert [stratum.tolist() for stratum in read.strata] == [[0, 1], [2, 3], [4, 5]]
