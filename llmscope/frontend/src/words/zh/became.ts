import * as names from "./names";

export const became = {
  title: names.became,
  subject: "变化",
  none: "此模型没有可显示的注意力。",
  grid: "各层的头，按它们变成了什么着色。第 {layer} 层，头 {head}。方向键移动，空格键固定。",
  explained:
    "颜色和字母：最后一步时占该头权重最多的习惯（若没有一种达到四分之一：分散）。深浅：焦点步上的该项得分。",
  letters: {
    previous: "p",
    first: "f",
    self: "s",
    induction: "r",
    local: "n",
    entropy: "o",
  },
  became: "变成了：{habit}",
  unknown: "没有得分",
  end: "结束",
  heads: "头数",
} as const;
