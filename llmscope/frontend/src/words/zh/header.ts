import { model } from "./names";

export const header = {
  status: {
    disconnected: "已断开",
    problem: "出错",
    busy: "忙",
    ready: "就绪",
  },
  layers: { one: "{count} 层", other: "{count} 层" },
  size: "{layers} × {heads}",
  sizeOfGroups: "{layers} × {heads}，{groups} 个 KV 组",
  megabytes: "{count} MB",
  cache: "缓存 {size}",
  cacheTitle: "最近文本的键和值，使修改只需计算变动的部分；至多 {size}（scope.cache_limit）",
  serverTitle: "模型所在的服务器",
  reconnecting: "无法连接 {address}：正在重试…",
  following: "正在跟随 {room} ✕",
  unfollowTitle: "不再跟随：保留所显示的内容",
  perplexity: "困惑度 {value}",
  perplexityTitle: "显示或隐藏链式法则，困惑度由它而来",
  model,
  modelTitle: "显示或隐藏整个模型的图",
  lecture: "A⁺ 讲课",
  lectureTitle: "投影用的舞台：大字，一次只讲一件事",

  share: "分享",
  savePage: "保存为网页",
  saved: "已保存 ✓",
  copyPython: "复制 Python",
  copyAddress: "复制地址",
} as const;
