export const problems = {
  cantShow: "此页面无法在这里显示：{error}",
  gone: "内核已断开。",
  needsKernel: "这需要内核，而内核已断开。",
  reading: "正在读取文本…",
  stillReading: "仍在读取：可能有单元格正在运行，内核正忙。",
  lost: "应答的一部分在途中丢失了。",
  unreadable: "收到一个 {type} 类型的数组，视图无法读取。",

  isPage: "这已经是网页了。",
  takesModel: {
    search: "查找词元需要模型。",
    text: "读取其他文本需要模型。",
    edits: "关闭模型的部分需要模型。",
    rollout: "展开到此层需要模型。",
    writing: "生成需要模型。",
  },
  notOfTwo: "两段文本的差值显示在注意力、链式法则和透镜中。",
  notHeld: "此页面不含模型的这一部分。",

  steps: {
    none: "没有保存第 {step} 步。",
    notHeld: "此页面已不含第 {step} 步：它在精简时被去掉了。",
    takesKernel: "第 {step} 步需要内核，而内核已断开。",
    unlike: "读取这两步时用的词元不同。",
    notOfTwo: "两步的差值显示在注意力和链式法则中。",
    noMatrices: "比较各头需要它们的完整矩阵，而这些没有保存。",
  },

  token: "词元 {id}",
  otherToken: "其他词元之一",
} as const;
