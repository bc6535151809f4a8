"""Facts and synthetic names of the world of jobs: right, sufficient, and of nobody."""

from __future__ import annotations

import pyarrow as pa
import pytest

from lsats_pipeline.core.errors import BadDeclaration
from lsats_pipeline.synthetic.worlds.jobs import facts, names
from lsats_pipeline_tests.synthetic.jobs import options, tables_of

DESIGNATED = {
    *("札幌市", "仙台市", "さいたま市", "千葉市", "横浜市", "川崎市", "相模原市", "新潟市"),
    *("静岡市", "浜松市", "名古屋市", "京都市", "大阪市", "堺市", "神戸市", "岡山市"),
    *("広島市", "北九州市", "福岡市", "熊本市"),
}
# A few that everybody knows, apart from the dictionary of the world.
KNOWN = [
    "トヨタ",
    "ソニー",
    "ローソン",
    "セブンイレブン",
    "スターバックス",
    "タウンワーク",
    "リクルート",
    "ユニクロ",
]
STATIONS = ["新宿", "渋谷", "梅田", "博多", "札幌", "学園前", "二子玉川"]


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    return tables_of(options(jobs=3_000))


def test_cities_are_those_of_the_document() -> None:
    cities = facts.cities()
    assert len({c.city_code for c in cities}) == 90
    assert sum(c.kind == "ward" and c.city_code < "13124" for c in cities) == 23
    assert {c.name_ja for c in cities} >= DESIGNATED
    capitals = [c for c in cities if c.capital]
    assert sorted(c.pref_code for c in capitals) == [f"{n:02d}" for n in range(1, 48)]


def test_prefectures_are_those_of_the_document() -> None:
    prefectures = {p.pref_code: p for p in facts.prefectures()}
    assert sum(p.population for p in prefectures.values()) == 126_146_099
    assert (prefectures["13"].name_ja, prefectures["13"].min_wage_jpy) == ("東京都", 1_163)
    assert min(p.min_wage_jpy for p in prefectures.values()) == 951
    assert {p.min_wage_from.strftime("%Y-%m") for p in prefectures.values()} == {
        "2024-10",
        "2024-11",
    }


def test_majors_and_their_minors() -> None:
    counts = [
        sum(m.major_code == major.major_code for m in facts.minors()) for major in facts.majors()
    ]
    assert counts == [9, 9, 8, 8, 8, 6, 7, 6, 6, 7, 6, 5, 6, 5]
    assert sum(major.share_target for major in facts.majors()) == 100


def test_tags_by_group() -> None:
    counts = [sum(t.group_code == g.group_code for t in facts.tags()) for g in facts.groups()]
    assert counts == [11, 7, 9, 11, 6]


def test_no_company_or_station_has_a_known_name(tables: dict[str, pa.Table]) -> None:
    companies = tables["companies"]["name_ja"].to_pylist()
    stations = {s for s in tables["jobs"]["nearest_station"].to_pylist() if s}
    assert len(set(companies)) == 8_000
    assert not [name for name in companies for known in KNOWN if known in name]
    assert not [name for name in stations for known in STATIONS if known in name]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("株式会社トヨタ", True),
        ("合同会社トヨタケア", True),
        ("メタ", True),
        ("株式会社メタ", True),
        ("株式会社メタリオン", False),
        ("新宿駅", True),
        ("新宿坂上駅", False),
        ("花綾野学園前駅", True),
        ("株式会社トワリエ", False),
        (None, False),
    ],
)
def test_known_names_are_found_alone_or_within(name: str | None, found: bool) -> None:
    assert names.known(pa.array([name], pa.string())).to_pylist() == [found]


def test_names_that_hold_a_known_one_are_left_out() -> None:
    made, _ = names._companies()
    assert not [name for name in made.to_pylist() if "ルミネ" in name or "ツムラ" in name]


def test_every_word_of_the_dictionaries_stands_there_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(facts, "read", lambda *args: [("トワ",), ("トワ",)])
    with pytest.raises(BadDeclaration, match=r"company_heads\.csv .* twice"):
        facts.words.__wrapped__("company_heads", 1)


def test_too_few_names_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "company_kinds", lambda: (("", ""),))
    with pytest.raises(BadDeclaration, match="under 8,000 names"):
        names._companies.__wrapped__()
