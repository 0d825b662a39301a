/** Whether a kernel may answer; set by build.mjs. */
declare const LIVE: boolean;
