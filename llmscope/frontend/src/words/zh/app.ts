export const app = {
  disconnected: "与内核的连接已断开。请重新运行单元格；滑块仍可使用。",
  runTitle: "运行上方所有单元格（新内核还没有运行过它们）和此单元格",

  shown: "显示的内容",
  showTitle: "按键 {digit}",
  controls: "控件",
  controlsTitle: "其他可设置的内容：按键 c",
  fullScreen: "⤢ 全屏",
  fullScreenTitle: "按键 f",
  leave: "退出讲课模式",
} as const;
