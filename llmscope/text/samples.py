"""Short texts of four kinds that tokenizers are told apart by: the same thing said four times."""

SAMPLES = {
    "English": (
        "A model reads a text token by token. Each word is cut into pieces that the model knows, "
        "and the fewer pieces there are, the more of the text it can read at once."
    ),
    "中文": (
        "模型一个词元一个词元地读文本。每个词都被切成模型认识的片段，片段越少，它一次能读的文本就越多。"
    ),
    "code": (
        "def count(pieces: list[str]) -> int:\n"
        "    total = 0\n"
        "    for piece in pieces:\n"
        "        total += len(piece.encode('utf-8'))\n"
        "    return total\n"
    ),
    "emoji": "I 🤖 read 📚 every day 🌞, and at night 🌙 I dream 💤 of 👩‍💻 and 🏳️‍🌈!",
}
