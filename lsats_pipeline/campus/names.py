"""Names of people and places, and uniqnames that are unique by construction.

A uniqname is initials plus syllables: "jm" + "bakuti". The syllables spell a number that no other
person has, in a length that no other range of numbers uses, so nobody has to look anything up.
"""

from __future__ import annotations

from faker.providers.person.en_US import Provider

from lsats_pipeline.campus.sampling import shuffled

FIRST_NAMES: tuple[str, ...] = (*sorted(Provider.first_names), "Zoë", "José", "Renée", "Björn")
LAST_NAMES: tuple[str, ...] = (
    *sorted(Provider.last_names),
    "Núñez",
    "Åberg",
    "O'Synth",
    "de la Demo",
)

SUBJECTS = (
    "Acoustics", "Algebra", "Anatomy", "Archery", "Astronomy", "Ballads", "Botany", "Cartography",
    "Ceramics", "Chemistry", "Chess", "Choreography", "Cryptography", "Dialects", "Ecology",
    "Electronics", "Ethics", "Folklore", "Fluids", "Genetics", "Geology", "Glaciers", "History",
    "Horology", "Insects", "Invention", "Journalism", "Kinetics", "Lighting", "Linguistics",
    "Logic", "Magnetism", "Mathematics", "Meteorology", "Mycology", "Navigation", "Neurology",
    "Oceans", "Optics", "Ornithology", "Paper", "Philosophy", "Physics", "Poetry", "Pottery",
    "Puppetry", "Rhetoric", "Robotics", "Seismology", "Statistics", "Textiles", "Theatre",
    "Topology", "Typography", "Volcanoes", "Weather", "Woodwork", "Zoology",
)  # fmt: skip
DEPARTMENT_FORMS = (
    "Department of {}", "Institute of {}", "Center for {}", "Program in {}", "{} Laboratory",
    "{} Library", "School Services: {}", "{} & Society",
)  # fmt: skip
COLLEGES = (
    "Synthetic Arts", "Imaginary Engineering", "Model Medicine", "Sample Sciences",
    "Placeholder Law", "Mock Business", "Fictional Music", "Example Education",
    "Test Nursing", "Demo Information",
)  # fmt: skip
CAMPUSES = ("Synthetic Main Campus", "Synthetic Lake Campus")
VP_AREAS = ("Provost Example", "Research Example", "Finance Example", "Student Life Example")
BUILDINGS = (
    "Example Hall", "Sample Tower", "Placeholder House", "Demo Building", "Specimen Library",
    "Mockup Center", "Template Annex", "Fixture Laboratory",
)  # fmt: skip
CITIES = ("Exampleville", "Sampleton", "Demo Arbor")

_CONSONANTS, _VOWELS = "bcdfghjklmnpqrstvwxyz", "aeiou"
_SYLLABLES = tuple(c + v for c in _CONSONANTS for v in _VOWELS)
# Prime, so it shares no factor with 105 = 3 * 5 * 7 or its powers.
_STEP = 1_000_003
_PLAIN = str.maketrans("ëéöøåúñ", "eeooaun")


def initial(name: str) -> str:
    """The first letter of a name, in plain a to z."""
    letter = name[:1].lower().translate(_PLAIN)
    return letter if "a" <= letter <= "z" else "x"


def uniqname(number: int, seed: int, first: str, last: str) -> str:
    """3 to 8 letters that belong to person `number` alone."""
    size = len(_SYLLABLES)
    if number < size:
        return initial(first) + _spell(shuffled(number, seed, size, _STEP), 1)
    if number < size**2:
        return initial(first) + initial(last) + _spell(shuffled(number, seed, size**2, _STEP), 2)
    if number < size**3:
        return initial(first) + initial(last) + _spell(shuffled(number, seed, size**3, _STEP), 3)
    # Also eight letters, but ends in a consonant, which no shorter range does.
    high, low = divmod(shuffled(number, seed, 21 * size**3, _STEP * 8), len(_CONSONANTS))
    return initial(first) + _spell(high, 3) + _CONSONANTS[low]


def changed_uniqname(uniqname: str, times: int) -> str:
    """What it is after so many changes: the syllables, which are the person's, stay."""
    first = (ord(uniqname[0]) - ord("a") + times) % 26
    return chr(ord("a") + first) + uniqname[1:]


def _spell(number: int, syllables: int) -> str:
    text = ""
    for _ in range(syllables):
        number, low = divmod(number, len(_SYLLABLES))
        text += _SYLLABLES[low]
    return text
