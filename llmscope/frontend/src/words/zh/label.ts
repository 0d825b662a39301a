export const label = {
  piece: "组成 {character} 的 {count} 个词元中的{place}",
  ordinals: ["第一个", "第二个", "第三个", "第四个"],
  numbers: ["一", "二", "三", "四"],
  bytes: "；",
  byte: "字节 {byte}：{role}",
  roles: {
    ascii: "ASCII 的一个完整字符",
    next: "字符首字节之后的字节",
    two: "某些两字节字符的首字节",
    three: "某些三字节字符的首字节",
    four: "某些四字节字符的首字节",
    never: "UTF-8 中从不出现",
  },
} as const;
