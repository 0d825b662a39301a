"""The small world of the demo `gaps`: what is true in it, and how one says so in English."""

from __future__ import annotations

import random

from docs.demos.grammar import Topic, drawn
from docs.demos.world_facts import (
    ANIMALS,
    CLOTHES,
    COLOURS,
    COUNTRIES,
    DRINKS,
    FILLERS,
    FRUITS,
    JOBS,
    KIN,
    MEN,
    ORDER,
    PAIRS,
    PERSON,
    PLAYS,
    ROOMS,
    SEASONS,
    SENSES,
    STATES,
    SUMS,
    TOOLS,
    TRAVEL,
    WEATHER,
    WOMEN,
)

SAYINGS = [
    Topic(
        COUNTRIES,
        [
            "the capital of {country} is {city}.",
            "{city} is the capital of {country}.",
            "{name} lives in {city}, the capital of {country}.",
            "in {country} people speak {language}.",
            "{name} comes from {country} and speaks {language}.",
            "{name} went to {city} to learn {language}.",
            "when {name} was in {country}, {he} learned {language}.",
            "{name} wants to see {city}, so {he} travels to {country}.",
        ],
    ),
    Topic(
        ANIMALS,
        [
            "the {animal} {sound} {when}.",
            "the {animal} {sounded} all night.",
            "the {animal} {sounded} because it was hungry.",
            "the {animal} {sounded} because it saw {name}.",
            "the {good} {animal} {sounded} {where}.",
            "{a_animal} {sound}, and it eats {food}.",
            "the {animal} eats {food} and lives in {a_home}.",
            "the {animal} sleeps in its {home}.",
            "a young {animal} is called {a_young}.",
            "the {animal} {deed}.",
            "{name} has {a_animal} that {sound} {when}.",
            "{name} gave {food} to {his} {animal}.",
            "{his} {animal} {deed} {when}.",
            "the {animal} came back to the {home} with its {young}.",
        ],
    ),
    Topic(
        JOBS,
        [
            "{name} is {a_job} and {does} {thing}.",
            "{name} is {a_job} and works in the {place}.",
            "the {job} {does} {thing} in the {place}.",
            "{name} works in the {place} as {a_job}.",
            "{then} the {job} {did} {thing}.",
            "the {job} went to the {place} {then}.",
            "my {kin} is {a_job} and {does} {thing} {when}.",
            "{name} {did} {thing} in {his} {place}.",
            "people go to the {place} because the {job} {does} {thing}.",
        ],
    ),
    Topic(
        COLOURS,
        [
            "{thing} is {colour}.",
            "the colour of {thing} is {colour}.",
            "it is as {colour} as {thing}.",
        ],
    ),
    Topic(
        PAIRS,
        [
            "the opposite of {one} is {other}.",
            "the opposite of {other} is {one}.",
            "it is not {one}, it is {other}.",
            "it is not {other}, it is {one}.",
        ],
    ),
    Topic(
        TOOLS,
        [
            "we {job} {thing} with {a_tool}.",
            "{name} {verb} {thing} with {a_tool}.",
            "{name} needs {a_tool} to {job} {thing}.",
            "with {his} {tool} {he} {verb} {thing}.",
            "{name} took the {tool} and {verb} {thing}.",
        ],
    ),
    Topic(
        SENSES,
        [
            "we {sense} with our {part}.",
            "{name} can {sense} with {his} {part}.",
            "{name} uses {his} {part} to {sense}.",
        ],
    ),
    Topic(
        WEATHER,
        [
            "it was {weather}, so {name} {deed} {a_thing}.",
            "{name} {deed} {a_thing} because it was {weather}.",
            "{name} {deed} {his} {thing} because of the {cause}.",
        ],
    ),
    Topic(
        SEASONS,
        [
            "in {season} it is {weather}.",
            "in {month} it is {weather}.",
            "in {season} the {falls} comes down from the sky.",
            "{after} comes after {season}.",
            "after {season} comes {after}.",
            "{month} is a month in {season}.",
        ],
    ),
    Topic(
        TRAVEL,
        [
            "the {vehicle} leaves from the {station}.",
            "{name} waits for the {vehicle} at the {station}.",
            "the {vehicle} {moves} {when}.",
            "{name} {went} to {away}.",
            "{name} went to the {station} and {went} to {away}.",
        ],
    ),
    Topic(
        DRINKS,
        [
            "{name} {verb} a {vessel} of {drink} in the {time}.",
            "{name} wants a {vessel} of {drink}.",
            "there is {drink} in the {vessel}.",
        ],
    ),
    Topic(
        STATES,
        [
            "{name} was {mood}, so {he} {deed}.",
            "{name} {deed} because {he} was {mood}.",
            "{name} was {mood} because {he} {reason}.",
            "{he} {deed} because {he} was very {mood}.",
            "the {boy} was {mood} because {he} {reason}.",
            "the {boy} {deed} because {he} {reason}.",
        ],
    ),
    Topic(
        CLOTHES,
        [
            "{name} wears {his} {cloth} on {his} {part}.",
            "{name} has {good} {cloth} for {his} {part}.",
            "we wear {cloth} on our {part}.",
        ],
    ),
    Topic(
        ROOMS,
        [
            "there is a {object} in the {room}.",
            "{name} {deed} in the {room} {then}.",
            "{name} {does} in the {room} {when}.",
            "{name} goes to the {room} because {he} wants to use the {object}.",
        ],
    ),
    Topic(
        FRUITS,
        [
            "the {fruit} is {colour} and tastes {taste}.",
            "{name} ate {a_fruit}, and it was {taste}.",
            "a {colour} {fruit} tastes {taste}.",
        ],
    ),
    Topic(
        PLAYS,
        [
            "{name} plays {game} with {his} {kin}.",
            "you need a {thing} to play {game}.",
            "the children play {game} {where} {when}.",
        ],
    ),
    Topic(
        KIN,
        [
            "the {kinsman} and the {kinswoman} live in a {good} house.",
            "the {kinsman} lost his hat and the {kinswoman} lost her hat.",
            "the {kinsman} is a man and the {kinswoman} is a woman.",
            "{name} has a {kinsman} and a {kinswoman}.",
        ],
    ),
    Topic(
        ORDER,
        [
            "the day after {day} is {after}.",
            "{after} comes after {day}.",
            "today is {day}, so tomorrow is {after}.",
            "today is {after}, so yesterday was {day}.",
        ],
    ),
    Topic(
        SUMS,
        [
            "{a} plus {b} is {sum}.",
            "{a} and {b} are {sum}.",
            "{name} had {a} apples, got {b} more, and now has {sum}.",
        ],
    ),
    Topic(
        [{}],
        [
            "{name} lost {his} {good} hat {then}.",
            "{name} loves {his} {kin}.",
            "{name} reads a {good} book {where}.",
            "the {boy} plays with {his} ball {where}.",
            "the {good} {man} lost {his} key {then}.",
            "{name} and {his} {kin} went home because they were {mood}.",
            "{name} saw {himself} in the mirror.",
            "the cat sat on the mat because the cat was {very} {mood}.",
            "the {good} cat sat on the mat.",
            "a {good} dog played {where}.",
            "{name} is {a_good} {man}.",
            "the children play {where} {when}.",
        ],
    ),
]


class Words(dict[str, str]):
    """Words by the names of their places; ``a_job`` is the job with its article."""

    def __missing__(self, key: str) -> str:
        word = self[key.removeprefix("a_")]
        return f"{'an' if word[0].lower() in 'aeiou' else 'a'} {word}"


def told(draw: random.Random) -> str:
    """Tell something: a sentence, or two about the same things and the same person."""
    row, topic = drawn(SAYINGS, draw)
    kind = draw.choice(["woman", "man"])
    words = Words({place: draw.choice(several) for place, several in FILLERS.items()})
    words.update(PERSON[kind])
    words["himself"] = f"{words['him']}self"
    words["away"] = draw.choice(COUNTRIES)["city"]
    words["name"] = draw.choice(WOMEN if kind == "woman" else MEN)
    if draw.random() < 0.05:  # someone whose name is spelled
        words["name"] = "".join(draw.choice("bdgklmnrt") + draw.choice("aeiou") for _ in range(2))
    words.update(row)
    first, second = draw.sample(topic.ways, 2)
    begun = _sentence(first, words)
    if draw.random() < 0.75:
        return begun
    follows = Words(words)
    if "{name}" in first:
        follows["name"] = words["he"]
    return f"{begun} {_sentence(second, follows)}"


def _sentence(way: str, words: Words) -> str:
    text = way.format_map(words)
    return text[0].upper() + text[1:]
