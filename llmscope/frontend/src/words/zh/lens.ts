import * as names from "./names";

export const lens = {
  subject: names.lens,
  title: "Logit 透镜",
  about: "假如模型在此层停下，它的预测",
  folded: "每行 {count} 层；↑ ↓ 逐层移动",
  fold: "第 {first} 到 {last} 层：点击看下一层",
  empty: "输入一些文字即可查看透镜。",
  reading: "正在读取各层…",
  table: "各层与各词元。方向键移动焦点。",
  part: "{count} 个词元中的第 {first} 到 {last} 个。",
  layer: "层",
  embeddings: "嵌入",

  measure: "单元格按什么着色",
  measures: { probability: "概率", entropy: "熵", rank: "排名", divergence: "KL" },
  shades: {
    probability: "底色：所显示词元的概率",
    entropy: "底色：熵，所有词元等可能时最深",
    rank: "底色：文中下一个词元的排名，排第一时最深；对数刻度",
    divergence: "底色：与最终预测的 KL 散度，单位为比特",
  },
  stream: "读取一层的哪一部分",
  streams: { block: "整层", attention: "注意力部分", mlp: "MLP 部分" },

  at: "在“{token}”处",
  cell: {
    embeddings: "嵌入",
    block: "第 {layer} 层",
    attention: "第 {layer} 层的注意力",
    mlp: "第 {layer} 层的 MLP",
  },
  facts: {
    next: "文中的下一个词元",
    rank: "排名",
    probability: "概率",
    entropy: "熵",
    divergence: "与最终预测的 KL",
  },
  difference: {
    about: "改动使此层的预测偏移多远",
    edited: "改动后",
    untouched: "原样",
    divergence: "散度",
    parting: "最可能的词元分开于",
    never: "没有一层",
    shade:
      "底色：改动后与原样的 Jensen-Shannon 散度，√ 刻度。单元格写出改动后的词元，原样与之不同时为粗体",
  },
  masked: "被掩码遮住",
  none: "无（末尾）",
} as const;
