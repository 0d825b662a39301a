import { patching as title } from "./names";

export const patching = {
  title,
  about: "残差流，取自“{text}”",
  empty: "请在第一段文本下方输入第二段文本：每层之后的残差流逐个词元取自它。",
  noText: "请输入文本。",
  grid: "各层各词元的修补效应。{cell}。方向键移动，Enter 修补该格。",
  layer: "层",

  token: "看哪个词元的 logit",
  foil: "与哪个词元对照",
  tokenOption: "“{token}”",
  foilOption: "对照“{token}”",

  reading: "正在运行两段文本…",
  soFar: "{all} 层中的 {known} 层",
  stop: "停止",
  goOn: "继续",
  stopped: "已停止：{all} 层中已知 {known} 层。",

  cell: "第 {layer} 层，词元 {at}“{token}”",
  cellOther: "第 {layer} 层，词元 {at}“{token}” | “{other}”",
  told: "{cell}：",
  share: "走了全程的 {share}",
  unknown: "尚不知道",
  difference: "“{token}”与“{foil}”的 logit 之差：",
  numbers: "这里 {here}，修补后 {patched}，第二段文本中 {there}。",
  ends: "这里 {here}，第二段文本中 {there}。",
  same: "两段文本在这一点上几乎没有差别，因此没有可测量的距离。请换一个词元或另一段文本。",

  legend: "0：与这里相同，1：与第二段文本相同，小于 0：更加远离它。",
  click: "点击会在所有面板中修补该格。",
} as const;
