export const hints = {
  type: "↑ 在这里输入：一切随之变化。",
  map: "↓ 指向一张小图查看那个头；点击即选定。",
  temperature: "↓ 拖动温度：条形随之变化。",
  play: "↑ 按“播放”：模型继续往下写。",

  none: "不要提示",
  noneTitle: "不要提示：Esc",
  again: "再次显示最初的提示",
} as const;
