export const address = {
  value: "地址中 {name} 的值不可用：它应为{takes}。",
  takes: {
    whole: "不小于 {least} 的整数",
    between: "{least} 到 {most} 之间的整数",
    number: "不小于 {least} 的数",
    share: "{least} 到 {most} 之间的数",
    among: "{names} 之一",
    flag: "true 或 false",
    heads: "模型的至多 {most} 个头，如 24.4,5.2",
    ids: "一个或两个词元的编号",
    held: "本页所含的内容",
  },
  position: "地址中的 position 超出了文本，文本的词元为 0 到 {last}。",
  unknown: {
    one: "地址中有 {count} 个名称，这里没有视图认识。",
    other: "地址中有 {count} 个名称，这里没有视图认识。",
  },
} as const;
