import { useSignal } from "@preact/signals";
import { probOf } from "../../sampling/sampling";
import type { LessonStore } from "../../store/lesson";
import type { NextToken } from "../../store/state";
import type { Store } from "../../store/store";
import { count, rounded, setting } from "../../ui/format";
import { onKeys } from "../../ui/keys";
import { Label, plain } from "../../ui/label";
import { lesson as words } from "#words/lesson";
import { nextToken } from "#words/next-token";
import { fill } from "../../words/fill";

interface GuessProps {
  store: Store;
  lesson: LessonStore;
}

/** What the class says, before it is shown. */
export function Guess({ store, lesson }: GuessProps) {
  const { guess, ask } = lesson.slide.value;
  if (guess === "next-token") return <GuessToken store={store} lesson={lesson} />;
  const trait = guess as "temperature";
  const names = nextToken.settings;
  const name = names[trait.replace("_", "-") as keyof typeof names] ?? trait;
  const truth = store.state.lesson.value!.slides[lesson.at.value]!.set[guess] as number;
  // What is asked says what to do.
  if (lesson.isHeld.value && ask.length > 0) return null;
  return (
    <p class="lesson-guess" role="status">
      {lesson.isHeld.value ? (
        words.guessSlider
      ) : (
        <>
          {name}
          <b>{fill(words.guessed, { value: setting(lesson.guessed.value ?? truth) })}</b>
          <b>{fill(words.truth, { value: setting(truth) })}</b>
        </>
      )}
    </p>
  );
}

function GuessToken({ store, lesson }: GuessProps) {
  const typed = useSignal("");
  const isHeld = lesson.isHeld.value;
  const add = () => {
    const guess = typed.value.trim();
    if (guess && !lesson.guesses.value.includes(guess))
      lesson.guesses.value = [...lesson.guesses.value, guess];
    typed.value = "";
  };
  // A form would be sent by Enter, but not in JupyterLab.
  const keys = onKeys("guess", {
    add: ({ event }) => {
      event.stopPropagation();
      if (typed.value.trim()) add();
      else lesson.reveal();
    },
  });
  return (
    <div class="lesson-guess">
      {isHeld && (
        <input
          class="text-input"
          value={typed.value}
          aria-label={words.guessToken}
          placeholder={words.guessPlace}
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => (typed.value = event.currentTarget.value)}
          onKeyDown={keys}
        />
      )}
      <ul class="list" aria-label={words.guess}>
        {lesson.guesses.value.map((guess) => (
          <li key={guess}>
            <b>{guess}</b> {!isHeld && <Truth store={store} guess={guess} />}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** How likely a guess is, of the tokens that are named: those, or how they begin. */
export function rankOf(next: NextToken, guess: string): { rank: number; isWhole: boolean } | null {
  // A page has labels alone.
  const texts = next.labels
    .slice(0, next.known)
    .map((label, place) => (next.texts[place] ?? plain(label)).trim());
  const isAll = next.known >= next.sorted.order.length;
  const whole = [guess, guess.toLowerCase()].map((word, folded) =>
    texts.findIndex((text) => text !== "" && (folded ? text.toLowerCase() : text) === word),
  );
  const rank = whole.find((found) => found >= 0);
  if (rank !== undefined) return { rank, isWhole: true };
  // Of what a page doesn't have, a longer beginning may be likelier than the one that it has.
  if (!isAll) return null;
  let [best, length] = [-1, 0];
  texts.forEach((text, place) => {
    if (text.length > length && guess.startsWith(text)) [best, length] = [place, text.length];
  });
  return best < 0 ? null : { rank: best, isWhole: false };
}

function Truth({ store, guess }: { store: Store; guess: string }) {
  const next = store.next.value;
  const outcome = store.outcome.value;
  if (!next || !outcome) return null;
  const found = rankOf(next, guess);
  if (!found) {
    const isAll = next.known >= next.sorted.order.length;
    return <span>{fill(isAll ? words.unranked : words.notKept, { rank: count(next.known) })}</span>;
  }
  const share = rounded(probOf(outcome, found.rank));
  return (
    <span class="figures">
      {!found.isWhole && (
        <Label text={fill(words.begins, { token: plain(next.labels[found.rank]!) })} />
      )}{" "}
      {fill(words.ranked, { rank: count(found.rank + 1), share })}
    </span>
  );
}
