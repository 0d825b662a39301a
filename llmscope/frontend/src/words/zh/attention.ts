import { arcs, matrix, steps } from "./names";

export const attention = {
  label: "注意力",
  mode: "注意力的显示方式",
  modes: { matrix, arcs, steps },
  empty: "输入一些文字即可查看注意力。",

  title: {
    head: "第 {layer} 层 · 头 {head}",
    group: "KV 组 {group}",
    sides: { encoder: "编码器", cross: "解码器 → 编码器" },
    arcs: "每个头各用一种颜色",
    rollout: "从第 0 层到第 {layer} 层",
    combined: { one: "共 {count} 个头", other: "共 {count} 个头" },
    difference: "两个头之差",
    edits: "差值",
  },

  kind: "哪一种注意力",
  kinds: { self: "解码器", encoder: "编码器", cross: "交叉" },
  pin: "固定头 {head}",
  pinTitle: "也可以按住 Shift 点击小图",
  pinLayer: "固定第 {layer} 层的所有头",
  unpin: "取消固定头 {head}",
  unpinAll: "全部取消固定",
  showAll: "全部显示",
  chipTitle: "单击：显示或隐藏。双击或按 i：只显示它。Delete：取消固定。",
  combine: "固定的头如何合并",
  combined: {
    none: "单个头",
    mean: "平均",
    max: "最大值",
    difference: "差值（A − B）",
    rollout: "展开（rollout）",
  },
  rolloutLacking: "展开（需要模型）",
  pinOneFirst: "请先固定一个头",
  pinTwoFirst: "请先固定两个头",
  combineThem: "合并它们：",

  threshold: "阈值：小于它的权重不画出",
  thresholdTitle: "拖动以隐藏较小的权重；双击显示全部",
  scale: "颜色刻度",
  scales: { sqrt: "√ 刻度", linear: "线性", log: "对数" },
  hideFirst: "隐藏首个词元",
  hideFirstTitle: "略去首个词元（没有可关注对象的头会停在它上面），并将其余权重重新归一化",
  segment: "哪些句子",
  segments: { all: "全部", aa: "A→A", ab: "A→B", ba: "B→A", bb: "B→B" },
  pool: "一个像素代表什么",
  pools: { max: "最大值", mean: "平均" },

  notes: {
    firstInArcs: "从焦点词元出发的弧线较深，指向首个词元的弧线比其权重所示更浅。",
    firstInSteps: "“矩阵”和“弧线”中隐藏了首个词元；“步骤”仍包含它。",
    withoutFirst: "已略去首个词元；每行其余权重已重新归一化。",
    rollout: "大部分流向首个词元：将其隐藏即可看到其余部分。",
    pooled: {
      max: "已缩小：每个像素是 {side} × {side} 个权重的最大值。",
      mean: "已缩小：每个像素是 {side} × {side} 个权重的平均值。",
    },
    difference: "改动后减原样。蓝色：改动后权重更大；橙色：更小。",
    edited: {
      arcs: "弧线属于改动后的文本；差值请看“矩阵”。",
      steps: "步骤属于改动后的文本；差值请看“矩阵”。",
    },
    exact: "悬停时显示的数值是精确的。",
  },

  matrix: {
    label:
      "注意力矩阵。方向键在查询和键之间移动，Enter 固定，加号和减号缩放，Shift 加方向键平移，0 显示全部。",
    showAll: "显示全部",
    withoutFirst: "已略去首个词元并重新归一化",
    difference: "改动后减原样",
    entropy: "熵 {bits}",
    first: "到首个词元 {weight}",
    pinned: "已固定",
  },

  arcs: {
    label:
      "注意力画成从左侧的查询到右侧的键的连线。上下键固定词元，左右键换到另一侧，Esc 显示全部。",
    empty: "查询在左，键在右。",
    point: "指向一个词元，或点击将其固定。",
    most: { from: "{token} 最关注", to: "最关注 {token} 的是" },
    beyond: "最强的一条不在视野内：滚动到那里",
    nothing: "这里没有",
    pinned: "已固定 · 按 Esc 释放",
  },
} as const;
