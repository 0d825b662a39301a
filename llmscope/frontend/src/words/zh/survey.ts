import * as names from "./names";

export const survey = {
  title: names.survey,
  about: "{name} 的所有头，跨多段文本",
  waiting: "正在读取第一段文本…",
  none: "没有一段文本能读取。",

  texts: { one: "{count} 段文本", other: "{count} 段文本" },
  read: { one: "已读 {count} 段文本", other: "已读 {count} 段文本" },
  soFar: "{total} 段文本中的 {done} 段",
  seconds: { one: "还剩 {count} 秒", other: "还剩 {count} 秒" },
  minutes: { one: "还剩 {count} 分钟", other: "还剩 {count} 分钟" },
  hours: { one: "还剩 {count} 小时", other: "还剩 {count} 小时" },
  stopped: "已停止",
  stop: "停止",
  goOn: "继续",
  skipped: {
    one: "跳过了 {count} 段文本。第一段：{why}",
    other: "跳过了 {count} 段文本。第一段：{why}",
  },

  skippedText: "{place} {text}：{why}",

  x: "横轴",
  y: "纵轴",
  scores: {
    distance: { title: "距离", text: "查询与键的平均距离（词元数），按权重计" },
    distance_spread: {
      title: "距离的离散程度",
      text: "该距离在一段文本内的标准差，按权重计",
    },
    entropy_bits: { title: "熵，比特", text: "一个查询的权重的平均熵，单位为比特" },
    punctuation: {
      title: "标点",
      text: "能看到标点的查询放在标点上的平均权重",
    },
    activity: {
      title: "活跃度",
      text: "一个查询给首个词元以外任一词元的最大权重的平均",
    },
  },

  upwards: "↑ {score}",
  scatter:
    "各头，横轴为{x}，纵轴为{y}。第 {layer} 层，头 {head}。方向键移动，空格键选中，Shift 加方向键画框。",
  value: "{score} {mean} ± {error}（{texts}）",
  unknown: "{score} –",
  both: "{x} · {y}。",
  spread: "多段文本的平均 ± 标准误差；文本之间的差异为 {x} 和 {y}（线段）。",
  spreadUnknown: "多段文本的平均 ± 标准误差。",
  framed: {
    one: "选中了框内的 {count} 个头。",
    other: "选中了框内的 {count} 个头。",
  },
  tooMany: "框内有 {count} 个头：选中最高的 {most} 个。",
  frame: "拖出一个框来选择头；点击一个头来查看它。",
  missing: {
    one: "{count} 个头没有这项得分。",
    other: "{count} 个头没有这项得分。",
  },
  firstLayer: "第 0 层",

  head: "头 {head}",
  distances: "它看多远",
  distancesAbout: "各距离上的权重，以词元计",
  bar: "它的权重有 {share} 落在{distance}处",
  distance: { one: "{count} 个词元远", other: "{count} 个词元远" },
  range: "{from} 到 {to} 个词元远",
  pairs: "它连接的词元",
  pairsAbout: "查询 → 键，按所有文本中的权重",
  noPairs: "除首个词元外，没有两个词元之间的权重达到 0.1。",
  examples: "它活跃的文本",
  kinds: { strongest: "最强", deciles: "十分位" },
  kindsLabel: "哪些文本",
  activity: "活跃度 {value}：在下方打开",
  tenth: "取自第 {decile} 个十分位（共 10 个）的中间，活跃度 {value}：在下方打开",
} as const;
