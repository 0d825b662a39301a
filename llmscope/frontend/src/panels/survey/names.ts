import type { SurveyScore } from "../../protocol/shared";
import { overview } from "#words/overview";
import { survey as words } from "#words/survey";

/** What scores are called: those of one text as in the map of all heads. */
export const SCORE_WORDS: Record<SurveyScore, { title: string; text: string }> = {
  ...overview.scores,
  ...words.scores,
};

/** A score of any size, or its spread. */
export const scoreText = (value: number): string =>
  Number.isNaN(value)
    ? "–"
    : value >= 100
      ? value.toFixed(0)
      : value >= 10
        ? value.toFixed(1)
        : value > 0 && value < 0.0005
          ? "< 0.001"
          : value.toFixed(3);
