/** What is switched off, scaled, patched or steered. */
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
  patched: "{part} from another text",
  steered: "{part} + {scale} × a direction",
  on: "{edit}: undo this change",
  allOn: "all on",
  allOnTitle: "Take every change of the model back",
  sides: "What is shown of the text under these changes",
  sidesTitle: "The text with these changes, without them, or the one less the other (D, Shift D)",
  side: { edited: "edited", untouched: "untouched", difference: "difference" },
  switchOff: "switch off",
  switchOn: "switch on",
  switchTitle: "Switch this head off or on again, for this text (X). The model stays as it is.",
  layerTitle: "Hold X and click: switch the attention of layer {layer} off or on",
} as const;
