"""The small world of the demo `gaps`: what is true in it, and how one says so in English."""

from __future__ import annotations

import random

from docs.demos.grammar import Topic, drawn, table

WOMEN = "Anna Mary Emma Lucy Rosa Alice Julia Sara Nina Kate".split()
MEN = "Tom Paul John Peter Hugo Adam Leo David Mark Ben".split()
PERSON = {
    "woman": {"he": "she", "his": "her", "him": "her", "man": "woman", "boy": "girl"},
    "man": {"he": "he", "his": "his", "him": "him", "man": "man", "boy": "boy"},
}
FILLERS = {
    "when": ["every day", "in the morning", "in the evening", "on Sunday", "today", "at night"],
    "then": ["yesterday", "last week", "in the morning", "this morning", "on Monday", "last night"],
    "very": ["very", "really", "quite", "always", "often"],
    "kin": ["mother", "father", "sister", "brother", "friend", "grandmother", "grandfather"],
    "where": ["in the garden", "at home", "in the park", "by the river", "behind the house"],
    "good": ["good", "nice", "small", "old", "new", "big", "young"],
    "mood": ["happy", "tired", "hungry", "sad", "angry", "thirsty"],
}


COUNTRIES = table(
    "country city language",
    """
    France Paris French
    Italy Rome Italian
    Germany Berlin German
    Spain Madrid Spanish
    China Beijing Chinese
    Japan Tokyo Japanese
    England London English
    Russia Moscow Russian
    Greece Athens Greek
    """,
)
ANIMALS = table(
    "animal sound sounded food home young deed",
    """
    dog barks barked bones kennel puppy guards_the_house
    cat meows meowed fish basket kitten catches_mice
    cow moos mooed grass barn calf gives_milk
    bird sings sang seeds nest chick builds_a_nest
    lion roars roared meat cave cub hunts_at_night
    duck quacks quacked bread pond duckling swims_in_the_pond
    bee buzzes buzzed nectar hive larva makes_honey
    horse neighs neighed hay stable foal pulls_the_cart
    frog croaks croaked flies pond tadpole jumps_into_the_pond
    """,
)
JOBS = table(
    "job does did thing place",
    """
    baker bakes baked bread bakery
    fisher catches caught fish harbour
    teacher teaches taught children school
    doctor helps helped patients hospital
    farmer grows grew corn farm
    painter paints painted pictures studio
    tailor makes made coats shop
    gardener waters watered flowers garden
    cook cooks cooked soup kitchen
    writer writes wrote books library
    pilot flies flew planes airport
    """,
)
COLOURS = table(
    "thing colour",
    """
    grass green
    snow white
    coal black
    blood red
    milk white
    gold yellow
    """,
)
PAIRS = table(
    "one other",
    """
    hot cold
    big small
    old young
    day night
    up down
    good bad
    black white
    fast slow
    early late
    happy sad
    full empty
    """,
)
TOOLS = table(
    "tool job thing verb",
    """
    knife cut bread cut
    pen write letters wrote
    brush paint pictures painted
    key open doors opened
    spoon eat soup ate
    spade dig holes dug
    needle sew clothes sewed
    camera take photos took
    """,
)
SENSES = table(
    "part sense",
    """
    eyes see
    ears hear
    nose smell
    hands touch
    legs walk
    teeth bite
    """,
)
WEATHER = table(
    "weather cause thing deed season",
    """
    cold snow coat put_on autumn
    rainy rain umbrella took autumn
    hot sun hat put_on summer
    dark night lamp turned_on winter
    """,
)
SEASONS = table(
    "season weather falls month after",
    """
    winter cold snow January spring
    summer hot rain July autumn
    spring warm rain April summer
    autumn windy fog October winter
    """,
)
TRAVEL = table(
    "vehicle station way moves went",
    """
    train station rails runs took_the_train
    plane airport sky flies took_the_plane
    ship harbour sea sails took_the_ship
    bus stop road drives took_the_bus
    """,
)
DRINKS = table(
    "drink vessel time verb",
    """
    tea cup afternoon drinks
    coffee cup morning drinks
    milk glass morning drinks
    water bottle summer drinks
    wine glass evening drinks
    """,
)
STATES = table(
    "mood deed reason",
    """
    hungry ate_some_bread had_eaten_nothing
    thirsty drank_some_water had_drunk_nothing
    tired went_to_bed had_worked_all_day
    ill went_to_the_doctor had_a_fever
    happy smiled had_won_the_game
    sad cried had_lost_the_game
    angry shouted had_lost_the_key
    late ran_to_the_station had_missed_the_bus
    """,
)
CLOTHES = table(
    "cloth part",
    """
    shoes feet
    gloves hands
    glasses eyes
    boots feet
    rings fingers
    shirts arms
    """,
)
ROOMS = table(
    "room object deed does",
    """
    kitchen pot cooked cooks
    bedroom bed slept sleeps
    bathroom soap washed washes
    office computer worked works
    classroom board learned learns
    theatre piano sang sings
    """,
)
FRUITS = table(
    "fruit colour taste",
    """
    lemon yellow sour
    banana yellow sweet
    cherry red sweet
    plum blue sweet
    pepper red hot
    """,
)
PLAYS = table(
    "game thing",
    """
    football ball
    cards table
    music guitar
    chess board
    """,
)
KIN = table(
    "kinsman kinswoman",
    """
    king queen
    father mother
    brother sister
    husband wife
    uncle aunt
    son daughter
    grandfather grandmother
    """,
)
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
NUMBERS = "zero one two three four five six seven eight nine ten".split()
ORDER = [{"day": a, "after": b} for a, b in zip(DAYS, DAYS[1:] + DAYS[:1], strict=True)]
SUMS = [
    {"a": NUMBERS[a], "b": NUMBERS[b], "sum": NUMBERS[a + b]}
    for a in range(1, 6)
    for b in range(1, 6)
]

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
