/** What is switched off, scaled, patched or steered, and the text that is patched from. */
export const edits = {
  title: "What is changed of the model for this text",
  /** Parts of a model, by name. */
  parts: {
    head: "head {layer}·{head}",
    attention: "attention {layer}",
    mlp: "MLP {layer}",
    layer: "layer {layer}",
  },
  off: "{part} off",
  offBy: { mean: "{part} at its mean", uniform: "{part} uniform" },
  edge: "{part}: {query} ↛ {key}",
  scaled: "{part} × {factor}",
  patched: "{part} from “{text}”",
  patchedAt: "{part}, token {at}, from “{text}”",
  steered: "{part} + {scale} × a direction",
  steeredBetween: "{part} + {scale} × (“{to}” − “{from}”)",
  amount: "Amount of {edit}",
  amountTitle: "Drag it: all panels follow (arrow keys: a tenth, with Shift a hundredth)",
  on: "{edit}: undo this change",
  allOn: "all on",
  allOnTitle: "Take every change of the model back",
  sides: "What is shown of the text under these changes",
  sidesTitle: "The text with these changes, without them, or the one less the other (D, Shift D)",
  side: { edited: "edited", untouched: "untouched", difference: "difference" },
  switching: {
    act: "switch off",
    back: "switch on",
    title: "Switch this head off or on again, for this text (X). The model stays as it is.",
    mlp: "MLP {layer} off",
    mlpTitle: "Switch this layer's MLP off or on again, for this text (M)",
  },
  patching: {
    act: "patch",
    back: "its own",
    title: "Take what this head gives from the second text, or its own again (X)",
    mlp: "patch MLP {layer}",
    mlpTitle: "Take what this layer's MLP adds from the second text, or its own again (M)",
  },

  /** The text that parts are taken from. */
  second: "second text",
  secondName: "Second text, which parts of the model are taken from",
  secondPlaceholder: "Type a text of as many tokens.",
  secondOpen: "second text…",
  secondTitle: "A second text, of as many tokens: heads and layers are taken from it by X (Alt P)",
  from: "from “{text}”",

  /** Steering, as it is typed. */
  steerOpen: "steer…",
  steerOpenTitle: "Steer the layer in focus from one text to another (Alt S)",
  steerAt: "steer layer {layer}",
  steer: { from: "from", to: "to" },
  examples: { from: "Hate", to: "Love" },
  steerAdd: "add",
  steerTitle:
    "Add the stream of the second text, less that of the first, behind this layer (Enter)",

  take: "use",
  takeTitle: "Take parts of the model from this text (Enter)",
  without: "without",
  leave: "Leave it as it was (Esc)",
  counting: "counting…",
  even: "{tokens}, as here",
  uneven: "The second text has {there} tokens and this one {here}: patching takes as many.",

  layerTitle: "Hold X and click: switch the attention of layer {layer} off or on",
} as const;
