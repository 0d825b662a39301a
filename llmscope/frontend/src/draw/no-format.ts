/** In the place of d3-format, which d3-scale brings along to label ticks: the labels here are Intl's. */
const none = (): null => null;

export {
  none as format,
  none as formatPrefix,
  none as formatSpecifier,
  none as precisionFixed,
  none as precisionPrefix,
  none as precisionRound,
};
