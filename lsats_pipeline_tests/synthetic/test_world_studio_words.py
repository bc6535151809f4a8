"""The studio's word lists: enough, of our own, and of nobody in particular."""

from __future__ import annotations

import re

import pytest

from lsats_pipeline.core.errors import BadDeclaration
from lsats_pipeline.synthetic.worlds.studio.people import handles
from lsats_pipeline.synthetic.worlds.studio.prompts import GENERAL, checked, phrases
from lsats_pipeline.synthetic.worlds.studio.tags import all_tags

# domain/world_studio.md 4
DOMAINS = (
    "Fashion, Portraits, Landscapes, Fantasy Art, Sci-Fi Art, Animals, Food Photography, "
    "Architecture, Interior Design, Concept Art, Anime Characters, Cartoons, Product Mockups, "
    "Posters, Logos, Book Covers, Album Covers, Video Game Art, Abstract Art, Surreal Art, "
    "Film Stills, Comic Panels, 3D Renders, Medical Illustration, Educational Diagrams, "
    "Historical Scenes, Celebrity Lookalikes, Memes, Children's Illustrations, Gothic/Horror Art"
)
# Names that image prompts are full of: people, studios, makers, figures, generators.
BLOCKED = (
    "picasso dali monet rembrandt warhol banksy rutkowski mucha hokusai giger kahlo miyazaki "
    "ghibli pixar disney marvel dreamworks nintendo pokemon mario zelda sega playstation xbox "
    "minecraft fortnite warcraft netflix hollywood bollywood oscar oscars grammy elvis beatles "
    "marilyn monroe einstein obama trump swift beyonce jackson batman superman spiderman hulk "
    "barbie lego hello-kitty godzilla gundam naruto pikachu sailormoon totoro shrek "
    "artstation deviantart pinterest instagram tiktok facebook twitter youtube google amazon "
    "microsoft adobe photoshop blender maya unreal unity octane redshift cinema4d midjourney "
    "dall-e stable-diffusion openai comfyui nvidia intel iphone ipad airpods samsung sony canon "
    "nikon kodak fujifilm leica hasselblad polaroid steadicam technicolor imax gopro nike adidas "
    "gucci prada chanel versace rolex ferrari porsche tesla toyota starbucks coca-cola pepsi "
    "mcdonalds ikea vogue velcro frisbee jacuzzi tupperware thermos photoshopped"
)


def words(texts: list[str]) -> set[str]:
    return {word for text in texts for word in re.findall(r"[a-z0-9-]+", text.lower())}


def every_text() -> list[str]:
    pools = [phrases().general, *phrases().domains.values(), all_tags(), *handles()]
    return [text for pool in pools for text in pool]


def test_no_person_brand_or_company_is_named() -> None:
    assert words(every_text()) & words([BLOCKED]) == set()


def test_there_are_thirty_domains_with_forty_phrases_each() -> None:
    assert list(phrases().domains) == DOMAINS.split(", ")
    assert min(map(len, phrases().domains.values())) >= 40
    assert len(phrases().general) >= 30


def test_there_are_more_than_200_tags() -> None:
    assert len(set(all_tags())) == len(all_tags()) > 200


def test_no_text_needs_escaping() -> None:
    assert all(re.fullmatch(r"[A-Za-z0-9 -]+", text) for text in every_text())


def pools() -> dict[str, list[str]]:
    return {GENERAL: list(phrases().general)} | {
        name: list(pool) for name, pool in phrases().domains.items()
    }


def test_a_pool_that_is_too_small_is_named() -> None:
    small = pools()
    small["Logos"] = small["Logos"][:39]
    with pytest.raises(BadDeclaration, match="phrases of Logos: 39, at least 40"):
        checked(small)


def test_a_phrase_of_two_domains_is_named() -> None:
    twice = pools()
    twice["Logos"].append("red fox")
    with pytest.raises(BadDeclaration, match=r"phrases\.csv: .*red fox"):
        checked(twice)


def test_a_missing_domain_is_noticed() -> None:
    fewer = pools()
    del fewer["Memes"]
    with pytest.raises(BadDeclaration, match="29 domains"):
        checked(fewer)
