import * as names from "./names";

export const lensSteps = {
  title: names.lensSteps,
  subject: "各层",
  about: "“{token}”之后最可能的词元",
  none: "没有保存此模型各层的预测。",
  embeddings: "嵌入",
  grid: "各步中每层之后最可能的词元。方向键在层和步之间移动，Enter 选定该步。",
  at: "{token} {share}，第 {layer} 层之后，第 {step} 步",
  atFirst: "{token} {share}，嵌入之后，第 {step} 步",
  legend: "不透明度：概率 · 保存的各步同宽",
  click: "点击选定该步",
} as const;
