/** 简体中文，与英文逐间对应。 */

export { lab } from "./lab";
export { language } from "./language";
