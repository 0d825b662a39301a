export const picker = {
  waiting: "正在等待内核…",
  noAnswer:
    "还没有内核应答。可能有单元格正在运行；如果没有内核，请重新运行此单元格。view.static() 显示的内容不需要内核。",
  before: "视图上次显示的内容：",
  title: "选择模型",
  other: "或 Hub 上的名称、工作目录中的文件夹或 GGUF 文件",
  load: "加载",
  starting: "正在启动",
  stop: "停止",
  install: "安装默认模型",
} as const;
