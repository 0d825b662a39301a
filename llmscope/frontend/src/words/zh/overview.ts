import { allHeads } from "./names";

export const overview = {
  title: allHeads,
  subject: "各头",
  keep: "点击选定",
  preview: "预览 {head}：点击选定",
  none: "此模型没有可显示的注意力。",
  grid: "各层的头。第 {layer} 层，头 {head}。方向键移动，空格键固定。",
  reading: "已读取 {all} 层中的 {read} 层…",
  sampled: "由 {count} 个均匀分布的查询词元画成。",

  mark: "按所关注的内容突出显示头",
  markNone: "突出显示…",
  sort: "排序",
  sorted: "最强的在前",
  explained: "{title}：{text}。",
  scores: {
    previous: { title: "前一个词元", text: "对紧邻的前一个词元的平均权重" },
    first: { title: "首个词元", text: "对首个词元（通常的注意力汇）的平均权重" },
    self: { title: "自身", text: "对词元自身的平均权重" },
    induction: {
      title: "重复（归纳）",
      text: "对同一词元上次出现时其后内容的平均权重",
    },
    local: { title: "附近", text: "对之前五个词元的平均权重" },
    entropy: { title: "分散", text: "权重的熵占最大值的比例" },
  },
} as const;
