export const overSteps = {
  step: "第 {step} 步",
  empty: "这次训练还没有保存任何内容。",
} as const;
