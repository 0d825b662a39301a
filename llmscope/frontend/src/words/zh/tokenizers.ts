import * as names from "./names";

export const tokenizers = {
  title: names.tokenizers,
  label: "一段文本，各分词器",
  text: "文本",
  type: "输入文本",
  sample: "试试",
  sampleTitle: "用这个例子替换文本",
  reading: "正在切分文本…",
  empty: "请输入文本，或选一个例子。",
  pieces: "各块；方向键在其间移动",
  leftOut: {
    one: "文本还有 {count} 部分没有显示；数字包含它们。",
    other: "文本还有 {count} 部分没有显示；数字包含它们。",
  },
  piece: "{name}：{pieces} 块中的第 {place} 块，“{label}”，编号 {id}",
  unknownPiece: "{name}：{pieces} 块中的第 {place} 块，“{label}”，它不认识：编号都是 {id}",
  unknown: { one: "{count} 个不认识", other: "{count} 个不认识" },
  pieceOutside: "每一行是一个分词器切出的文本；空隙是所有分词器都切开的地方。",
  size: "{characters}，UTF-8 为 {bytes}",
  characters: { one: "{count} 个字符", other: "{count} 个字符" },
  bytes: { one: "{count} 个字节", other: "{count} 个字节" },

  columns: {
    name: "分词器",
    vocabulary: "词表",
    tokens: "词元",
    characters: "每词元字符数",
    bytes: "每词元字节数",
  },
  samples: "例子的每词元字符数",
  sampleOf: "{tokens}，{unknown}，对应 {characters}",
  refused: "无法切分这段文本：{reason}",
} as const;
