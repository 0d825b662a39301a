import * as names from "./names";

export const stream = {
  title: names.stream,
  subject: "下一个词元",
  about: "在“{token}”之后",
  none: "此模型在这里不预测下一个词元。",
  restOf: "词表的其余部分",
  plot: "各步的下一个词元画成带，越可能越宽。左右键在各步间移动，上下键在词元间移动，Enter 选定该步。",
  at: "{token} {share}，第 {step} 步",
  rank: { one: "最可能", other: "第 {count} 位" },
  entropy: "熵 {bits}",
  beyond: "第 {step} 步时，{token} 不在精确保存的词元之列",
  restAt: "第 {step} 步时其他所有词元 {share}",
  axis: "各步的间距",
  axes: { linear: "线性", log: "对数" },
  legend: "宽度：概率 · 更可能的在上",
  click: "点击选定该步",
} as const;
