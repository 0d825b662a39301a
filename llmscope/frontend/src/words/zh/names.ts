/** 各面板和各种注意力显示方式的名称：在所有文件中统一。 */

export const text = "文本";
export const chainRule = "链式法则";
export const allHeads = "所有头";
export const matrix = "矩阵";
export const arcs = "弧线";
export const steps = "步骤";
export const lens = "透镜";
export const model = "模型";
export const patching = "修补";
export const survey = "普查";
export const evaluation = "评测";
export const tokenizers = "分词器";
export const training = "训练";
export const stream = "各步的下一个词元";
export const became = "各头变成了什么";
export const headSteps = "各步的头";
export const lensSteps = "各步的层";
