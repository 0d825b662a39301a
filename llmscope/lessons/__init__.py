"""Lessons: sequences of states of a view, with captions, given by keys."""

from llmscope.lessons.lesson import Lesson, lesson
from llmscope.lessons.slides import Slide

__all__ = ["Lesson", "Slide", "lesson"]
