import { chainRule } from "./names";

export const chain = {
  title: chainRule,
  about: "逐个词元看文本的概率",
  both: "此模型双向阅读文本，因此没有从左到右的链。",
  reading: "正在读取…",
  type: "请输入文本。",
  typeSecond: "请输入第二个词元：第一个词元之前什么也没有。",

  tokens: "词元",
  rows: {
    surprisal: "惊异度，比特",
    token: "词元",
    probability: "概率，%",
    product: "至此的乘积",
  },
  given: "已知",

  first: "“{token}”之前什么也没有：文本以它为已知条件来读。",
  factor: {
    one: "p(“{token}” | 它之前的词元) = {share}",
    other: "p(“{token}” | 它之前的 {count} 个词元) = {share}",
  },
  surprisal: "惊异度 −log₂ p = {bits}",
  product: "至此的乘积 {product}",

  difference: {
    about: "改动后减原样",
    rows: {
      surprisal: "惊异度，± 比特",
      edited: "改动后，%",
      untouched: "原样，%",
    },
    factor: "p(“{token}”)：改动后 {edited}，原样 {untouched} · 惊异度 {bits}",
    total: "整段文本：{bits}；困惑度改动后 {edited}，原样 {untouched}。",
    legend: "蓝色：改动后更令人意外；橙色：更不意外。",
  },

  total: "p(文本 | 首个词元) = {product} = {power}",
  perplexity:
    "{bits} 比特 ÷ {tokens} = {each}；困惑度 {power} = {perplexity}：相当于在 {choices} 个等可能的词元中选择。",
  each: "每个词元 {bits} 比特",
} as const;
