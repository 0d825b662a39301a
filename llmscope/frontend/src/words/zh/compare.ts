export const compare = {
  title: "两段文本",
  shown: "显示两者中的哪一个",
  sidesTitle: "A、B，或 A 减 B（D：差值与返回，Shift D：B 与返回）",
  sides: { a: "A", b: "B", difference: "差值" },
  named: "{side}：{model}",
  texts: { a: "文本 A", b: "文本 B" },
  empty: "请在两处都输入文本。",
  stave: "两段文本，两行一组。左右键固定词元，上下键选择 A 或 B，L 拿起一个词元以便手动对齐。",
  anchors: "手动对齐的词元",
  anchor: "“{a}” ↔ “{b}”",
  release: "解除“{a}”与“{b}”的对齐",
  holding: "在另一行的词元上按 L 即对齐两者",

  legend:
    "蓝色：在 A 中更令人意外；橙色：在 B 中更令人意外。虚线：一侧在此处是另一个词元，或没有词元。",
  legendPlain: "虚线：一侧在此处是另一个词元，或没有词元。",
  half: "{side} “{token}” {bits}",
  nothing: "{side} 没有",
  unknown: "已知",
  change: "A 减 B {change} 比特",

  unlike: "两个模型的层数或头数不同，形状不同的模型的头无法对应：请分别查看 A 或 B。",

  attention: {
    less: "A 减 B",
    difference: "A 减 B，只含两者共有的词元。蓝色：A 中权重更大；橙色：更小。",
    edited: {
      arcs: "弧线属于 A；差值请看“矩阵”。",
      steps: "步骤属于 A；差值请看“矩阵”。",
    },
  },
  lens: {
    about: "A 与 B 在此层相差多远",
    edited: "A",
    untouched: "B",
    divergence: "散度",
    parting: "最可能的词元分开于",
    never: "没有一层",
    shade: "底色：A 与 B 的 Jensen-Shannon 散度，√ 刻度。单元格写出 A 的词元，B 与之不同时为粗体",
  },
  chain: {
    about: "A 减 B",
    rows: { surprisal: "惊异度，± 比特", edited: "A，%", untouched: "B，%" },
    factor: "p(“{token}”)：A {edited}，B {untouched} · 惊异度 {bits}",
    total: "两者共有的部分：{bits}；困惑度 A {edited}，B {untouched}。",
    legend: "蓝色：在 A 中更令人意外；橙色：更不意外。",
  },
  alone: {
    a: "只有 A 有“{token}”：p = {share}",
    b: "只有 B 有“{token}”：p = {share}",
  },
  heads: {
    title: "各头相差多远",
    here: "A 与 B 的距离",
    explained:
      "A 与 B 权重的 Jensen-Shannon 距离，取两者共有查询的平均：0 表示相同，1 表示关注的内容毫无共同之处。",
    scale: "0 到 {most}",
    reading: "正在比较各头…",
  },

  next: {
    beside: {
      a: {
        name: "A",
        share: "A：{share}",
        value: "{share}；在 A 中为 {before}。点击查看计算。",
        changed: "在 B 中 {share}，在 A 中 {before}。点击查看计算。",
      },
      b: {
        name: "B",
        share: "B：{share}",
        value: "{share}；在 B 中为 {before}。点击查看计算。",
        changed: "在 A 中 {share}，在 B 中 {before}。点击查看计算。",
      },
    },
    value: "在 A 中 {a}，在 B 中 {b}：{change}",
    gained: "在 A 中更可能：{tokens}",
    lost: "在 B 中更可能：{tokens}",
    none: "无",
    kl: "KL A‖B {ab} · B‖A {ba}",
    klTitle: "Kullback-Leibler 散度：实际为 A 而按 B 来预期时，每个词元损失的比特数；以及反过来",
    infinite: "∞（被截去）",
    readingTexts: "正在比较文本…",
    rest: "其余全部",
    restTitle: "两者都没有写出的部分；两者对它的划分可能不同",
    movedTexts: "移动了 {least} 到 {most}",
    unlike: "两个模型的词元不同。比较的是同样的文字，各自用自己的词元拼写，取采样之前的概率。",
  },
} as const;
