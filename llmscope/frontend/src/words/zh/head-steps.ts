import * as names from "./names";

export const headSteps = {
  title: names.headSteps,
  subject: "单个头",
  head: "第 {layer} 层 · 头 {head}",
  none: "没有保存这个头的注意力。",
  plot: "第 {layer} 层头 {head} 在各步的注意力。左右键在各步间移动，上下键在有图的步之间移动。",
  reading: "第 {step} 步：{score} {value}",
  unknown: "第 {step} 步：没有得分",
  shown: {
    one: "图片：{all} 个保存的步中的 {count} 个",
    other: "图片：{all} 个保存的步中的 {count} 个",
  },
  line: "线：{score}，即该头最终的习惯；浅色：其他得分",
} as const;
