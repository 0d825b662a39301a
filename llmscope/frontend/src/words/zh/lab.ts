export const lab = {
  description: "内核已不在时，显示视图留存的内容。",
  saved: "随笔记本保存的内容。运行此单元格即可恢复视图。",
  run: "运行至此",
  runTitle: "运行上方所有单元格和此单元格",
} as const;
