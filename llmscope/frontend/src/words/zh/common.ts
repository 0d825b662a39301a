import { text } from "./names";

export const common = {
  resting: {
    one: "暂停更新：最后读到第 {count} 个词元",
    other: "暂停更新：最后读到第 {count} 个词元",
  },
  text,
  prompt: "提示词",

  step: "一步",
  undo: "撤销",
  play: "播放",
  pause: "暂停",
  copied: "已复制 ✓",
  notAllowed: "此处不允许",
  savePicture: "将图片保存为 {kind}",

  tokens: { one: "{count} 个词元", other: "{count} 个词元" },
  heads: { one: "{count} 个头", other: "{count} 个头" },
  bits: "{count} 比特",
  sentences: "",
  clauses: "，",
  names: "、",
  rankShare: "排名 {rank} · {share}",
  after: "在“{token}”之后",
} as const;
