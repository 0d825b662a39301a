/** Constants of both sides, read from `llmscope/shared.json`; their types are held equal by a test. */

import shared from "../../../shared.json";

export type Kind = "self" | "encoder" | "cross";
export type Mode = "matrix" | "arcs" | "steps";
export type Combine = "none" | "mean" | "max" | "difference" | "rollout";
/** From the pinned token to those it looks at, or to it from those that look at it. */
export type Direction = "from" | "to";
export type ColorScale = "sqrt" | "linear" | "log";
/** Of two sentences, from which to which. */
export type Segments = "all" | "aa" | "ab" | "ba" | "bb";
export type ScoreName = "previous" | "first" | "self" | "induction" | "local" | "entropy";
export type Stream = "block" | "attention" | "mlp";
export type Measure = "probability" | "entropy" | "rank" | "divergence";
/** Whose effects on a token are shown. */
export type Parts = "heads" | "mlps" | "tokens";
/** How effects are found: what a part writes directly, by switching it off, by leaving a token out. */
export type Way = "direct" | "ablate" | "occlusion";
/** What a text is shaded by. */
export type TextShade = "attention" | "effect";
/** What a generated text is shaded by. */
export type Shade = "probability" | "surprisal" | "rank";
/** Of a text under edits, what is shown: under them, without, or the first less the second. */
export type TraceSide = "edited" | "untouched" | "difference";
/** What heads are scored by over many texts: what they are of one, and more. */
export type SurveyScore =
  ScoreName | "distance" | "distance_spread" | "entropy_bits" | "punctuation" | "activity";
/** Which texts of a head are listed. */
export type Examples = "strongest" | "deciles";
/** Of two that are compared, what is shown: one of them, or the first less the second. */
export type OfTwo = "a" | "b" | "difference";
/** Stacks of blocks: that of an encoder which a decoder reads, and any other. */
export type TowerName = "self" | "encoder";
export type Order = "transformers" | "llama.cpp" | "vllm";

const { attention, comparison, effects, lens, keys, keeping, generation, model, sampling, survey } =
  shared;

export const KINDS = attention.kinds as Kind[];
export const MODES = attention.modes as Mode[];
export const COMBINE = attention.combine as Combine[];
export const DIRECTIONS = attention.directions as Direction[];
export const COLOR_SCALES = attention.color_scales as ColorScale[];
export const SEGMENTS = attention.segments as Segments[];
/** In the order of the arrays that hold them. */
export const SCORES = attention.scores as ScoreName[];
/** By whose effects they are. */
export const WAYS = effects.ways as Record<Parts, Way[]>;
export const TEXT_SHADES = effects.shades as TextShade[];
export const STREAMS = lens.streams as Stream[];
export const MEASURES = lens.measures as Measure[];
export const SHADES = generation.shades as Shade[];
export const SIDES = comparison.sides as TraceSide[];
export const SURVEY_SCORES = survey.scores as SurveyScore[];
export const EXAMPLES = survey.examples as Examples[];
/** Texts of a survey that are requested at once. */
export const TEXTS_BLOCK = survey.block;
export const OF_TWO = comparison.of_two as OfTwo[];
/** Pairs of tokens that are aligned by hand, at most. */
export const MOST_ANCHORS = comparison.most_anchors;
export const TOWERS = model.towers as TowerName[];
export const ORDERS = sampling.orders as Order[];

/** Heads that can be chosen: as many as there are colours. */
export const MOST_HEADS = attention.most_heads;
/** Cells a side of a tile. */
export const TILE = attention.tile;
/** Cells a side of a thumbnail, at most. */
export const THUMBNAIL = attention.thumbnail;
/** Weights of 10^-DECADES and less are blank on the logarithmic scale. */
export const DECADES = attention.decades;
/** Positions of one request for the lens. */
export const BLOCK = lens.block;
/** Characters of a key. */
export const LONGEST_KEY = keys.longest;
/** Texts that are watched while a model is trained, at most. */
export const MOST_PROBES = keys.most_probes;
/** The last step of a training that a view shows. */
export const MOST_STEP = keys.most_step;
/** Characters of a model's name, and of a text to find. */
export const LONGEST_NAME = keys.longest_name;
/** Ids in one key. */
export const MOST_IDS = keys.most_ids;

/** The mime type of what only we can show of an output that is saved. */
export const KEPT_TYPE = keeping.type;

const { neutral } = sampling;
/** Sampling settings that change nothing. */
export const NEUTRAL = {
  temperature: neutral.temperature,
  topK: neutral.top_k,
  topP: neutral.top_p,
  minP: neutral.min_p,
  typicalP: neutral.typical_p,
};

export const COLORS = shared.colors;

/**
 * Of chosen heads, beside their colours: each is drawn in a line of its own, for those who see few
 * colours and for grey paper. Lengths that are drawn and left out.
 */
export const DASHES: readonly (readonly number[])[] = attention.dashes;
