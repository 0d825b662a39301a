import * as names from "./names";

/** The keys of the keyboard: what each act of each scope of `ui/keys.ts` does. */
export const keys = {
  title: "Keys",
  buttonTitle: "Keys: ?",
  close: "Close",

  /** As keys are printed. */
  caps: {
    ArrowUp: "↑",
    ArrowDown: "↓",
    ArrowLeft: "←",
    ArrowRight: "→",
    /** All four of them. */
    Arrow: "arrows",
    Escape: "Esc",
    Enter: "Enter",
    Space: "Space",
    Backspace: "Backspace",
    Delete: "Delete",
    Home: "Home",
    End: "End",
    Mod: "Ctrl",
    Alt: "Alt",
    Shift: "Shift",
  },

  scopes: {
    page: {
      title: "Everywhere",
      acts: {
        help: "Show the keys",
        release: "Release what was clicked, step by step",
        undo: "Undo a change of settings, of pinned heads or of what is off",
        side: "Show what is changed of the model, or of two texts A less B, as a difference, or not (with Shift: the untouched text, or B)",
        preset: "Sampling: greedy, 0.7, 1.5, nucleus",
        reset: "Reset sampling",
      },
    },
    stage: {
      title: "In lecture mode",
      acts: {
        go: "Show a panel",
        tools: "Show or hide the controls",
        full: "Full screen",
        begin: "Use the arrow keys of the panel that is shown",
      },
    },
    lesson: {
      title: "In a lesson",
      acts: {
        next: "Reveal what is held back, and then the next slide",
        previous: "Slide before",
        right: "The same as Page Down",
        space: "The same",
        left: "The same as Page Up",
        first: "Begin anew, with all answers held back",
        last: "Last slide",
        digit: "A number and Enter: that slide",
        jump: "Go there",
        dark: "Nothing is shown, or the slide again",
        light: "One panel alone is lit",
        back: "Back to the slide, from wherever you went",
        guess: "To what is guessed: the field, or the slider",
        tools: "Show or hide the controls",
        full: "Full screen",
        release: "Lift what was pressed last: black, the spotlight, a number",
      },
    },
    text: {
      title: names.text,
      acts: {
        accept: "At the end: accept the suggestion",
        walk: "Focus the token before or after",
        mask: "Mask the token in focus, in a masked model",
        steer: "Steer the layer in focus from one text to another",
        second: "Type a second text, to take parts of the model from",
        undo: "Undo what was typed, accepted or masked",
      },
    },
    texts: {
      title: "Two texts",
      acts: {
        walk: "Pin the token before or after",
        line: "Choose text A or B",
        hold: "Take a token to align it by hand; again on the other line: align the two",
        drop: "Let it go",
      },
    },
    line: {
      title: "A line of two texts",
      acts: { undo: "Undo what was typed" },
    },
    second: {
      title: "Second text",
      acts: { take: "Take parts from it", leave: "Leave it as it was" },
    },
    guess: { title: "Field of guesses", acts: { add: "Add it; without one, reveal" } },
    steer: {
      title: "Steering",
      acts: { add: "Steer the layer in focus", leave: "Leave it as it was" },
    },
    amount: {
      title: "Slider of a change",
      acts: { move: "A tenth more or less", fine: "A hundredth" },
    },
    chain: {
      title: names.chainRule,
      acts: { move: "Focus the token before or after" },
    },
    heads: {
      title: names.allHeads,
      acts: {
        move: "Walk through layers and heads",
        pin: "Pin the head, or unpin it",
        off: "Switch the head off, or on, or take it from the second text (with Shift: its layer's attention)",
        mlp: "The same with the MLP of its layer",
      },
    },
    chip: {
      title: "Pinned head",
      acts: { alone: "Show it alone", remove: "Unpin it" },
    },
    matrix: {
      title: names.matrix,
      acts: {
        move: "Read another weight",
        pan: "Pan",
        pin: "Pin the weight",
        closer: "Zoom in",
        farther: "Zoom out",
        all: "Show all",
      },
    },
    arcs: {
      title: names.arcs,
      acts: {
        move: "Pin another token; change the side",
        leap: "Ten tokens up or down",
        first: "The first token",
        last: "The last token",
      },
    },
    steps: {
      title: names.steps,
      acts: {
        move: "Walk the steps; choose a key",
        first: "The first step",
        last: "The last step",
        play: "Play, or pause",
      },
    },
    lens: {
      title: names.lens,
      acts: { move: "Move the focus" },
    },
    model: {
      title: names.model,
      acts: {
        move: "Open the block before or after; focus the token before or after",
        head: "Choose a head of the block",
        close: "Close the box that is open",
      },
    },
    patching: {
      title: names.patching,
      acts: { move: "Walk through layers and tokens", take: "Patch this cell, or no longer" },
    },
    survey: {
      title: names.survey,
      acts: {
        move: "Go to the next head in this direction",
        frame: "Draw a frame: the heads within are chosen",
        pin: "Choose this head, or no longer",
      },
    },
    training: {
      title: names.training,
      acts: { hold: "Hold the step on screen beside others, or no more" },
    },
    trainingSteps: {
      title: "Slider of steps",
      acts: {
        move: "The kept step before or after",
        leap: "Ten steps before or after",
        first: "The first step",
        last: "The last step",
        play: "Play, or pause",
      },
    },
    tokenizers: {
      title: names.tokenizers,
      acts: { move: "Look at another piece; at another tokenizer" },
    },
    evaluation: {
      title: names.evaluation,
      acts: { move: "Walk through the numbers" },
    },
    evaluated: {
      title: "Texts behind a number",
      acts: { move: "Open the text before or after" },
    },
    stream: {
      title: names.stream,
      acts: {
        move: "Read another step; another token",
        first: "Read the first step",
        last: "Read the last step",
        take: "Show this step",
      },
    },
    became: {
      title: names.became,
      acts: { move: "Walk through layers and heads", pin: "Pin the head, or unpin it" },
    },
    headSteps: {
      title: names.headSteps,
      acts: {
        move: "Show the step before or after; the picture before or after",
        first: "Show the first step",
        last: "Show the last step",
      },
    },
    lensSteps: {
      title: names.lensSteps,
      acts: {
        move: "Read another layer; another step",
        first: "Read the first step",
        last: "Read the last step",
        take: "Show this step",
      },
    },
    slider: {
      title: "Slider",
      acts: { move: "One step", fine: "A fine step" },
    },
    rows: {
      title: "List of tokens",
      acts: { move: "Go to another row, or from a token to its percentage" },
    },
    search: {
      title: "Find a token",
      acts: { pin: "Pin the first one found", empty: "Empty it" },
    },
    written: {
      title: "Generated text",
      acts: {
        play: "Play, or pause",
        step: "Generate one token",
        before: "Look at the token before",
        after: "Look at the token after; at the end, generate one",
        undo: "Undo the last step",
        release: "Release the token",
      },
    },
  },
} as const;
