import json
import math
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from privacy import policy
from privacy.errors import EffectTooWeakError, PolicyError
from privacy.policy import Effect, EffectKind, Subject
from privacy.zones import PROHIBITED


def pack(name: str = "guangdong") -> dict[str, Any]:
    return tomllib.loads((resources.files("privacy.policies") / f"{name}.toml").read_text("utf-8"))


@pytest.mark.parametrize("name", policy.names())
def test_every_shipped_pack_rules_on_every_prohibited_zone(name: str) -> None:
    assert set(policy.load(name).rules) == set(PROHIBITED)


@pytest.mark.parametrize("name", policy.names())
def test_every_shipped_pack_hides_solidly_by_default(name: str) -> None:
    assert policy.load(name).effect.kind is EffectKind.SOLID


@pytest.mark.parametrize("name", policy.names())
def test_no_shipped_pack_hides_subjects_of_itself(name: str) -> None:
    """The service masks none yet: a pack that asked for it would be served with less than it promises."""
    assert policy.load(name).subjects.hidden == frozenset()


def test_a_pack_may_hide_subjects() -> None:
    hidden = policy.parse(broken("subjects", faces=True, screens=True)).subjects.hidden

    assert hidden == {Subject.FACES, Subject.SCREENS}


def test_guangdong_quotes_the_law_word_for_word(corpus: Path) -> None:
    """Every Chinese wording stands in the text of the decree, so a regulator can look it up."""
    law = next((corpus.parent / "regulation").glob("guangdong-decree-132*.txt")).read_text("utf-8")
    quotes = [article["zh"] for article in pack()["article"]] + [zone["zh"] for zone in pack()["zone"]]

    assert [quote for quote in quotes if not quote or quote not in law] == []


def test_a_pack_whose_wording_was_not_checked_quotes_nothing() -> None:
    data = pack("order799")

    assert not data["pack"]["wording_checked"]
    assert [article["zh"] for article in data["article"]] == [""]


def broken(section: str, **changes: object) -> dict[str, Any]:
    data = pack()
    data[section] = {**data[section], **changes}
    return data


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({}, id="empty"),
        pytest.param(broken("thresholds", clear_bellow=0.1), id="misspelt key"),
        pytest.param(broken("thresholds", clear_below=0.9, prohibited_above=0.8), id="thresholds cross"),
        pytest.param(broken("thresholds", clear_below=float("nan"), prohibited_above=0.8), id="NaN threshold"),
        pytest.param(broken("thresholds", clear_below="low", prohibited_above=0.8), id="a word for a number"),
        pytest.param(broken("thresholds", clear_below=0.2), id="one threshold of two"),
        pytest.param(broken("thresholds", release_below=0.995), id="released while it is sure"),
        pytest.param(broken("thresholds", miss=0.0), id="a target that nothing meets"),
        pytest.param(broken("thresholds", false_alarm=float("nan")), id="a target of NaN"),
        pytest.param({**pack(), "thresholds": {"miss": 0.1, "false_alarm": 0.01}}, id="silent on other models"),
        pytest.param(broken("thresholds", uncalibrated={"clear_below": 0.01}), id="one fallback of two"),
        pytest.param(broken("thresholds", uncalibrated=0.01), id="a fallback that is no table"),
        pytest.param(broken("timing", hold_s=-1.0), id="negative time"),
        pytest.param(broken("timing", hold_s=10**400), id="a time beyond any number"),
        pytest.param(broken("timing", stall_s=0.1), id="stalls before it looks"),
        pytest.param(broken("prior", default=0.0), id="a prior that nothing can move"),
        pytest.param(broken("effect", default="sepia"), id="unknown effect"),
        pytest.param(broken("subjects", people="false"), id="a word for a truth"),
        pytest.param(broken("subjects", faces=1), id="a number for a truth"),
        pytest.param(broken("subjects", hands=True), id="an unknown subject"),
        pytest.param(broken("subjects", margin=-0.1), id="a margin that shrinks"),
        pytest.param(broken("subjects", growth=float("nan")), id="a growth of NaN"),
        pytest.param(broken("subjects", people_score=0.0), id="a score that everything reaches"),
        pytest.param(broken("subjects", faces_score=1.5), id="a score that nothing reaches"),
        pytest.param(broken("subjects", hold_s=float("inf")), id="hidden for ever"),
        pytest.param(broken("subjects", detect_every_s=2.0), id="forgets before it looks again"),
        pytest.param({key: table for key, table in pack().items() if key != "subjects"}, id="silent on subjects"),
        pytest.param(broken("misuse", articles=["99"]), id="an article that is not there"),
        pytest.param({**pack(), "zone": pack()["zone"][:-1]}, id="a zone is missing"),
        pytest.param({**pack(), "zone": [*pack()["zone"], pack()["zone"][0]]}, id="a zone is there twice"),
        pytest.param({**pack(), "article": [*pack()["article"], pack()["article"][0]]}, id="an article is there twice"),
        pytest.param({**pack(), "surprise": 1}, id="unknown section"),
    ],
)
def test_a_pack_that_cannot_be_trusted_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(PolicyError):
        policy.parse(data)


@pytest.mark.parametrize("text", ["a = " + "9" * 5000, "a = " + "[" * 100_000], ids=["too long a number", "nested"])
def test_a_file_that_the_reader_of_toml_gives_up_on_is_no_policy(tmp_path: Path, text: str) -> None:
    (tmp_path / "rules.toml").write_text(text)

    with pytest.raises(PolicyError, match="no TOML"):
        policy.load(tmp_path / "rules.toml")


@pytest.mark.parametrize("name", ["nowhere", "nowhere.toml", "/dev/null/x.toml"])
def test_an_unknown_pack_is_named(name: str) -> None:
    with pytest.raises(PolicyError, match=r"nowhere|x\.toml"):
        policy.load(name)


def test_where_a_policy_file_is_missing_the_packs_are_named() -> None:
    with pytest.raises(PolicyError, match=r"^there is no policy file nope\.toml; packs that ship: guangdong"):
        policy.load("nope.toml")


@pytest.mark.parametrize("name", policy.names())
def test_the_strength_floors_are_those_that_were_measured(name: str) -> None:
    """`null` is no strength at all: it is forbidden."""
    results = Path(__file__).parents[1] / "benchmarks" / "results" / "irreversibility.json"
    measured = json.loads(results.read_text("utf-8"))["floors"]

    assert {kind: math.inf if floor is None else floor for kind, floor in measured.items()} == policy.load(name).floors


def test_a_forbidden_effect_is_refused_at_full_strength() -> None:
    """What is allowed instead is said."""
    with pytest.raises(
        EffectTooWeakError, match="does not allow blur; it allows solid, pixelate of strength 1 or more"
    ):
        policy.load().checked(Effect(EffectKind.BLUR, 1.0))


def test_an_effect_below_the_floor_is_refused() -> None:
    with pytest.raises(EffectTooWeakError):
        policy.load().checked(Effect(EffectKind.PIXELATE, 0.001))


@pytest.mark.parametrize("strength", [0.0, -1.0, 1.5, float("nan")])
def test_a_strength_is_a_share_of_the_frame(strength: float) -> None:
    with pytest.raises(EffectTooWeakError):
        Effect(EffectKind.BLUR, strength)


def test_an_undeclared_purpose_has_the_default_prior() -> None:
    rules = policy.load()

    assert rules.prior_of("moon base") == rules.prior["default"]


@pytest.mark.parametrize("name", policy.names())
def test_a_rule_cites_an_article_or_that_of_its_zone_or_says_why_not(name: str) -> None:
    rules = policy.load(name).reporting.rules
    silent = {rule for rule, said in rules.items() if not said.clauses and not said.uncited}

    assert silent == {"PROHIBITED_VIEW"}


@pytest.mark.parametrize("changes", [{"uncited": "why not"}, {"uncited": 7}], ids=["and cites one", "no words"])
def test_a_rule_that_says_why_it_cites_nothing_cites_nothing(changes: dict[str, Any]) -> None:
    data = pack()
    rule = {**data["misuse"]["PTZ_DWELL"], **changes}

    with pytest.raises(PolicyError):
        policy.parse({**data, "misuse": {**data["misuse"], "PTZ_DWELL": rule}})
