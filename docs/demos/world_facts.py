"""What is true in the small world of the demo `gaps`."""

from __future__ import annotations

from docs.demos.grammar import table

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
